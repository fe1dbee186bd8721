/** Set bits as ascending runs [first, last]. */
export type BitRuns = readonly (readonly [first: number, last: number])[];

/** Runs of set bits, least significant first. */
export function bitRuns(bytes: Uint8Array): BitRuns {
  const runs: [number, number][] = [];
  const add = (first: number, last: number): void => {
    const previous = runs[runs.length - 1];
    if (previous !== undefined && previous[1] + 1 === first) previous[1] = last;
    else runs.push([first, last]);
  };
  bytes.forEach((byte, i) => {
    if (byte === 0xff) add(8 * i, 8 * i + 7);
    else for (let bit = 0; byte >> bit; bit++) if ((byte >> bit) & 1) add(8 * i + bit, 8 * i + bit);
  });
  return runs;
}

export const countBits = (runs: BitRuns): number =>
  runs.reduce((sum, [first, last]) => sum + last - first + 1, 0);

/** Runs a recording prints. */
export const PRINTED_RUNS = 12;

/** `dirty=5 bits=0-3,7-7`. */
export const dirtyFields = (runs: BitRuns): string[] => [
  `dirty=${countBits(runs)}`,
  `bits=${runs
    .slice(0, PRINTED_RUNS)
    .map(([first, last]) => `${first}-${last}`)
    .join(",")}`,
];
