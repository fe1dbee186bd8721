/** Mappings as a plain list, and what type1 does to it, said in the simplest way. */
export class NaiveMap {
  /** [first page, pages], ascending. */
  mappings: [number, number][] = [];

  get pages(): number {
    return this.mappings.reduce((sum, [, pages]) => sum + pages, 0);
  }

  covers(page: number): boolean {
    return this.mappings.some(([first, pages]) => first <= page && page < first + pages);
  }

  /** False for an overlap. */
  map(first: number, pages: number): boolean {
    for (let page = first; page < first + pages; page++) if (this.covers(page)) return false;
    this.mappings.push([first, pages]);
    this.mappings.sort((a, b) => a[0] - b[0]);
    return true;
  }

  /** Pages removed, or null where version 2 refuses because a border of [start, end) cuts a mapping. */
  unmap(version: 1 | 2, start: number, end: number): number | null {
    const isInside = (border: number): boolean =>
      this.mappings.some(([first, pages]) => first < border && border < first + pages);
    if (version === 2 && (isInside(start) || isInside(end))) return null;
    if (version === 1 && isInside(start)) return 0;
    const goes = ([first]: [number, number]): boolean => start <= first && first < end;
    const before = this.pages;
    this.mappings = this.mappings.filter((mapping) => !goes(mapping));
    return before - this.pages;
  }
}
