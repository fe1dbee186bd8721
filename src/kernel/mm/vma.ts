import type { Rights } from "../../units/index.ts";
import type { Backing } from "./backing.ts";
import type { UnitPages } from "./frame-block.ts";

/** One virtual memory area: a range of pages with one protection and one backing. Page numbers, half-open. */
export interface Vma {
  start: number;
  end: number;
  /** READ | WRITE; 0 is PROT_NONE. */
  rights: Rights;
  readonly backing: Backing;
  /** Page of the backing that `start` shows. */
  offset: number;
  /** Pages of the smallest piece this area may be cut into: 1, or the size of its huge pages. */
  readonly granule: UnitPages;
}

/** The areas of one address space: sorted, free of overlap. */
export class VmaList {
  readonly #areas: Vma[] = [];
  #recent: Vma | undefined;

  get count(): number {
    return this.#areas.length;
  }

  [Symbol.iterator](): Iterator<Vma> {
    return this.#areas[Symbol.iterator]();
  }

  /** The area that contains `page`. */
  find(page: number): Vma | undefined {
    const recent = this.#recent;
    if (recent !== undefined && recent.start <= page && page < recent.end) return recent;
    const area = this.#areas[this.#firstEndingAfter(page)];
    return area !== undefined && area.start <= page ? (this.#recent = area) : undefined;
  }

  /** First area that ends after `page`. */
  next(page: number): Vma | undefined {
    return this.#areas[this.#firstEndingAfter(page)];
  }

  /** May the areas be cut at `start` and `end`, or is there a huge page across one of them? */
  canCut(start: number, end: number): boolean {
    for (const border of [start, end]) {
      const area = this.find(border);
      if (area !== undefined && (border - area.start) % area.granule !== 0) return false;
    }
    return true;
  }

  /** Splits areas at `start` and `end` and returns those in between. Pre: `canCut`. */
  isolate(start: number, end: number): Vma[] {
    this.#split(start);
    this.#split(end);
    return this.#areas
      .slice(this.#firstEndingAfter(start), this.#firstEndingAfter(end - 1) + 1)
      .filter((a) => a.start < end);
  }

  /** Takes the areas of [start, end) out and returns them. Pre: `canCut`. */
  remove(start: number, end: number): Vma[] {
    const removed = this.isolate(start, end);
    if (removed.length > 0) this.#areas.splice(this.#firstEndingAfter(start), removed.length);
    this.#recent = undefined;
    return removed;
  }

  /** Adds an area. Pre: it overlaps none. */
  insert(area: Vma): void {
    this.#areas.splice(this.#firstEndingAfter(area.start), 0, area);
  }

  #split(page: number): void {
    const i = this.#firstEndingAfter(page);
    const area = this.#areas[i];
    if (area === undefined || area.start >= page) return;
    this.#areas.splice(i + 1, 0, { ...area, start: page, offset: area.offset + (page - area.start) });
    area.end = page;
    this.#recent = undefined;
  }

  #firstEndingAfter(page: number): number {
    let low = 0;
    let high = this.#areas.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.#areas[mid]!.end > page) high = mid;
      else low = mid + 1;
    }
    return low;
  }
}
