import { check, inputOf, type MemoryMode } from "../../check/index.ts";
import type { ScriptFile } from "../../edit-script/index.ts";
import { CHECK_RESULT_SCHEMA_ID, type CheckReport } from "../../report/index.ts";
import { checkedFinding } from "./check-run.ts";
import { united } from "./united.ts";

/** Name under which a script that no strategy made is reported. */
const SCRIPT = "script";

/** Decides one edit script from a file. Errors: CheckInputError. */
export function runScriptCheck(
  file: ScriptFile,
  name: string,
  modes: readonly MemoryMode[],
  replay: string,
): CheckReport {
  const started = performance.now();
  const input = inputOf(file);
  const results = modes.map((mode) => check(input, { mode }));
  const elapsedMs = performance.now() - started;
  const [first] = results;
  const violations = united(results).map((f) => checkedFinding(f, { step: 1, label: "" }, replay));
  const total = (of: (r: (typeof results)[number]) => number): number =>
    results.reduce((n, r) => n + of(r), 0);
  return {
    schema: CHECK_RESULT_SCHEMA_ID,
    command: "check",
    verdict: violations.length > 0 ? "violation" : "clean",
    seed: 0,
    format: file.capability.name,
    backing: null,
    input: name,
    maps: 2,
    modes: [...modes],
    inject: null,
    partial: false,
    strategies: [
      {
        name: SCRIPT,
        baseline: false,
        changes: 1,
        ioctls: 0,
        scripts: 1,
        steps: first!.stats.steps,
        stores: first!.stats.stores,
        classes: total((r) => r.classes),
        pages: total((r) => r.pages),
        schedules: total((r) => r.schedules),
        unneededStores: first!.stats.unneededStores,
        elapsedMs,
        crash: null,
        violations,
      },
    ],
    violations: violations.map((v) => ({ ...v, strategy: SCRIPT })),
  };
}
