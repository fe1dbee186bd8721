import type { Capability } from "../../edit-script/index.ts";
import type { Engine } from "../../engine/types.ts";
import { type IovaPfn, iovaPfn, type Pfn } from "../../units/index.ts";
import type { Domain } from "./domain.ts";
import type { Entry, Format } from "./format.ts";
import type { RunList } from "./run-list.ts";
import type { TableChange } from "./table-change.ts";
import type { TablePool } from "./table-pool.ts";

/** Why a plan was given up; nothing reachable was written. */
export class PlanFailure extends Error {
  override name = "PlanFailure";
  readonly reason: "no-tables" | "no-tags" | "needs-break";
  constructor(reason: PlanFailure["reason"]) {
    super(reason);
    this.reason = reason;
  }
}

/** Buffers for the entries of one table a level, kept from plan to plan. */
export type TableScratch = Uint32Array[];

/** What a plan did, for the report of a call. */
export interface PlanCounts {
  /** Live stores that write, replace or clear a leaf, and leaves linked as part of a new subtree. */
  leavesStored: number;
  split: number;
  merged: number;
  tablesBuilt: number;
}

/** Everything the planning functions share while they plan one change of one domain. They write no reachable word. */
export class PlanContext<Change extends TableChange = TableChange> {
  readonly engine: Engine;
  readonly pool: TablePool;
  readonly format: Format;
  readonly capability: Capability;
  /** The format's A and D bits where walkers set them by themselves, else 0. */
  readonly hardwareBits: number;
  /** Id of the domain, for the places of its tables; its tag, for what caches hold. */
  readonly domain: number;
  readonly tag: number;
  readonly runs: RunList;
  readonly change: Change;
  /** May leaves that come to agree with their neighbours become one larger leaf? */
  readonly merge: boolean;
  readonly counts: PlanCounts = { leavesStored: 0, split: 0, merged: 0, tablesBuilt: 0 };
  /** Tables this plan allocated, in order; given back when the plan is given up. */
  readonly built: Pfn[] = [];
  readonly #scratch: TableScratch;

  constructor(fields: {
    engine: Engine;
    pool: TablePool;
    domain: Domain;
    runs: RunList;
    change: Change;
    merge: boolean;
    scratch: TableScratch;
  }) {
    this.engine = fields.engine;
    this.pool = fields.pool;
    this.format = fields.domain.format;
    this.capability = fields.domain.capability;
    this.hardwareBits = this.capability.hardwareDirty ? this.format.hardwareBits : 0;
    this.domain = fields.domain.id;
    this.tag = fields.domain.tag;
    this.runs = fields.runs;
    this.change = fields.change;
    this.merge = fields.merge;
    this.#scratch = fields.scratch;
  }

  /** Pages one entry at `level` translates. */
  span(level: number): number {
    return 512 ** level;
  }

  mayBeLeaf(level: number): boolean {
    return this.capability.leafLevels.includes(level);
  }

  /** A table for the entries of `level` below `base`. Throws PlanFailure when there is none. */
  alloc(level: number, base: number): Pfn {
    const table = this.pool.alloc({ domain: this.domain, level, base: iovaPfn(base) });
    if (table === null) throw new PlanFailure("no-tables");
    this.built.push(table);
    this.counts.tablesBuilt++;
    return table;
  }

  /** The entries of a live table at `level`; each level has its own buffer, valid until the next read at that level. */
  read(level: number, table: Pfn): Uint32Array {
    const words = (this.#scratch[level] ??= new Uint32Array(1024));
    words.set(this.engine.readTable(table));
    return words;
  }

  /** The table and everything below it leave the tree: freed once no walker can hold them. */
  retire(table: Pfn): void {
    const level = this.pool.positionOf(table)?.level ?? 0;
    this.change.retired.add(table);
    if (level === 0) return;
    const words = this.engine.readTable(table).slice();
    for (let i = 0; i < 512; i++) {
      const lo = words[2 * i]!;
      const hi = words[2 * i + 1]!;
      if (this.format.isPresent(lo, hi) && this.format.isTable(level, lo, hi))
        this.retire(this.format.pfnOf(lo, hi));
    }
  }

  /** Single leaf that serves the whole slot, if the runs [from, to) allow one there. */
  singleLeaf(level: number, start: number, from: number, to: number): Entry | null {
    const runs = this.runs;
    if (to - from !== 1 || !this.mayBeLeaf(level)) return null;
    const span = this.span(level);
    if (runs.pfns[from]! < 0 || runs.starts[from]! > start || runs.ends[from]! < start + span) return null;
    const frame = runs.frameAt(from, start);
    return frame % span === 0 ? this.format.leaf(level, frame, runs.rights[from]!) : null;
  }

  /** First page of the slot that entry `index` of a table at `level` below `base` translates. */
  slotStart(level: number, base: number, index: number): IovaPfn {
    return iovaPfn(base + index * this.span(level));
  }
}
