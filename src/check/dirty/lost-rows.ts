import type { Violations } from "../violations.ts";
import type { Fate } from "./fate.ts";
import type { Loss } from "./search.ts";

/** Adds lost bits to what is found, those that differ in nothing but their place as one violation. */
export class LostRows {
  readonly #found: Violations;
  readonly #domain: number;
  /** The first of a row, its pages, and the end of the row so far. */
  #first: Loss | null = null;
  #start = 0;
  #grain = 0;
  #end = 0;

  constructor(found: Violations, domain: number) {
    this.#found = found;
    this.#domain = domain;
  }

  /** What is lost on the pages [start, end). Pre: they come in ascending order. */
  add(lost: Loss, start: number, end: number): void {
    const first = this.#first;
    if (
      first === null ||
      start !== this.#end ||
      end - start !== this.#grain ||
      (lost.index - first.index) * this.#grain !== start - this.#start ||
      !isAlike(first, lost)
    ) {
      this.end();
      this.#first = lost;
      this.#start = start;
      this.#grain = end - start;
    }
    this.#end = end;
  }

  /** There are no more. */
  end(): void {
    const lost = this.#first;
    if (lost === null) return;
    const { table, index, level, step, until, what, from, coverage } = lost;
    this.#first = null;
    this.#found.push({
      class: "V10",
      domain: this.#domain,
      start: this.#start,
      end: this.#end,
      grain: this.#grain,
      access: 2,
      from,
      met: MET[what],
      coverage,
      table,
      index,
      level,
      step,
      until,
    });
  }
}

const isAlike = (a: Loss, b: Loss): boolean =>
  a.step === b.step &&
  a.until === b.until &&
  a.from === b.from &&
  a.table === b.table &&
  a.level === b.level &&
  a.what === b.what &&
  a.coverage === b.coverage;

const MET: Readonly<Record<Fate["what"], string>> = {
  overwritten: "no dirty bit for a page that was written: a store overwrites it",
  freed: "no dirty bit for a page that was written: it goes with a table that is freed",
  left: "no dirty bit for a page that was written: it stays in a detached table",
  taken: "no dirty bit for a page that is written after the call that took it has returned",
  known: "",
};
