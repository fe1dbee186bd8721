import type { ScriptFile, ScriptIoctl } from "../edit-script/index.ts";
import { isLittleEndian } from "./entry-words.ts";
import type { CallSpan, ChangeCalls, CheckInput, TablesBefore } from "./input.ts";

const MASK = (1n << 64n) - 1n;

/** A script file as input of the checker: tables hold what the file says and 0 everywhere else. */
export function inputOf(file: ScriptFile): CheckInput {
  const { capability, domains, script, oldMap, newMap, pins, keptTables, deviceCaches, isEpoch } = file;
  const calls = callsOf(file.ioctls, script.steps);
  return {
    capability,
    domains,
    tables: tablesOf(file),
    script,
    oldMap,
    newMap,
    pins,
    keptTables,
    deviceCaches,
    isEpoch,
    calls,
    isRepinned: calls !== null,
  };
}

/** The ioctls of a change of `steps` steps as its calls; null unless there are several. */
export function callsOf(ioctls: readonly ScriptIoctl[], steps: number): ChangeCalls | null {
  if (ioctls.length < 2) return null;
  const spans = ioctls.flatMap(({ label, step }, i): CallSpan[] => {
    const end = ioctls[i + 1]?.step ?? steps + 1;
    return step < end ? [{ number: i + 1, step, name: label || "an ioctl" }] : [];
  });
  return { count: ioctls.length, spans };
}

function tablesOf(file: ScriptFile): TablesBefore {
  const contents = new Map<number, BigUint64Array>();
  for (const { root } of file.domains) contents.set(root, new BigUint64Array(512));
  for (const run of file.tables) {
    let content = contents.get(run.table);
    if (content === undefined) contents.set(run.table, (content = new BigUint64Array(512)));
    for (let i = 0; i < run.count; i++) content[run.index + i] = (run.first + BigInt(i) * run.stride) & MASK;
  }
  return {
    isTable: (table) => contents.has(table),
    entry: (table, index) => contents.get(table)?.[index] ?? 0n,
    words(table) {
      const content = contents.get(table);
      return content === undefined || !isLittleEndian ? null : new Uint32Array(content.buffer);
    },
  };
}
