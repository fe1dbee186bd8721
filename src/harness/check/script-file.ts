import { CACHES_ALL, type ScriptFile, tableRuns } from "../../edit-script/index.ts";
import type { DecidedChange } from "./decide-changes.ts";

/** A decided change with everything it means something against, ready to be printed. Pre: no later change has begun. */
export function scriptFileOf(change: DecidedChange): ScriptFile {
  const { capability, domains, script, oldMap, newMap, pins, tables, deviceCaches, isEpoch } = change.input;
  return {
    capability,
    domains,
    tables: change.recorder.tablesBefore().flatMap((t) => tableRuns(t, (index) => tables.entry(t, index))),
    oldMap,
    newMap,
    pins: pins ?? null,
    keptTables: [],
    deviceCaches: deviceCaches ?? CACHES_ALL,
    isEpoch: isEpoch ?? false,
    script,
    stepLines: [],
  };
}
