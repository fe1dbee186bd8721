import type { Step } from "../../src/edit-script/index.ts";

/** Slow reference of the engine: entries as BigInt in ordinary arrays, no threads. Written against the same documents, not the engine. */
export const POISON = 0x000f_dead_dead_d083n;
const FIRST_TABLE = 0x10_0000;
const FIRST_RAM = 0x100_0000;
const DIRTY = 1n << 9n;
const ACCESSED_DIRTY = (1n << 8n) | DIRTY;
const MASK64 = (1n << 64n) - 1n;

export class PlainMachine {
  readonly tables: bigint[][];
  readonly pins = new Map<number, number>();
  readonly live = new Set<number>();
  /** `table index` of every entry that a collect found dirty. */
  readonly found = new Set<string>();
  readonly tablePages: number;

  constructor(tablePages: number) {
    this.tablePages = tablePages;
    this.tables = Array.from({ length: tablePages }, () => new Array<bigint>(512).fill(0n));
  }

  table(frame: number): bigint[] {
    return this.tables[frame - FIRST_TABLE]!;
  }

  pin(first: number, pages: number): void {
    for (let f = first; f < first + pages; f++) this.pins.set(f, (this.pins.get(f) ?? 0) + 1);
  }

  run(steps: Iterable<Step>): void {
    for (const step of steps) this.#step(step);
  }

  #step(step: Step): void {
    switch (step.op) {
      case "fill":
      case "storeRun":
        for (let i = 0; i < step.count; i++)
          this.table(step.table)[step.index + i] = (step.first + BigInt(i) * step.stride) & MASK64;
        break;
      case "gather":
        step.entries.forEach((entry, i) => {
          this.table(step.table)[step.index + i] = entry;
        });
        break;
      case "store":
        this.table(step.table)[step.index] = step.entry;
        break;
      case "exchange":
        this.#exchange(step.table, step.index, step.entry);
        break;
      case "collect":
        for (let i = step.index; i < step.index + step.count; i++) this.#collect(step.table, i);
        break;
      case "freeTable":
        this.live.delete(step.table);
        this.table(step.table).fill(POISON);
        break;
      case "unpin":
        for (let f: number = step.pfn; f < step.pfn + step.pages; f++)
          this.pins.set(f, this.pins.get(f)! - 1);
        break;
      default:
        break;
    }
  }

  /** A table entry names a page of the table window; a leaf never does. */
  #kindOf(entry: bigint): "absent" | "table" | "leaf" {
    if ((entry & 3n) === 0n) return "absent";
    const frame = (entry >> 12n) & ((1n << 40n) - 1n);
    const isTable = frame >= BigInt(FIRST_TABLE) && frame < BigInt(FIRST_TABLE + this.tablePages);
    return isTable ? "table" : "leaf";
  }

  #exchange(table: number, index: number, entry: bigint): void {
    const old = this.table(table)[index]!;
    const bits = this.#kindOf(old) === "leaf" ? old & ACCESSED_DIRTY : 0n;
    const kind = this.#kindOf(entry);
    this.table(table)[index] = kind === "leaf" ? entry | bits : entry;
    if (kind === "table") this.#carry(Number((entry >> 12n) & 0xff_ffffn), bits);
  }

  #carry(table: number, bits: bigint): void {
    this.table(table).forEach((entry, i) => {
      const kind = this.#kindOf(entry);
      if (kind === "leaf") this.table(table)[i] = entry | bits;
      else if (kind === "table") this.#carry(Number((entry >> 12n) & 0xff_ffffn), bits);
    });
  }

  #collect(table: number, index: number): void {
    const entry = this.table(table)[index]!;
    if (this.#kindOf(entry) !== "leaf") return;
    if ((entry & DIRTY) !== 0n) this.found.add(`${table} ${index}`);
    this.table(table)[index] = entry & ~ACCESSED_DIRTY;
  }

  /** The walk of the VT-d specification's second stage, one level after the other. */
  walk(root: number, levels: number, page: number): { pfn: number; rights: number; level: number } | null {
    const iova = BigInt(page);
    if (iova >= 1n << BigInt(9 * levels)) return null;
    let table = root;
    let rights = 3n;
    for (let level = levels - 1; level >= 0; level--) {
      const shift = BigInt(9 * level);
      const entry = this.table(table)[Number((iova >> shift) & 511n)]!;
      rights &= entry;
      if (rights === 0n) return null;
      const address = (entry >> 12n) & ((1n << 40n) - 1n);
      const pageSize = (entry & 0x80n) !== 0n;
      if (level > 2 && pageSize) return null;
      if (level === 0 || pageSize) {
        const within = (1n << shift) - 1n;
        return { pfn: Number((address & ~within) | (iova & within)), rights: Number(rights), level };
      }
      if (address < BigInt(FIRST_TABLE) || address >= BigInt(FIRST_TABLE + this.tablePages)) return null;
      table = Number(address);
    }
    return null;
  }
}

export { FIRST_RAM, FIRST_TABLE };
