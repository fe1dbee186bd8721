import type { TablesBefore } from "../../check/index.ts";
import {
  EditScript,
  OP,
  recordLength,
  type ScriptDomain,
  type ScriptIoctl,
} from "../../edit-script/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import { type Pfn, pfn } from "../../units/index.ts";

const WRITES: ReadonlySet<number> = new Set([
  OP.fill,
  OP.gather,
  OP.store,
  OP.storeRun,
  OP.exchange,
  OP.collect,
]);

/** What stood in a page that was no table. */
const NO_TABLE = new Uint32Array(2 * 512);

/**
 * Collects the edit scripts of one map change and lets the tables be read as they were before the first of them.
 *
 * A table is copied when the first step that may alter it comes; all others are read where they are. Memory therefore
 * grows with what scripts touch, not with the map.
 */
export class ScriptRecorder {
  readonly #kernel: Kernel;
  /** Tables there were at `begin`. */
  readonly #tables: Set<number>;
  readonly #copies = new Map<number, Uint32Array>();
  #domains: readonly ScriptDomain[] = [];
  #scripts: EditScript[] = [];
  /** Calls of this change so far, and how many had begun when each script ran. */
  #calls: string[] = [];
  #callOf: number[] = [];

  /** Pre: every domain exists and has been changed by nothing that is still under way. */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#tables = new Set(kernel.iommu.pool.tables());
    kernel.iommu.committer.listeners.add(this.#listen);
  }

  /** From here on scripts belong to a new change. */
  begin(): void {
    const { domains, pool } = this.#kernel.iommu;
    this.#domains = domains.map(({ tag: id, root, levels }) => ({ id, root, levels }));
    for (const script of this.#scripts)
      visitTables(script, (table) => {
        if (pool.positionOf(pfn(table)) === undefined) this.#tables.delete(table);
        else this.#tables.add(table);
      });
    this.#scripts = [];
    this.#calls = [];
    this.#callOf = [];
    this.#copies.clear();
  }

  /** The change goes on with another call: scripts from here on are its own. */
  call(name: string): void {
    this.#calls.push(name);
  }

  /** The calls of the change and the first step of each; none unless there are several. */
  ioctls(): ScriptIoctl[] {
    if (this.#calls.length < 2) return [];
    let step = 1;
    let next = 0;
    return this.#calls.map((label, i) => {
      for (; next < this.#scripts.length && this.#callOf[next]! <= i; next++)
        step += this.#scripts[next]!.steps;
      return { label, step };
    });
  }

  /** The scripts of the change so far, in the order in which they ran. */
  get scripts(): readonly EditScript[] {
    return this.#scripts;
  }

  /** The scripts of the change as one; logical updates of two scripts stay two. */
  whole(): EditScript {
    if (this.#scripts.length === 1) return this.#scripts[0]!;
    const whole = new EditScript();
    let updates = 0;
    for (const script of this.#scripts) {
      const start = whole.words.length;
      whole.append(script);
      updates = renumber(whole.words, start, updates);
    }
    return whole;
  }

  /** The domains as they were at `begin`, by their tags. */
  domainsBefore(): readonly ScriptDomain[] {
    return this.#domains;
  }

  /** The tables as they were at `begin`; valid until the next script runs or the next `begin`. */
  before(): TablesBefore {
    const { engine } = this.#kernel;
    return {
      isTable: (table) => this.#tables.has(table),
      // The kernel takes a table from its pool for each place; a script that gives one a second place shows that itself.
      isShared: () => false,
      entry: (table, index) => {
        const copy = this.#copies.get(table);
        if (copy === undefined) return this.#tables.has(table) ? engine.loadEntry(table, index) : 0n;
        return (BigInt(copy[2 * index + 1]!) << 32n) | BigInt(copy[2 * index]!);
      },
      words: (table) => this.#copies.get(table) ?? (this.#tables.has(table) ? null : NO_TABLE),
    };
  }

  /** Tables there were at `begin`, ascending. */
  tablesBefore(): Pfn[] {
    return [...this.#tables].sort((a, b) => a - b).map(pfn);
  }

  /** Listens no more. */
  close(): void {
    this.#kernel.iommu.committer.listeners.delete(this.#listen);
  }

  readonly #listen = (script: EditScript): void => {
    visitTables(script, (table) => {
      if (this.#tables.has(table) && !this.#copies.has(table))
        this.#copies.set(table, this.#kernel.engine.readTable(pfn(table)).slice());
    });
    this.#scripts.push(script);
    this.#callOf.push(this.#calls.length);
  };
}

/** Calls back with the table of every step that writes or frees one; tables come again and again. */
function visitTables(script: EditScript, visit: (table: number) => void): void {
  const { words } = script;
  for (let at = 0; at < words.length; at += recordLength(words, at)) {
    const op = words[at]! & 0xff;
    if (WRITES.has(op) || op === OP.freeTable) visit(words[at + 2]!);
  }
}

/** Adds `before` to the ids of the updates from word `start` on and returns the highest there is now. */
function renumber(words: Uint32Array, start: number, before: number): number {
  let highest = before;
  for (let at = start; at < words.length; at += recordLength(words, at)) {
    const op = words[at]! & 0xff;
    if ((!WRITES.has(op) && op !== OP.setRoot) || words[at + 1] === 0) continue;
    words[at + 1]! += before;
    highest = Math.max(highest, words[at + 1]!);
  }
  return highest;
}
