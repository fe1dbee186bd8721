/** Linux errno values that broken calls return. The ABI's own table is out of this room's reach. */
export const ENOMEM = 12;
export const EINVAL = 22;
