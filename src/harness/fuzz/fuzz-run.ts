import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import type { Finding } from "../../check/index.ts";
import type { Mutant } from "../../check/mutants/index.ts";
import { type FuzzCase, fuzzCases } from "./fuzz-case.ts";
import { FuzzFailure, runFuzzCase } from "./fuzz-machine.ts";
import { FuzzTotals } from "./fuzz-totals.ts";

export interface FuzzOptions {
  /** First seed; each batch of cases has the next one. */
  readonly seed: number;
  /** Cases of the first batch that are left out, 0 to FUZZ_BATCH - 1: an earlier run has had them. */
  readonly skip?: number;
  /** Ends after this many cases, if ever. */
  readonly runs: number | null;
  readonly timeMs: number;
  /** Time to look for a smaller case once one has failed. */
  readonly shrinkMs: number;
  /** One profile, or any when null. */
  readonly format: string | null;
  readonly mutant: Mutant | null;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly share: number; readonly totals: FuzzTotals }) => void;
}

/** A case that failed, made as small as time allowed. */
export interface FuzzFound {
  readonly case: FuzzCase;
  /** Violation class, or what was compared. */
  readonly kind: string;
  readonly message: string;
  readonly seed: number;
  readonly path: string;
  /** Smaller cases taken on the way. */
  readonly shrinks: number;
  /** Step of the case that went wrong, and what the checker says of it; null where something else was wrong. */
  readonly step: number;
  readonly finding: Finding | null;
}

export interface FuzzOutcome {
  readonly totals: FuzzTotals;
  readonly found: FuzzFound | null;
  /** Seed to go on with, that of the first batch with cases that were not run. */
  readonly nextSeed: number;
  /** Cases of that batch that were run: to go on behind them skips none and repeats none. */
  readonly nextSkip: number;
  /** Interrupted before time or cases were over. */
  readonly partial: boolean;
  readonly elapsedMs: number;
}

/** Cases that a seed stands for. */
export const FUZZ_BATCH = 16;
const MOST_SEEDS = 2 ** 32;

const property = (
  options: Pick<FuzzOptions, "format" | "mutant">,
  totals: FuzzTotals,
): fc.IProperty<[FuzzCase]> =>
  fc.property(fuzzCases(options), (drawn) => runFuzzCase(drawn, totals, options.mutant));

/** Draws cases until time, runs or patience end, or one fails, which is then made smaller. Same seed, same cases. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzOutcome> {
  const totals = new FuzzTotals();
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  let { seed, skip = 0 } = options;
  let found: FuzzFound | null = null;
  let isInterrupted = false;
  // fast-check has a clock of its own: what it calls too late is over, even where ours lags a moment behind.
  let isTimeUp = false;
  const isDone = (): boolean =>
    found !== null ||
    isTimeUp ||
    elapsed() >= options.timeMs ||
    (options.runs !== null && totals.runs >= options.runs);
  while (!isDone()) {
    if ((isInterrupted = options.signal?.aborted === true)) break;
    const before = totals.runs;
    const left = options.runs === null ? FUZZ_BATCH : options.runs - before;
    const batch = fc.check(property(options, totals), {
      seed: seed | 0,
      path: skip === 0 ? "" : String(skip),
      numRuns: Math.min(FUZZ_BATCH - skip, left),
      endOnFailure: true,
      interruptAfterTimeLimit: Math.max(1, options.timeMs - elapsed()),
    });
    isTimeUp = batch.interrupted;
    if (batch.failed && batch.counterexamplePath !== null)
      found = shrunk(options, seed, batch.counterexamplePath);
    skip += totals.runs - before;
    if (skip === FUZZ_BATCH) [seed, skip] = [(seed + 1) % MOST_SEEDS, 0];
    const byRuns = options.runs === null ? 0 : totals.runs / options.runs;
    options.onProgress?.({ share: Math.min(1, Math.max(byRuns, elapsed() / options.timeMs)), totals });
    await setImmediate();
  }
  return {
    totals,
    found,
    nextSeed: seed,
    nextSkip: skip,
    partial: isInterrupted,
    elapsedMs: elapsed(),
  };
}

/** Makes a failing case smaller. Errors: whatever is no FuzzFailure: then the tool itself failed. */
function shrunk(options: FuzzOptions, seed: number, path: string): FuzzFound {
  const details = fc.check(property(options, new FuzzTotals()), {
    seed: seed | 0,
    path,
    numRuns: 1,
    interruptAfterTimeLimit: options.shrinkMs,
  });
  const error = details.errorInstance;
  if (!(error instanceof FuzzFailure))
    throw error ?? new Error(`fuzz: case ${path} of seed ${seed} fails no more`);
  // Once more and alone: what is wrong is explained while its tables stand.
  const smallest = details.counterexamplePath!;
  const found = replayFuzzCase(options, seed, smallest);
  if (found === null) throw new Error(`fuzz: case ${smallest} of seed ${seed} fails no more`);
  return { ...found, shrinks: details.numShrinks };
}

/** Runs one case of a seed again. Null where nothing is wrong with it any more. */
export function replayFuzzCase(
  options: Pick<FuzzOptions, "format" | "mutant">,
  seed: number,
  path: string,
): FuzzFound | null {
  const details = fc.check(property(options, new FuzzTotals()), {
    seed: seed | 0,
    path,
    numRuns: 1,
    endOnFailure: true,
  });
  if (!details.failed) return null;
  const error = details.errorInstance;
  if (!(error instanceof FuzzFailure)) throw error;
  return {
    case: details.counterexample![0],
    kind: error.kind,
    message: error.message,
    seed,
    path,
    shrinks: 0,
    step: error.step,
    finding: error.explain?.() ?? null,
  };
}
