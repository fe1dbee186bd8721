import type { Violations } from "../rules/violations.ts";
import type { Fate } from "./fate.ts";
import type { Loss } from "./search.ts";

/** Adds lost bits to what is found, those that differ in nothing but their place as one violation. */
export class LostRows {
  readonly #found: Violations;
  readonly #domain: number;
  /** The first of a row, null where there is no row; its pages, and the end of the row so far. */
  #first: Loss | null = null;
  #grain = 0;
  #start = 0;
  #end = 0;

  constructor(found: Violations, domain: number) {
    this.#found = found;
    this.#domain = domain;
  }

  /** What is lost on the pages [start, end). Pre: they come in ascending order. */
  add(lost: Loss, start: number, end: number): void {
    if (this.#first === null || !this.#isNext(this.#first, lost, start, end)) {
      this.end();
      this.#first = lost;
      this.#start = start;
      this.#grain = end - start;
    }
    this.#end = end;
  }

  /** There are no more. */
  end(): void {
    const first = this.#first;
    if (first === null) return;
    const { stretch, index, from, what } = first;
    const [start, end, grain] = [this.#start, this.#end, this.#grain];
    this.#found.add("V10", this.#domain, stretch, first, index, 2, start, end, from, MET[what], grain, 1);
    this.#first = null;
  }

  #isNext(first: Loss, lost: Loss, start: number, end: number): boolean {
    return (
      lost.step === first.step &&
      start === this.#end &&
      end - start === this.#grain &&
      (lost.index - first.index) * this.#grain === start - this.#start &&
      lost.until === first.until &&
      lost.from === first.from &&
      lost.table === first.table &&
      lost.level === first.level &&
      lost.what === first.what &&
      lost.stretch === first.stretch
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
