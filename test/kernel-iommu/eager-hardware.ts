import { EditScript, OP, recordLength, type Step } from "../../src/edit-script/index.ts";
import type { Engine } from "../../src/engine/index.ts";
import type { Domain } from "../../src/kernel/iommu/index.ts";
import { type Pfn, pfn } from "../../src/units/index.ts";

const ACCESSED_DIRTY = 0x300n;
/** Steps that no device could tell whether they have happened. */
const UNSEEN: ReadonlySet<number> = new Set([OP.fill, OP.gather, OP.freeTable, OP.unpin]);
const FRAME = 0x000f_ffff_ffff_f000n;

/** A leaf as a walk found it: the slot it was read from, and what it said. */
interface Loaded {
  readonly slot: { readonly table: Pfn; readonly index: number };
  readonly entry: bigint;
  readonly frame: number;
}

/**
 * An engine on which devices write between any two steps of a script, through walks that may be as old as the last wait.
 * Written against the hardware's rules, sharing no code with the kernel: a walk loads a leaf, and the write that follows
 * sets A and D in the slot it was loaded from if that still says the same, else it walks again.
 */
export class EagerHardware {
  readonly engine: Engine;
  /** Pages written, and through which frame. */
  readonly written = new Map<number, Set<number>>();
  readonly #loaded = new Map<number, Loaded>();
  readonly #machine: Engine;
  readonly #domains: () => readonly Domain[];
  readonly #draw: () => number;
  pages: readonly number[] = [];

  /** `draw` gives random numbers within 0 and 1. */
  constructor(machine: Engine, domains: () => readonly Domain[], draw: () => number) {
    this.#machine = machine;
    this.#domains = domains;
    this.#draw = draw;
    this.engine = new Proxy(machine, {
      get: (target, key) => {
        if (key === "execute") return (words: Uint32Array) => this.#execute(words);
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  #execute(words: Uint32Array): void {
    for (let at = 0; at < words.length; at += recordLength(words, at)) {
      const op = words[at]! & 0xff;
      if (!UNSEEN.has(op)) this.access();
      this.#machine.execute(words.slice(at, at + recordLength(words, at)));
      if (op === OP.wait) this.#loaded.clear();
    }
  }

  /** Some pages are walked, others written. */
  access(): void {
    for (const page of this.pages) {
      const chance = this.#draw();
      if (chance < 0.3) this.#load(page);
      else if (chance < 0.5) this.write(page);
    }
  }

  #load(page: number): Loaded | null {
    const loaded = this.leafOf(page);
    if (loaded === null) this.#loaded.delete(page);
    else this.#loaded.set(page, loaded);
    return loaded;
  }

  write(page: number): void {
    let from = this.#loaded.get(page) ?? this.#load(page);
    while (from !== null && (from.entry & 2n) !== 0n) {
      const { table, index } = from.slot;
      const now = this.#machine.loadEntry(table, index);
      if (((now ^ from.entry) & ~ACCESSED_DIRTY) === 0n) {
        const mark = new EditScript();
        mark.push({ op: "store", update: 1, table, index, entry: now | ACCESSED_DIRTY });
        this.#machine.execute(mark.words);
        const frames = this.written.get(page) ?? new Set();
        this.written.set(page, frames.add(from.frame));
        return;
      }
      from = this.#load(page);
    }
  }

  /** The leaf that translates a page in the first domain's tables now. */
  leafOf(page: number): Loaded | null {
    const [domain] = this.#domains();
    let table = domain!.root;
    for (let level = domain!.levels - 1; ; level--) {
      const index = Math.floor(page / 512 ** level) % 512;
      const entry = this.#machine.loadEntry(table, index);
      if ((entry & 3n) === 0n) return null;
      const frame = Number((entry & FRAME) >> 12n);
      if (level === 0 || (entry & 0x80n) !== 0n)
        return { slot: { table, index }, entry, frame: frame + (page % 512 ** level) };
      table = pfn(frame);
    }
  }
}

/** The script with every exchange replaced by a store: what a kernel without it would run. */
export const withoutExchange = (script: EditScript): EditScript =>
  EditScript.from(
    [...script].map((step) => (step.op === "exchange" ? { ...step, op: "store" as const } : step)),
  );

const cleaned = (entry: bigint): bigint => ((entry & 3n) === 0n ? entry : entry & ~ACCESSED_DIRTY);

/** The script with no entry dirty from the start. */
export const withoutMarks = (script: EditScript): EditScript =>
  EditScript.from(
    [...script].map((step): Step => {
      if (step.op === "store") return { ...step, entry: cleaned(step.entry) };
      if (step.op === "gather") return { ...step, entries: step.entries.map(cleaned) };
      if (step.op !== "fill") return step;
      const { update, table, index, first, stride, count } = step;
      const entries = Array.from({ length: count }, (_, i) => BigInt.asUintN(64, first + BigInt(i) * stride));
      return { op: "gather", update, table, index, entries: entries.map(cleaned) };
    }),
  );
