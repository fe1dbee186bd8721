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

  /**
   * The step of the version from which on a life of a table has hung there when one is stored at `step`: what is written while it is
   * taken away is written in front of the next link. Where there are many versions it is the first of all.
   */
  firstLink(table: number, life: TableLog | null, step: number): number {
    if (this.#firsts !== null) return this.#firsts.get(keyOf(table, life))!;
    let first = -1;
    for (const { kind, lo, hi, step: stored } of this.#history) {
      const leads =
        kind === TABLE && this.#decoder.frame(lo, hi) === table && this.#log.logAt(table, stored) === life;
      if (!leads) first = -1;
      else if (first < 0) first = stored;
      if (stored === step) break;
    }
    return first < 0 ? step : first;
  }

  /** What walks hold of a life of a table with some rights, linked since some step; undefined where they hold nothing of it. */
  held(table: number, life: TableLog | null, rights: number, since: number): HeldTable | undefined {
    return this.#of(table, life)?.find(
      (child) =>
        child.table === table && child.log === life && child.rights === rights && child.linkedSince === since,
    );
  }

  /** The final tables lead to a life of a table with some rights: whoever has got there by an earlier link holds what they hold. */
  makeCurrent(table: number, life: TableLog | null, rights: number): void {
    for (const child of this.#of(table, life) ?? [])
      if (child.table === table && child.log === life && child.rights === rights) child.isCurrent = true;
  }

  #of(table: number, life: TableLog | null): readonly HeldTable[] | undefined {
    return this.#held === null ? this.children : this.#held.get(keyOf(table, life));
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
