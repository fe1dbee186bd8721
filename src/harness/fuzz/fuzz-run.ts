import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import type { Mutant } from "../../check/mutants/index.ts";
import { type FuzzCase, fuzzCases } from "./fuzz-case.ts";
import { FuzzFailure, runFuzzCase } from "./fuzz-machine.ts";
import { FuzzTotals } from "./fuzz-totals.ts";

export interface FuzzOptions {
  /** First seed; each batch of cases has the next one. */
  readonly seed: number;
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
}

export interface FuzzOutcome {
  readonly totals: FuzzTotals;
  readonly found: FuzzFound | null;
  /** Seed to go on with. */
  readonly nextSeed: number;
  readonly partial: boolean;
  readonly elapsedMs: number;
}

const BATCH = 16;
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
  let seed = options.seed;
  let found: FuzzFound | null = null;
  const isOver = (): boolean =>
    options.signal?.aborted === true ||
    elapsed() >= options.timeMs ||
    (options.runs !== null && totals.runs >= options.runs);
  while (found === null && !isOver()) {
    const left = options.runs === null ? BATCH : Math.min(BATCH, options.runs - totals.runs);
    const batch = fc.check(property(options, totals), {
      seed: seed | 0,
      numRuns: left,
      endOnFailure: true,
      interruptAfterTimeLimit: Math.max(1, options.timeMs - elapsed()),
    });
    if (batch.failed && batch.counterexamplePath !== null)
      found = shrunk(options, seed, batch.counterexamplePath);
    else seed = (seed + 1) % MOST_SEEDS;
    const byRuns = options.runs === null ? 0 : totals.runs / options.runs;
    options.onProgress?.({ share: Math.min(1, Math.max(byRuns, elapsed() / options.timeMs)), totals });
    await setImmediate();
  }
  const partial = options.signal?.aborted === true;
  return { totals, found, nextSeed: seed, partial, elapsedMs: elapsed() };
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
  return {
    case: details.counterexample![0],
    kind: error.kind,
    message: error.message,
    seed,
    path: details.counterexamplePath!,
    shrinks: details.numShrinks,
  };
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
  };
}
