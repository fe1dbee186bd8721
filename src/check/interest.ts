import { type Decoder, TABLE } from "./entry-kind.ts";
import type { Geometry } from "./geometry.ts";
import type { TablesBefore } from "./input.ts";
import type { JointMap } from "./joint-map.ts";
import { NEVER } from "./positions.ts";
import type { ScriptLog } from "./script-log.ts";
import type { TableLog } from "./table-log.ts";

/** A table the script writes or frees, where it stands before the script. */
export interface LocatedTable {
  readonly table: number;
  readonly level: number;
  readonly base: number;
  /** The table that points to it; the root has none. */
  readonly parent: number | null;
}

export interface PageRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Finds what a check has to look at: pages whose answer changes, and pages below entries that the script writes. What is
 * neither is not visited, however large the map.
 */
export class Interest {
  readonly located: LocatedTable[] = [];
  readonly #byTable = new Map<number, LocatedTable>();
  readonly #log: ScriptLog;
  readonly #geometry: Geometry;
  readonly #decoder: Decoder;
  readonly #tables: TablesBefore;
  /** Written or freed tables that no domain has been found to hold yet; all domains share it. */
  readonly #wanted: Set<number>;
  #sorted: LocatedTable[] | null = null;

  constructor(
    log: ScriptLog,
    geometry: Geometry,
    decoder: Decoder,
    tables: TablesBefore,
    wanted: Set<number>,
  ) {
    this.#wanted = wanted;
    this.#log = log;
    this.#geometry = geometry;
    this.#decoder = decoder;
    this.#tables = tables;
  }

  /** Ranges to visit in one domain, ascending, free of overlap. */
  ranges(levels: number, maps: JointMap): PageRange[] {
    const ranges = changedRanges(maps);
    for (const { table, level, base } of this.located.toSorted((a, b) => a.base - b.base)) {
      const log = this.#log.logAt(table, 0);
      if (log === null) continue;
      if (log.freedAt < NEVER) ranges.push({ start: base, end: base + this.#geometry.tableSpan(level) });
      else this.#writtenRanges(log, level, base, ranges);
    }
    return joined(ranges, this.#geometry.tableSpan(levels - 1));
  }

  /**
   * Until when the pages are as they were: NEVER where the script leaves all tables in them alone, 0 where it writes one,
   * else the step that frees the first.
   */
  untouchedUntil(start: number, end: number): number {
    this.#sorted ??= this.located.filter((t) => t.parent !== null).sort((a, b) => a.base - b.base);
    const sorted = this.#sorted;
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (sorted[mid]!.base < start) low = mid + 1;
      else high = mid;
    }
    let until = NEVER;
    for (; low < sorted.length && sorted[low]!.base < end; low++) {
      const { table, level, base } = sorted[low]!;
      if (base + this.#geometry.tableSpan(level) > end) continue;
      const log = this.#log.logAt(table, 0);
      if (log !== null) until = Math.min(until, log.isWritten ? 0 : log.freedAt);
    }
    return until;
  }

  /** Adds the spans of the entries a table's writes concern, ascending. */
  #writtenRanges(log: TableLog, level: number, base: number, ranges: { start: number; end: number }[]): void {
    const { words } = this.#log;
    const span = this.#geometry.span(level);
    const isWritten = new Uint8Array(this.#geometry.entries + 1);
    for (const at of log.records) {
      const index = words[at + 3]! & 0xffff;
      isWritten.fill(1, index, Math.min(this.#geometry.entries, index + (words[at + 3]! >>> 16)));
    }
    for (let first = isWritten.indexOf(1); first >= 0; ) {
      const end = isWritten.indexOf(0, first);
      ranges.push({ start: base + first * span, end: base + end * span });
      first = isWritten.indexOf(1, end);
    }
  }

  /** Looks for the written tables where the script says it works. */
  locateNear(domain: number, root: number, levels: number, maps: JointMap): void {
    const hints: PageRange[] = changedRanges(maps);
    for (const inv of this.#log.invalidations)
      if (inv.domain === domain) hints.push({ start: inv.start, end: inv.end });
    for (const window of this.#log.windows) if (window.domain === domain) hints.push(window);
    this.#descend(root, levels - 1, 0, null, joined(hints, this.#geometry.tableSpan(levels - 1)));
  }

  /** Looks for those that were not found in any domain everywhere. */
  locateEverywhere(root: number, levels: number): void {
    if (this.#wanted.size === 0 || this.#restIsNew()) return;
    this.#descend(root, levels - 1, 0, null, [{ start: 0, end: this.#geometry.tableSpan(levels - 1) }]);
  }

  /** True iff the tables not found yet are written by plain stores first: nobody can reach those. */
  #restIsNew(): boolean {
    for (const table of this.#wanted) {
      const log = this.#log.logAt(table, 0);
      const first = log?.records[0];
      if (first === undefined || (this.#log.words[first]! & 0xff) > 2) return false;
    }
    return true;
  }

  #descend(
    table: number,
    level: number,
    base: number,
    parent: number | null,
    ranges: readonly PageRange[],
  ): void {
    if (this.#log.isTouched(table) && this.#byTable.get(table)?.base !== base) {
      const found = { table, level, base, parent };
      this.located.push(found);
      this.#byTable.set(table, found);
      this.#wanted.delete(table);
    }
    if (level === 0) return;
    const span = this.#geometry.span(level);
    const end = base + this.#geometry.tableSpan(level);
    let next = base;
    for (const range of ranges) {
      if (range.end <= next || range.start >= end) continue;
      const first = Math.floor((Math.max(range.start, next) - base) / span);
      const last = Math.floor((Math.min(range.end, end) - 1 - base) / span);
      for (let index = first; index <= last && this.#wanted.size > 0; index++) {
        const entry = this.#tables.entry(table as never, index);
        const lo = Number(entry & 0xffff_ffffn);
        const hi = Number(entry >> 32n);
        if (this.#decoder.kind(level, lo, hi) !== TABLE) continue;
        const child = this.#decoder.frame(lo, hi);
        const start = base + index * span;
        if (level > 1 || this.#wanted.has(child)) {
          const inside = ranges.filter((r) => r.start < start + span && start < r.end);
          this.#descend(child, level - 1, start, table, inside);
        }
      }
      next = base + (last + 1) * span;
    }
  }
}

function changedRanges(maps: JointMap): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  for (let piece = 0; piece + 1 < maps.length; piece++) {
    if (!maps.isChanged(piece)) continue;
    const start = maps.start(piece);
    const last = ranges[ranges.length - 1];
    if (last !== undefined && last.end === start) last.end = maps.end(piece);
    else ranges.push({ start, end: maps.end(piece) });
  }
  return ranges;
}

/** Sorts ranges, joins those that meet, and cuts them at `end`. */
export function joined(ranges: readonly PageRange[], end: number): PageRange[] {
  const sorted = ranges.toSorted((a, b) => a.start - b.start);
  const result: { start: number; end: number }[] = [];
  for (const range of sorted) {
    if (range.start >= end) break;
    const to = Math.min(range.end, end);
    const last = result[result.length - 1];
    if (last !== undefined && range.start <= last.end) last.end = Math.max(last.end, to);
    else result.push({ start: range.start, end: to });
  }
  return result;
}
