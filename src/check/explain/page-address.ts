/** Address of a page. */
export const address = (page: number): string => "0x" + (page * 4096).toString(16);
