import { cpus, loadavg, totalmem } from "node:os";
import type { MeasuredFigure } from "./alternate.ts";

/** What `bench-results.json` holds; scripts/bench-table.mjs renders it. */
export interface BenchResults {
  readonly schema: "hitless-bench/1";
  /** Day of the run, YYYY-MM-DD. */
  readonly date: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly platform: string;
    readonly node: string;
    readonly compiler: string | null;
    /** Load of the last minute when the run began and when it ended; a run on a quiet machine ends near 1. */
    readonly loadAverage: readonly [number, number];
  };
  readonly rounds: number;
  readonly figures: readonly MeasuredFigure[];
}

/** Processes that wanted a CPU during the last minute. */
export const loadOfLastMinute = (): number => Math.round(loadavg()[0]! * 10) / 10;

export function benchResults(
  figures: readonly MeasuredFigure[],
  rounds: number,
  compiler: string | null,
  loadAtStart: number,
): BenchResults {
  return {
    schema: "hitless-bench/1",
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform} ${process.arch}`,
      node: process.version,
      compiler,
      loadAverage: [loadAtStart, loadOfLastMinute()],
    },
    rounds,
    figures,
  };
}
