import { machineOf } from "../engine/engine.ts";
import { type Engine, EngineBug } from "../engine/index.ts";
import {
  CTL_PATTERN,
  CTL_PATTERNS,
  MAP_VERSIONS,
  PATTERN_BYTES,
  PATTERN_RANGES,
  PATTERN_SLOTS,
} from "../engine/layout.ts";
import type { IovaPfn } from "../units/index.ts";

/** Pages that devices access, with a weight relative to the other ranges of the pattern. */
export interface PatternRange {
  readonly iovaPfn: IovaPfn;
  readonly pages: number;
  readonly weight: number;
}

/** Largest number of ranges a pattern can have. */
export const MAX_PATTERN_RANGES = PATTERN_RANGES;

/**
 * Puts an access pattern in force for all devices. Weights are rounded to 1/1024; every range gets at least one share.
 * A device that reads the ring just now may make one access of an older pattern: any page is a legal access.
 */
export function publishPattern(engine: Engine, ranges: readonly PatternRange[]): void {
  if (ranges.length === 0 || ranges.length > PATTERN_RANGES)
    throw new EngineBug(`publishPattern: ${ranges.length} ranges are not within 1 and ${PATTERN_RANGES}`);
  const total = ranges.reduce((sum, r) => sum + r.weight, 0);
  if (!(total > 0)) throw new EngineBug("publishPattern: the weights sum up to nothing");
  const { wasm, buffer, words, control, controlWord } = machineOf(engine);
  const number = (controlWord(CTL_PATTERN) + 1) >>> 0;
  const base = controlWord(CTL_PATTERNS) + (number % MAP_VERSIONS) * PATTERN_BYTES;
  const shares = new Uint8Array(buffer, base, PATTERN_SLOTS);
  const spare = PATTERN_SLOTS - ranges.length;
  let at = 0;
  let weight = 0;
  ranges.forEach((range, i) => {
    weight += range.weight;
    const end = i + 1 + Math.round((spare * weight) / total);
    shares.fill(i, at, end);
    at = end;
    const word = (base + PATTERN_SLOTS) / 4 + 4 * i;
    words[word] = range.iovaPfn % 2 ** 32;
    words[word + 1] = Math.floor(range.iovaPfn / 2 ** 32);
    words[word + 2] = range.pages % 2 ** 32;
    words[word + 3] = Math.floor(range.pages / 2 ** 32);
  });
  wasm.publish32(control + CTL_PATTERN, number);
}
