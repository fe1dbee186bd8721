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
  /**
   * Where there are many versions: by step, since when what is stored there hangs there; and by life, since when it did first, and what walks
   * hold of it.
   */
  #firsts: Map<number, number> | null = null;
  #begins: Map<number, number> | null = null;
  #held: Map<number, HeldTable[]> | null = null;

  constructor(history: readonly Version[], decoder: Decoder, log: ScriptLog) {
    this.#history = history;
    this.#decoder = decoder;
    this.#log = log;
    if (history.length > FEW_VERSIONS) this.#sort();
  }

  #sort(): void {
    this.#firsts = new Map();
    this.#begins = new Map();
    this.#held = new Map();
    /** By life: where it was led to last. */
    const seen = new Map<number, number>();
    for (const [i, { kind, lo, hi, step }] of this.#history.entries()) {
      if (kind !== TABLE) continue;
      const table = this.#decoder.frame(lo, hi);
      const key = keyOf(table, this.#log.logAt(table, step));
      const before = seen.get(key) ?? -1;
      const goesOn = before >= 0 && this.#goesOn(before, i);
      if (before < 0) this.#begins.set(key, step);
      this.#firsts.set(step, goesOn ? this.#firsts.get(this.#history[before]!.step)! : step);
      seen.set(key, i);
    }
  }

  /**
   * The step of the version from which on a life of a table has hung there when one is stored at `step`: what is written while it is
   * taken away is written in front of the next link.
   */
  firstLink(table: number, life: TableLog | null, step: number): number {
    if (this.#firsts !== null) return this.#firsts.get(step)!;
    let first = -1;
    let last = -1;
    for (const [i, { kind, lo, hi, step: stored }] of this.#history.entries()) {
      if (
        kind === TABLE &&
        this.#decoder.frame(lo, hi) === table &&
        this.#log.logAt(table, stored) === life
      ) {
        if (last < 0 || !this.#goesOn(last, i)) first = stored;
        last = i;
      }
      if (stored === step) break;
    }
    return first < 0 ? step : first;
  }

  /** True iff a life of a table hung there before, was taken away, and hangs there again since the step that `firstLink` says. */
  isBack(table: number, life: TableLog | null, first: number): boolean {
    if (this.#begins !== null) return this.#begins.get(keyOf(table, life))! < first;
    return this.#history.some(
      ({ kind, lo, hi, step }) =>
        step < first &&
        kind === TABLE &&
        this.#decoder.frame(lo, hi) === table &&
        this.#log.logAt(table, step) === life,
    );
  }

  /** True iff nothing is written while a table is taken away that one version leads to, and a later one again. */
  #goesOn(from: number, to: number): boolean {
    if (to === from + 1) return true;
    return !this.#log.writesBetween(this.#history[from + 1]!.step, this.#history[to]!.step);
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
