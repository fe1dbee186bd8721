/** Digits in groups of three: 1234567 → "1,234,567". */
export const groupDigits = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

/** Share of a whole as a percentage; what is there but rounds to nothing is "<0.01%". */
export function formatShare(part: number, whole: number): string {
  if (part === 0 || whole === 0) return "0.00%";
  const percent = (100 * part) / whole;
  if (percent < 0.01) return "<0.01%";
  if (part < whole && percent >= 99.995) return ">99.99%";
  return `${percent.toFixed(2)}%`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes in the largest binary unit that keeps them at 1 or more: 3221225472 → "3.00 GiB". */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(2)} ${UNITS[unit]}`;
}

/** A count and its noun: "1 change", "29 changes". */
export const plural = (n: number, noun: string, many = `${noun}s`): string =>
  `${groupDigits(n)} ${n === 1 ? noun : many}`;
