import { type Decoder, TABLE } from "../entries/entry-kind.ts";
import type { Version } from "../entries/versions.ts";
import type { ScriptLog } from "../script/script-log.ts";
import type { TableLog } from "../script/table-log.ts";
import type { HeldTable } from "./held-table.ts";

/** Shorter histories are looked through. */
const FEW_VERSIONS = 8;

/** The lives of tables that one entry leads to, one version after the other: a link may be replaced again and again. */
export class LinkedLives {
  readonly #history: readonly Version[];
  readonly #decoder: Decoder;
  readonly #log: ScriptLog;
  /** The tables that walks may hold next. */
  readonly children: HeldTable[] = [];
  /** By life, where there are many versions: the step of the first that leads to it, and what walks hold of it. */
  #firsts: Map<number, number> | null = null;
  #held: Map<number, HeldTable[]> | null = null;

  constructor(history: readonly Version[], decoder: Decoder, log: ScriptLog) {
    this.#history = history;
    this.#decoder = decoder;
    this.#log = log;
    if (history.length > FEW_VERSIONS) this.#sort();
  }

  #sort(): void {
    this.#firsts = new Map();
    this.#held = new Map();
    for (const { kind, lo, hi, step } of this.#history) {
      if (kind !== TABLE) continue;
      const table = this.#decoder.frame(lo, hi);
      const key = keyOf(table, this.#log.logAt(table, step));
      if (!this.#firsts.has(key)) this.#firsts.set(key, step);
    }
  }

  /** The step of the first version that leads to a life of a table which one does that is stored at `step`. */
  firstLink(table: number, life: TableLog | null, step: number): number {
    if (this.#firsts !== null) return this.#firsts.get(keyOf(table, life))!;
    for (const earlier of this.#history)
      if (earlier.kind === TABLE && this.#decoder.frame(earlier.lo, earlier.hi) === table)
        if (this.#log.logAt(table, earlier.step) === life) return earlier.step;
    return step;
  }

  /** What walks hold of a life of a table with some rights; undefined where they hold nothing of it. */
  held(table: number, life: TableLog | null, rights: number): HeldTable | undefined {
    const all = this.#held === null ? this.children : this.#held.get(keyOf(table, life));
    return all?.find((child) => child.table === table && child.log === life && child.rights === rights);
  }

  add(child: HeldTable): void {
    this.children.push(child);
    if (this.#held === null) return;
    const key = keyOf(child.table, child.log);
    const known = this.#held.get(key);
    if (known === undefined) this.#held.set(key, [child]);
    else known.push(child);
  }
}

/** Tables without a log have one life. */
const keyOf = (table: number, life: TableLog | null): number => (life === null ? -1 - table : life.number);
