import { oneRange } from "../../check/index.ts";
import { CACHES_ALL, type ScriptFile, tableRuns } from "../../edit-script/index.ts";
import type { DecidedChange } from "./decide-changes.ts";
import { asPins } from "./guest-maps.ts";

/** A decided change with everything it means something against, ready to be printed. Pre: no later change has begun. */
export function scriptFileOf(change: DecidedChange): ScriptFile {
  const { capability, domains, script, tables, deviceCaches, isEpoch } = change.input;
  const { oldMap, newMap, pins } = listed(change.input);
  return {
    capability,
    domains,
    tables: change.recorder.tablesBefore().flatMap((t) => tableRuns(t, (index) => tables.entry(t, index))),
    oldMap,
    newMap,
    pins,
    keptTables: [],
    freedTables: [],
    deviceCaches: deviceCaches ?? CACHES_ALL,
    isEpoch: isEpoch ?? false,
    ioctls: change.recorder.ioctls(),
    script,
    stepLines: [],
  };
}

/** The maps and pins as whole lists, as a script file has them. */
function listed(input: DecidedChange["input"]): Pick<ScriptFile, "oldMap" | "newMap" | "pins"> {
  if ("oldMap" in input) return { oldMap: input.oldMap, newMap: input.newMap, pins: input.pins ?? null };
  const { maps, pinsTaken } = input;
  const everything = oneRange(0, maps.end);
  const oldMap = [...maps.runs("old", everything)];
  const newMap = [...maps.runs("new", everything)];
  return { oldMap, newMap, pins: pinsTaken ? [...asPins(oldMap), ...pinsTaken.pins()] : null };
}
