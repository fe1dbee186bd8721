import type { Engine } from "../../engine/types.ts";
import { type IovaPfn, iovaPfn, type Pfn, pfn, type Rights } from "../../units/index.ts";
import type { Domain } from "./domain.ts";

/** A physically contiguous piece of what a domain translates. */
export interface PhysicalRun {
  readonly iovaPfn: IovaPfn;
  readonly pfn: Pfn;
  readonly pages: number;
  readonly rights: Rights;
}

/** Called with each leaf (or part of one) in [start, end), ascending. `leafPages` is the size of the whole leaf. */
export type LeafVisitor = (
  start: number,
  frame: number,
  pages: number,
  rights: Rights,
  leafPages: number,
) => boolean;

/**
 * Visits the leaves of a domain in ascending order, clipped to [start, end), until the visitor returns false.
 * Reads live tables with atomic loads; the caller keeps other writers out.
 */
export function visitLeaves(
  engine: Engine,
  domain: Domain,
  start: number,
  end: number,
  visit: LeafVisitor,
): void {
  visitTable(engine, domain, domain.root, domain.levels - 1, 0, start, end, visit);
}

/** Below this many entries single loads are cheaper than reading the table whole. */
const FEW_ENTRIES = 8;

/** A private copy of entries [first, end) of a live table, two words each. */
export function readEntries(engine: Engine, table: Pfn, first: number, end: number): Uint32Array {
  if (end - first >= FEW_ENTRIES) return engine.readTable(table).slice(2 * first, 2 * end);
  const words = new Uint32Array(2 * (end - first));
  for (let index = first; index < end; index++) {
    const entry = engine.loadEntry(table, index);
    words[2 * (index - first)] = Number(entry & 0xffff_ffffn);
    words[2 * (index - first) + 1] = Number(entry >> 32n);
  }
  return words;
}

function visitTable(
  engine: Engine,
  domain: Domain,
  table: Pfn,
  level: number,
  base: number,
  start: number,
  end: number,
  visit: LeafVisitor,
): boolean {
  const { format } = domain;
  const span = 512 ** level;
  const first = Math.max(0, Math.floor((start - base) / span));
  const last = Math.min(511, Math.floor((end - 1 - base) / span));
  const words = readEntries(engine, table, first, last + 1);
  for (let index = first; index <= last; index++) {
    const lo = words[2 * (index - first)]!;
    const hi = words[2 * (index - first) + 1]!;
    if (!format.isPresent(lo, hi)) continue;
    const at = base + index * span;
    const frame = format.pfnOf(lo, hi);
    if (format.isTable(level, lo, hi)) {
      if (!visitTable(engine, domain, frame, level - 1, at, start, end, visit)) return false;
      continue;
    }
    const from = Math.max(start, at);
    const to = Math.min(end, at + span);
    if (!visit(from, frame + (from - at), to - from, format.rightsOf(lo, hi), span)) return false;
  }
  return true;
}

/** Maximal physically contiguous runs of equal rights in [start, start + pages), at most `limit` of them. */
export function physicalRuns(
  engine: Engine,
  domain: Domain,
  start: IovaPfn,
  pages: number,
  limit = Number.POSITIVE_INFINITY,
): PhysicalRun[] {
  const runs: { iovaPfn: IovaPfn; pfn: Pfn; pages: number; rights: Rights }[] = [];
  visitLeaves(engine, domain, start, start + pages, (at, frame, count, rights) => {
    const last = runs[runs.length - 1];
    if (
      last !== undefined &&
      last.iovaPfn + last.pages === at &&
      last.pfn + last.pages === frame &&
      last.rights === rights
    ) {
      last.pages += count;
      return true;
    }
    if (runs.length === limit) return false;
    runs.push({ iovaPfn: iovaPfn(at), pfn: pfn(frame), pages: count, rights });
    return true;
  });
  return runs;
}
