import type { IovaPfn, Pfn } from "../units/index.ts";
import { highOf, lowOf } from "./entry-words.ts";
import {
  decodeStep,
  FLAG_DRAIN,
  FLAG_NON_LEAF,
  FLAG_ONE_IOMMU,
  FLAG_OPEN,
  OP,
  RECORD_WORDS,
  recordLength,
} from "./records.ts";
import type { FreeTableStep, InvalidationScope, SetRootStep, Step, UnpinStep } from "./steps.ts";

const TWO32 = 0x1_0000_0000;

/** Ops whose records have an update. */
const HAS_UPDATE: ReadonlySet<number> = new Set([
  OP.fill,
  OP.gather,
  OP.store,
  OP.storeRun,
  OP.exchange,
  OP.setRoot,
]);

/** Memory that is set aside for records that may never come is not without a limit: 64 MiB. */
const MOST_EXPECTED_WORDS = 2 ** 24;
const NO_WORDS = new Uint32Array(0);
/** Words of the first allocation, two records; a script that stays empty allocates none. */
const FIRST_WORDS = 16;
/** Up to here a script grows fast, since allocating costs more than memory. */
const SMALL_WORDS = 4096;

/** Steps put in place of some that stand one after the other, which may be none. */
export interface Splice {
  /** Index of the first step taken out, or of the one in front of which the others come. */
  readonly place: number;
  readonly removed: number;
  readonly added: readonly Step[];
}

/** Append-only builder and holder of one edit script. Entry arguments are (low, high) words so that bulk building needs no BigInt. */
export class EditScript {
  #words = NO_WORDS;
  #length = 0;
  #records = 0;
  #nextUpdate = 1;

  /** Number of steps. */
  get steps(): number {
    return this.#records;
  }
  get isEmpty(): boolean {
    return this.#records === 0;
  }
  /** The records; valid until the next append. */
  get words(): Uint32Array {
    return this.#words.subarray(0, this.#length);
  }

  /** A fresh id for the next logical update. */
  newUpdate(): number {
    return this.#nextUpdate++;
  }

