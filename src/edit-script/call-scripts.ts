import type { Pfn } from "../units/index.ts";
import type { Recording } from "./recording.ts";
import type { EditScript } from "./script.ts";
import type { Step } from "./steps.ts";
import { tableRuns } from "./table-runs.ts";
import type { PinRun, ScriptDomain, ScriptFile, TableRun } from "./text.ts";

const ENTRIES = 512;

/**
 * Each call of a recording as a script of its own: with the tables, roots and pins that the calls before it leave when all
 * their stores have arrived. Pre: taken in order, one pass.
 */
export function* callScripts(recording: Recording): Generator<ScriptFile> {
  const { calls, ...before } = recording;
  const tables = new CarriedTables(recording);
  let { oldMap, domains } = before;
  let pins = before.pins;
  for (const [i, { newMap, pinned, ioctls, script, stepLines }] of calls.entries()) {
    if (pins !== null) pins = [...pins, ...pinned];
    yield { ...before, domains, tables: tables.runs(), oldMap, newMap, pins, ioctls, script, stepLines };
    if (i === calls.length - 1) return;
    tables.run(script);
    oldMap = newMap;
    domains = domainsAfter(domains, script);
    if (pins !== null) pins = pinsAfter(pins, script);
  }
}

/** Table contents from call to call; runs are made anew only for tables that a call wrote. */
class CarriedTables {
  readonly #contents = new Map<Pfn, BigUint64Array>();
  readonly #runs = new Map<Pfn, readonly TableRun[]>();

  constructor({ domains, tables }: Pick<Recording, "domains" | "tables">) {
    for (const { root } of domains) this.#of(root);
    for (const run of tables) this.#write(run.table, run.index, run.count, run.first, run.stride);
  }

  runs(): TableRun[] {
    const all: TableRun[] = [];
    for (const [table, content] of this.#contents) {
      let runs = this.#runs.get(table);
      if (runs === undefined) this.#runs.set(table, (runs = tableRuns(table, (index) => content[index]!)));
      for (const run of runs) all.push(run);
    }
    return all;
  }

  run(script: EditScript): void {
    for (const step of script) this.#step(step);
  }

  #step(step: Step): void {
    switch (step.op) {
      case "fill":
      case "storeRun":
        this.#write(step.table, step.index, step.count, step.first, step.stride);
        break;
      case "gather":
        step.entries.forEach((entry, i) => {
          this.#write(step.table, step.index + i, 1, entry, 0n);
        });
        break;
      case "store":
        this.#write(step.table, step.index, 1, step.entry, 0n);
        break;
      case "exchange":
        if (this.#of(step.table)[step.index] === step.expected)
          this.#write(step.table, step.index, 1, step.entry, 0n);
        break;
      case "setRoot":
        this.#of(step.root);
        break;
      case "freeTable":
        this.#contents.delete(step.table);
        this.#runs.delete(step.table);
        break;
    }
  }

  #of(table: Pfn): BigUint64Array {
    let content = this.#contents.get(table);
    if (content === undefined) this.#contents.set(table, (content = new BigUint64Array(ENTRIES)));
    return content;
  }

  #write(table: Pfn, index: number, count: number, first: bigint, stride: bigint): void {
    const content = this.#of(table);
    this.#runs.delete(table);
    for (let i = 0; i < count; i++) content[index + i] = first + BigInt(i) * stride;
  }
}

/** A root switch leaves the domain under its new tag. */
function domainsAfter(domains: readonly ScriptDomain[], script: EditScript): readonly ScriptDomain[] {
  let after = domains;
  for (const step of script.releases())
    if (step.op === "setRoot")
      after = after.map((d) =>
        d.id === step.domain ? { id: step.tag, root: step.root, levels: step.levels } : d,
      );
  return after;
}

/** Pins after a script as runs free of overlap; frames without pins are in none. */
function pinsAfter(pins: readonly PinRun[], script: EditScript): PinRun[] {
  const deltas = new Map<number, number>();
  const add = (start: number, pages: number, count: number): void => {
    deltas.set(start, (deltas.get(start) ?? 0) + count);
    deltas.set(start + pages, (deltas.get(start + pages) ?? 0) - count);
  };
  for (const { pfn, pages, count } of pins) add(pfn, pages, count);
  for (const step of script.releases()) if (step.op === "unpin") add(step.pfn, step.pages, -1);
  const after: PinRun[] = [];
  let [start, count] = [0, 0];
  for (const [at, delta] of [...deltas].sort((a, b) => a[0] - b[0])) {
    if (delta === 0) continue;
    if (count > 0) after.push({ pfn: start as Pfn, pages: at - start, count });
    start = at;
    count += delta;
  }
  return after;
}
