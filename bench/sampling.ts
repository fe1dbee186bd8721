import Benchmark from "benchmark";
import { SAMPLE_MS } from "./row.ts";

/**
 * The two ways to time our side.
 *
 * `repeating` leaves calibration and sampling to benchmark.js and suits work that can be done over and over. Its body must
 * be synchronous: benchmark.js times an async function as if it had finished when it returned.
 * `phases` suits work and its undoing, where each half has a figure of its own.
 */
export function repeating(body: () => void, operationsPerCall: number): () => number {
  const bench = new Benchmark({
    fn: body,
    async: false,
    maxTime: SAMPLE_MS / 1000,
    minTime: SAMPLE_MS / 3000,
    minSamples: 2,
  });
  return () => {
    bench.run({ async: false });
    /* benchmark.js swallows what the body throws. */
    if (bench.error !== undefined && bench.error !== null) throw bench.error;
    return (bench.stats.mean * 1e9) / operationsPerCall;
  };
}

/** Mean nanoseconds of each phase over as many rounds as fit into one sample; `check` runs untimed after each phase. */
export function phases(
  bodies: readonly (() => void)[],
  operationsPerCall: number,
  check: (phase: number) => void,
): () => number[] {
  return () => {
    const spent = bodies.map(() => 0);
    let rounds = 0;
    let total = 0;
    do {
      for (const [phase, body] of bodies.entries()) {
        const start = nowNs();
        body();
        const elapsed = nowNs() - start;
        check(phase);
        spent[phase]! += elapsed;
        total += elapsed;
      }
      rounds++;
    } while (total < SAMPLE_MS * 1e6);
    return spent.map((ns) => ns / rounds / operationsPerCall);
  };
}

/** Monotonic clock in nanoseconds, exact enough for differences. */
export const nowNs = (): number => performance.now() * 1e6;
