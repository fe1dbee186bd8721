/** An address the way every output spells it. */
export const hex = (address: bigint): string => `0x${address.toString(16)}`;
