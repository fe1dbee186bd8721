import { FUZZ_RESULT_SCHEMA_ID, type FuzzReport } from "../../report/index.ts";
import { printMapFile } from "../../vmm/index.ts";
import { checkedFinding } from "../check/check-run.ts";
import { encodeToken } from "../check/token.ts";
import { mapsOf } from "./fuzz-case.ts";
import type { FuzzFound, FuzzOptions, FuzzOutcome } from "./fuzz-run.ts";
import { SHAPES } from "./shapes.ts";

type Kept = Pick<FuzzOptions, "seed" | "skip" | "format" | "mutant">;

/** The outcome of a fuzz run as the result that is printed. `command` are the words that start this program. */
export function fuzzReport(options: Kept, outcome: FuzzOutcome, command: string): FuzzReport {
  const { totals, found, nextSeed, nextSkip, partial, elapsedMs } = outcome;
  const { runs, ioctls, scripts, stores, classes, schedules } = totals;
  return {
    schema: FUZZ_RESULT_SCHEMA_ID,
    command: "fuzz",
    verdict: found !== null ? "violation" : runs === 0 || partial ? "inconclusive" : "clean",
    seed: options.seed,
    skip: options.skip ?? 0,
    nextSeed,
    nextSkip,
    format: options.format,
    inject: options.mutant?.id ?? null,
    ...{ partial, elapsedMs, runs, ioctls, scripts, stores, classes, schedules },
    shapes: SHAPES.map((shape) => ({ shape, count: totals.shapes.get(shape) ?? 0 })),
    failures: [...totals.failedSites].sort().map(([site, count]) => ({ site, count })),
    failedCalls: [...totals.failedCalls].sort().map(([, failed]) => ({ ...failed })),
    found: found === null ? null : foundReport(options, found, command),
  };
}

/** One failing case as it is printed. */
export function foundReport(
  { format, mutant }: Omit<Kept, "seed" | "skip">,
  found: FuzzFound,
  command: string,
): NonNullable<FuzzReport["found"]> {
  const { seed, path, kind, message, shrinks, step, finding } = found;
  const token = encodeToken({
    command: "fuzz",
    format: format ?? "",
    seed,
    path,
    inject: mutant?.id ?? null,
  });
  const steps = mapsOf(found.case).map((map, i) => ({
    label: `step ${i} by ${found.case.steps[i]!.call}`,
    map,
    origin: { file: "fuzz", line: i + 1 },
    skipped: [],
  }));
  const replay = `${command} replay ${token}`;
  return {
    kind,
    message,
    shrinks,
    finding: finding && checkedFinding(finding, { step, label: "" }, replay),
    case: found.case,
    maps: printMapFile({ name: `fuzz seed ${seed}`, source: "fuzz", steps, notes: [] }),
    replay,
  };
}
