import type { ScriptFile } from "../edit-script/index.ts";
import { isLittleEndian } from "./entry-words.ts";
import type { CheckInput, TablesBefore } from "./input.ts";

const MASK = (1n << 64n) - 1n;

/** A script file as input of the checker: tables hold what the file says and 0 everywhere else. */
export function inputOf(file: ScriptFile): CheckInput {
  const { capability, domains, script, oldMap, newMap, pins, keptTables, deviceCaches, isEpoch } = file;
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
  };
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
