import type { Personality } from "../../kernel/index.ts";
import { type BitRuns, countBits, PRINTED_RUNS } from "./bit-runs.ts";
import { ExpressionError, evaluate, parseExpression } from "./expression.ts";
import { fieldMap } from "./fields.ts";
import type { Answer, Row } from "./row.ts";
import type { Operation } from "./script.ts";

/** One line where the recorded kernel and this one disagree. */
export interface Disagreement {
  readonly personality: Personality;
  readonly operation: Operation;
  readonly recorded: Row;
  readonly answer: Answer;
}

/** A behaviour of the recorded kernels that is a bug of theirs and is not copied. */
export interface DeliberateDifference {
  readonly reason: string;
  /** True iff the disagreement is nothing but this bug. */
  explains(disagreement: Disagreement): boolean;
  /** The recorded kernel did nothing at this line: what follows is compared as if the line were not there. */
  readonly recordedDidNothing?: true;
}

/** All of them. Rules look at behaviour, never at a script's name or line. */
export const DELIBERATE_DIFFERENCES: readonly DeliberateDifference[] = [
  {
    reason:
      "the recorded kernel reports stale bits behind a mapping, left over from earlier calls; " +
      "exactly the mapped pages are reported here",
    explains: isStaleBits,
  },
  {
    reason:
      "before 7.3 an UNMAP_DMA whose last byte is 2^64-1 finds no mapping and succeeds without removing any; " +
      "here it removes what the range covers",
    explains: isUnmapToTop,
    recordedDidNothing: true,
  },
  {
    reason:
      "before 7.3 a MAP_DMA whose last byte is 2^64-1 sees no overlap and fails for a later reason; " +
      "here the overlap is reported",
    explains: isMapToTop,
  },
];

const READS_BITMAP = new Set(["dirty-get", "unmap-dirty"]);

/** Same result, and every recorded bit that is not reported here follows a reported one in its 64-bit word. */
function isStaleBits({ operation, recorded, answer }: Disagreement): boolean {
  if (!READS_BITMAP.has(operation.name) || answer.dirty === null || recorded.result !== answer.result)
    return false;
  const expected = fieldMap(recorded.fields);
  const got = fieldMap(answer.fields);
  for (const key of new Set([...expected.keys(), ...got.keys()]))
    if (key !== "dirty" && key !== "bits" && expected.get(key) !== got.get(key)) return false;
  const bits = parseBits(expected.get("bits"));
  const count = Number(expected.get("dirty"));
  if (bits === null || !(count > countBits(answer.dirty))) return false;
  /* A recording prints the first runs only: nothing is known of what follows them. */
  const end = bits.length < PRINTED_RUNS ? Number.POSITIVE_INFINITY : bits.at(-1)![1] + 1;
  return contains(bits, answer.dirty, end) && extraBitsFollow(bits, answer.dirty);
}

function parseBits(text: string | undefined): BitRuns | null {
  if (text === undefined) return null;
  if (text === "") return [];
  const runs = text.split(",").map((run) => /^(\d+)-(\d+)$/.exec(run));
  return runs.every((run) => run !== null)
    ? runs.map((run) => [Number(run[1]), Number(run[2])] as const)
    : null;
}

/** Every bit of `part` below `end` is in `whole`. */
function contains(whole: BitRuns, part: BitRuns, end: number): boolean {
  return part.every(
    ([first, last]) =>
      first >= end || whole.some(([from, to]) => from <= first && Math.min(last, end - 1) <= to),
  );
}

function extraBitsFollow(recorded: BitRuns, reported: BitRuns): boolean {
  const isReported = (bit: number): boolean => reported.some(([first, last]) => first <= bit && bit <= last);
  const followsOne = (bit: number): boolean =>
    reported.some(([first]) => first < bit && wordOf(lastBelow(reported, bit)) === wordOf(bit));
  for (const [first, last] of recorded)
    for (let bit = first; bit <= last; bit++) if (!isReported(bit) && !followsOne(bit)) return false;
  return true;
}

const wordOf = (bit: number): number => Math.floor(bit / 64);
const lastBelow = (runs: BitRuns, bit: number): number =>
  Math.max(...runs.filter(([first]) => first < bit).map(([, last]) => Math.min(last, bit - 1)));

function isUnmapToTop(disagreement: Disagreement): boolean {
  const { operation, recorded, answer } = disagreement;
  if (!["unmap", "unmap-dirty"].includes(operation.name) || !endsAtTop(disagreement)) return false;
  const expected = fieldMap(recorded.fields);
  return (
    recorded.result === "0" &&
    answer.result === "0" &&
    expected.get("size") === "0x0" &&
    fieldMap(answer.fields).get("size") !== "0x0" &&
    expected.get("lck") === String(answer.lockedBefore)
  );
}

function isMapToTop(disagreement: Disagreement): boolean {
  const { operation, recorded, answer } = disagreement;
  return (
    operation.name === "map" &&
    endsAtTop(disagreement) &&
    answer.errno === "EEXIST" &&
    (recorded.errno === "EINVAL" || recorded.errno === "ENOSPC") &&
    recorded.fields === answer.fields
  );
}

/** An old kernel, and a range given in plain numbers whose last byte is 2^64 - 1. */
function endsAtTop({ personality, operation }: Disagreement): boolean {
  if (personality === "7.3") return false;
  const value = (key: string): bigint => evaluate(parseExpression(operation.keys.get(key) ?? "0"), new Map());
  try {
    return value("iova") + value("size") === 1n << 64n;
  } catch (error) {
    if (error instanceof ExpressionError) return false;
    throw error;
  }
}
