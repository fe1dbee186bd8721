import { cpus, totalmem } from "node:os";
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
  };
  readonly rounds: number;
  readonly figures: readonly MeasuredFigure[];
}

export function benchResults(
  figures: readonly MeasuredFigure[],
  rounds: number,
  compiler: string | null,
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
    },
    rounds,
    figures,
  };
}
