/** True iff the host keeps the low word of an entry first, so that an entry in memory is a pair of words as they are. */
export const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/* An entry is taken apart in memory: shifting and masking would make two more bigints of each. */
const whole = new BigUint64Array(1);
const halves = new DataView(whole.buffer);

/** Bits 31:0 of an entry. */
export function lowWord(entry: bigint): number {
  whole[0] = entry;
  return halves.getUint32(isLittleEndian ? 0 : 4, isLittleEndian);
}

/** Bits 63:32 of an entry. */
export function highWord(entry: bigint): number {
  whole[0] = entry;
  return halves.getUint32(isLittleEndian ? 4 : 0, isLittleEndian);
}

/** An entry in hexadecimal digits, all of them. */
export const hexEntry = (lo: number, hi: number): string =>
  `0x${((BigInt(hi) << 32n) | BigInt(lo)).toString(16).padStart(16, "0")}`;