  #record(
    op: number,
    flags: number,
    w1: number,
    w2: number,
    w3: number,
    w4 = 0,
    w5 = 0,
    w6 = 0,
    w7 = 0,
  ): number {
    const at = this.#reserve(RECORD_WORDS);
    const w = this.#words;
    w[at] = op | (flags << 8);
    w[at + 1] = w1;
    w[at + 2] = w2;
    w[at + 3] = w3;
    w[at + 4] = w4;
    w[at + 5] = w5;
    w[at + 6] = w6;
    w[at + 7] = w7;
    this.#records++;
    return at;
  }

  #reserve(words: number): number {
    const at = this.#length;
    this.#length += words;
    if (this.#length > this.#words.length) {
      const growth = at < SMALL_WORDS ? 4 : 2;
      this.#growTo(Math.max(this.#length, this.#words.length * growth, FIRST_WORDS));
    }
    return at;
  }

  #growTo(words: number): void {
    const grown = new Uint32Array(words);
    grown.set(this.#words);
    this.#words = grown;
  }

  /** Makes room for about so many records, where many are to come: to grow is to copy those there are. */
  makeRoom(records: number): void {
    const room = Math.min(Math.ceil(records) * RECORD_WORDS, MOST_EXPECTED_WORDS);
    if (room > this.#words.length) this.#growTo(room);
  }

  fill(
    update: number,
    table: Pfn,
    index: number,
    count: number,
    lo: number,
    hi: number,
    strideLo: number,
    strideHi: number,
  ): void {
    this.#record(OP.fill, 0, update, table, index | (count << 16), lo, hi, strideLo, strideHi);
  }
  /** Appends a gather and returns where its `2 * count` payload words start in `words`; the caller fills them before the next append. */
  gather(update: number, table: Pfn, index: number, count: number): { words: Uint32Array; at: number } {
    this.#record(OP.gather, 0, update, table, index | (count << 16));
    const at = this.#reserve(count * 2);
    return { words: this.#words, at };
  }
  barrier(): void {
    this.#record(OP.barrier, 0, 0, 0, 0);
  }
  clean(table: Pfn, index: number, count: number): void {
    this.#record(OP.clean, 0, 0, table, index | (count << 16));
  }
  store(update: number, table: Pfn, index: number, lo: number, hi: number): void {
    this.#record(OP.store, 0, update, table, index | (1 << 16), lo, hi);
  }
  storeRun(
    update: number,
    table: Pfn,
    index: number,
    count: number,
    lo: number,
    hi: number,
    strideLo: number,
    strideHi: number,
  ): void {
    this.#record(OP.storeRun, 0, update, table, index | (count << 16), lo, hi, strideLo, strideHi);
  }
  exchange(
    update: number,
    table: Pfn,
    index: number,
    expectedLo: number,
    expectedHi: number,
    lo: number,
    hi: number,
  ): void {
    this.#record(OP.exchange, 0, update, table, index | (1 << 16), lo, hi, expectedLo, expectedHi);
  }
  collect(table: Pfn, index: number, count: number): void {
    this.#record(OP.collect, 0, 0, table, index | (count << 16));
  }
  invalidate(domain: number, scope: InvalidationScope, caches: number, start: IovaPfn, pages: number): void {
    this.#record(
      OP.invalidate,
      scope === "nonLeaf" ? FLAG_NON_LEAF : 0,
      0,
      domain,
      caches,
      start % TWO32,
      Math.floor(start / TWO32),
      pages % TWO32,
      Math.floor(pages / TWO32),
    );
  }
  /** `iommu` names the only one to be waited for. */
  wait(drain: boolean, iommu?: number): void {
    const flags = (drain ? FLAG_DRAIN : 0) | (iommu === undefined ? 0 : FLAG_ONE_IOMMU);
    this.#record(OP.wait, flags, 0, iommu ?? 0, 0);
  }
  freeTable(table: Pfn): void {
    this.#record(OP.freeTable, 0, 0, table, 0);
  }
  unpin(first: Pfn, pages: number): void {
    this.#record(
      OP.unpin,
      0,
      0,
      0,
      0,
      first % TWO32,
      Math.floor(first / TWO32),
      pages % TWO32,
      Math.floor(pages / TWO32),
    );
  }
  window(state: "open" | "close", domain: number, start: IovaPfn, pages: number): void {
    this.#record(
      OP.window,
      state === "open" ? FLAG_OPEN : 0,
      0,
      domain,
      0,
      start % TWO32,
      Math.floor(start / TWO32),
      pages % TWO32,
      Math.floor(pages / TWO32),
    );
  }
  setRoot(update: number, domain: number, root: Pfn, levels: number, tag: number): void {
    this.#record(OP.setRoot, 0, update, domain, levels, root % TWO32, Math.floor(root / TWO32), tag);
  }

  /** Appends one step given as an object. */
  push(step: Step): void {
    switch (step.op) {
      case "fill":
        this.fill(
          step.update,
          step.table,
          step.index,
          step.count,
          lowOf(step.first),
          highOf(step.first),
          lowOf(step.stride),
          highOf(step.stride),
        );
        break;
      case "gather": {
        const { words, at } = this.gather(step.update, step.table, step.index, step.entries.length);
        step.entries.forEach((entry, i) => {
          words[at + 2 * i] = lowOf(entry);
          words[at + 2 * i + 1] = highOf(entry);
        });
        break;
      }
      case "barrier":
        this.barrier();
        break;
      case "clean":
        this.clean(step.table, step.index, step.count);
        break;
      case "store":
        this.store(step.update, step.table, step.index, lowOf(step.entry), highOf(step.entry));
        break;
      case "storeRun":
        this.storeRun(
          step.update,
          step.table,
          step.index,
          step.count,
          lowOf(step.first),
          highOf(step.first),
          lowOf(step.stride),
          highOf(step.stride),
        );
        break;
      case "exchange":
        this.exchange(
          step.update,
          step.table,
          step.index,
          lowOf(step.expected),
          highOf(step.expected),
          lowOf(step.entry),
          highOf(step.entry),
        );
        break;
      case "collect":
        this.collect(step.table, step.index, step.count);
        break;
      case "invalidate":
        this.invalidate(step.domain, step.scope, step.caches, step.iovaPfn, step.pages);
        break;
      case "wait":
        this.wait(step.drain, step.iommu);
        break;
      case "freeTable":
        this.freeTable(step.table);
        break;
      case "unpin":
        this.unpin(step.pfn, step.pages);
        break;
      case "window":
        this.window(step.state, step.domain, step.iovaPfn, step.pages);
        break;
      case "setRoot":
        this.setRoot(step.update, step.domain, step.root, step.levels, step.tag);
        break;
    }
  }

  /** Numbers updates that are 0 in order, beginning with `first`, but for those of the records at the words in `kept`. */
  numberUpdates(first: number, kept: ReadonlySet<number>): void {
    const words = this.#words;
    let next = first;
    for (let i = 0; i < this.#length; i += recordLength(words, i))
      if (words[i + 1] === 0 && HAS_UPDATE.has(words[i]! & 0xff) && !kept.has(i)) words[i + 1] = next++;
    this.#nextUpdate = Math.max(this.#nextUpdate, next);
  }

  /** Appends all steps of another script. Update ids are taken over as they are: the planner numbers them across its phases. */
  append(other: EditScript): void {
    this.#take(other, 0, other.#length, other.#records);
    this.#nextUpdate = Math.max(this.#nextUpdate, other.#nextUpdate);
  }

  /**
   * The same script with steps taken out and put in; this one stays as it is. `records`: word where the record of each step
   * starts. Pre: the splices are in the order of their places, and take out no step twice.
   */
  withSplices(records: Uint32Array, splices: readonly Splice[]): EditScript {
    const result = new EditScript();
    result.#nextUpdate = this.#nextUpdate;
    result.#words = new Uint32Array(this.#length + FIRST_WORDS);
    const wordOf = (step: number): number => (step < records.length ? records[step]! : this.#length);
    let from = 0;
    let step = 0;
    for (const { place, removed, added } of splices) {
      result.#take(this, from, wordOf(place), place - step);
      step = place + removed;
      from = wordOf(step);
      for (const each of added) result.#pushNumbered(each);
    }
    result.#take(this, from, this.#length, this.#records - step);
    return result;
  }

  /** Appends what stands in the words [from, to) of another script, so many records. */
  #take(other: EditScript, from: number, to: number, records: number): void {
    const at = this.#reserve(to - from);
    // A view of a small typed array costs more than copying it word by word.
    if (to - from > SMALL_WORDS) this.#words.set(other.#words.subarray(from, to), at);
    else for (let i = from; i < to; i++) this.#words[at + i - from] = other.#words[i]!;
    this.#records += records;
  }

  /** Number of steps with the given op. */
  count(op: number): number {
    let count = 0;
    for (let i = 0; i < this.#length; i += recordLength(this.#words, i))
      if ((this.#words[i]! & 0xff) === op) count++;
    return count;
  }

  /** Steps as objects, in order. For printers, mutators and checkers; the engine reads `words`. */
  *[Symbol.iterator](): Generator<Step> {
    for (let i = 0; i < this.#length; i += recordLength(this.#words, i)) yield decodeStep(this.#words, i);
  }

  /** The steps by which a script gives something back or switches a root, skipping the rest without decoding it. */
  *releases(): Generator<FreeTableStep | UnpinStep | SetRootStep> {
    for (let i = 0; i < this.#length; i += recordLength(this.#words, i)) {
      const op = this.#words[i]! & 0xff;
      if (op === OP.freeTable || op === OP.unpin || op === OP.setRoot)
        yield decodeStep(this.#words, i) as FreeTableStep | UnpinStep | SetRootStep;
    }
  }

  static from(steps: Iterable<Step>): EditScript {
    const script = new EditScript();
    for (const step of steps) script.#pushNumbered(step);
    return script;
  }

  /** Appends a step, whose update is not given again. */
  #pushNumbered(step: Step): void {
    this.push(step);
    if ("update" in step) this.#nextUpdate = Math.max(this.#nextUpdate, step.update + 1);
  }
}
