import { isTableFrame } from "../../engine/memory-plan.ts";
import type { Engine } from "../../engine/types.ts";
import type { Domain } from "../../kernel/iommu/index.ts";
import { firstRegionEndingAfter, type PageRange } from "../../model/index.ts";
import type { Pfn } from "../../units/index.ts";
import { PageSet } from "./page-set.ts";

/**
 * Measures which pages that a map change must keep had no translation at some moment of the change.
 *
 * It looks at the live tables after every single store to a reachable entry, at the pages that entry serves; only such
 * a store can take a translation away. A page counts once a change, however often it comes and goes.
 */
export class LostTranslations {
  readonly #engine: Engine;
  readonly #domains: () => readonly Domain[];
  readonly #lost = new PageSet();
  #kept: readonly PageRange[] = [];

  constructor(engine: Engine, domains: () => readonly Domain[]) {
    this.#engine = engine;
    this.#domains = domains;
  }

  /** A map change begins; `kept` are the pages both maps translate alike, sorted. */
  begin(kept: readonly PageRange[]): void {
    this.#kept = kept;
    this.#lost.clear();
  }

  /** An entry that serves [iovaPfn, iovaPfn + pages) of a domain was stored. */
  afterStore(domainId: number, iovaPfn: number, pages: number): void {
    const end = iovaPfn + pages;
    for (let i = firstRegionEndingAfter(this.#kept, iovaPfn); i < this.#kept.length; i++) {
      const range = this.#kept[i]!;
      if (range.iovaPfn >= end) break;
      const from = Math.max(range.iovaPfn, iovaPfn);
      const to = Math.min(range.iovaPfn + range.pages, end);
      const open = this.#lost.missing(from, to);
      if (open.length === 0) continue;
      const domain = this.#domains().find((d) => d.id === domainId);
      if (domain === undefined) continue;
      for (const [start, stop] of open)
        visitAbsent(this.#engine, domain, start, stop, (a, b) => this.#lost.add(a, b));
    }
  }

  /** Pages lost since `begin`, and the first of them. */
  result(): { pages: number; first: number | null } {
    return { pages: this.#lost.size, first: this.#lost.first };
  }
}

/** Calls `found` for each part of [start, end) that the domain's live tables do not translate, ascending. */
export function visitAbsent(
  engine: Engine,
  domain: Domain,
  start: number,
  end: number,
  found: (start: number, end: number) => void,
): void {
  const { format } = domain;
  const descend = (table: Pfn, level: number, base: number, from: number, to: number): void => {
    const span = 512 ** level;
    for (let index = Math.floor((from - base) / span); index < 512; index++) {
      const slot = base + index * span;
      if (slot >= to) break;
      const a = Math.max(from, slot);
      const b = Math.min(to, slot + span);
      const entry = engine.loadEntry(table, index);
      const low = Number(entry & 0xffff_ffffn);
      const high = Number(entry >> 32n);
      if (!format.isPresent(low, high)) found(a, b);
      else if (format.isTable(level, low, high)) {
        const child = format.pfnOf(low, high);
        /* A torn pointer leads nowhere: hardware reads no table there. */
        if (isTableFrame(child, engine.tablePages)) descend(child, level - 1, slot, a, b);
        else found(a, b);
      }
    }
  };
  descend(domain.root, domain.levels - 1, 0, start, end);
}
