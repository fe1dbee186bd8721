/** Bits 31:0 of an entry. */
export const lowOf = (entry: bigint): number => Number(BigInt.asUintN(32, entry));
/** Bits 63:32 of an entry. */
export const highOf = (entry: bigint): number => Number(BigInt.asUintN(32, entry >> 32n));
