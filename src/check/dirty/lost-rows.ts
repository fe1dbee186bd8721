import type { Violations } from "../rules/violations.ts";
import { NEVER } from "../script/positions.ts";
import type { StretchId } from "../walks/coverage.ts";
import type { Fate } from "./fate.ts";
import type { Loss } from "./search.ts";

/** Adds lost bits to what is found, those that differ in nothing but their place as one violation. */
export class LostRows {
  readonly #found: Violations;
  readonly #domain: number;
  /** Pages of each of a row, none where there is no row; and what all of it share. */
  #grain = 0;
  #table = 0;
  #level = 0;
  #step = 0;
  #until = NEVER;
  #from = 0;
  #what: Fate["what"] = "known";
  #stretch: StretchId | null = null;
  /** The first of the row, and the end of the row so far. */
  #index = 0;
  #start = 0;
  #end = 0;

  constructor(found: Violations, domain: number) {
    this.#found = found;
    this.#domain = domain;
  }

  /** What is lost on the pages [start, end). Pre: they come in ascending order. */
  add(lost: Loss, start: number, end: number): void {
    if (!this.#isNext(lost, start, end)) {
      this.end();
      this.#table = lost.table;
      this.#level = lost.level;
      this.#step = lost.step;
      this.#until = lost.until;
      this.#from = lost.from;
      this.#what = lost.what;
      this.#stretch = lost.stretch;
      this.#index = lost.index;
      this.#start = start;
      this.#grain = end - start;
    }
    this.#end = end;
  }

  /** There are no more. */
  end(): void {
    if (this.#grain === 0) return;
    this.#found.push({
      class: "V10",
      domain: this.#domain,
      start: this.#start,
      end: this.#end,
      grain: this.#grain,
      access: 2,
      from: this.#from,
      met: MET[this.#what],
      coverage: this.#stretch!,
      table: this.#table,
      index: this.#index,
      level: this.#level,
      step: this.#step,
      until: this.#until,
    });
    this.#grain = 0;
  }

  #isNext(lost: Loss, start: number, end: number): boolean {
    return (
      lost.step === this.#step &&
      start === this.#end &&
      end - start === this.#grain &&
      (lost.index - this.#index) * this.#grain === start - this.#start &&
      lost.until === this.#until &&
      lost.from === this.#from &&
      lost.table === this.#table &&
      lost.level === this.#level &&
      lost.what === this.#what &&
      lost.stretch === this.#stretch
    );
  }
}

const MET: Readonly<Record<Fate["what"], string>> = {
  overwritten: "no dirty bit for a page that was written: a store overwrites it",
  freed: "no dirty bit for a page that was written: it goes with a table that is freed",
  left: "no dirty bit for a page that was written: it stays in a detached table",
  taken: "no dirty bit for a page that is written after the call that took it has returned",
  known: "",
};
