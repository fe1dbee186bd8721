import { Decision } from "../decide.ts";
import { LEAF, TABLE } from "../entries/entry-kind.ts";
import { highWord, lowWord } from "../entries/entry-words.ts";
import type { CheckedScript, CheckInput, ReaderInput } from "../input.ts";
import { ListedMaps } from "../maps/map-reader.ts";

/** Some pages, and where they lead; nowhere where they have no rights. */
interface Pages {
  readonly iovaPfn: number;
  readonly pages: number;
  readonly pfn: number;
  readonly rights: number;
}

/**
 * Pages of the old map, domain by domain, that the tables before the script do not translate as it says: how many there are, of
 * those within the first `most` pages of the map. Unlike what `check` tells of it, pages count that no step has to do with.
 */
export function unlikeOldMap(input: CheckInput, most: number): number {
  const unlike = unlikePages(input);
  let left = most;
  let count = 0;
  for (const run of input.oldMap) {
    const pages = Math.min(run.pages, left);
    left -= pages;
    count += unlike({ ...run, pages });
  }
  return count;
}

/** True iff there are such pages among those that the change is about, or pages that the old map lacks and the tables translate. */
export function isChangeUnlikeOldMap(input: CheckInput | ReaderInput): boolean {
  const maps = "maps" in input ? input.maps : new ListedMaps(input.oldMap, input.newMap);
  const unlike = unlikePages(input);
  const changes = maps.changes();
  const { length, starts, ends, frames, rights } = maps.runs("old", changes);
  for (let c = 0, r = 0; c < changes.starts.length; c++) {
    const end = changes.ends[c]!;
    let next = changes.starts[c]!;
    const isAbsentUntil = (until: number): boolean =>
      until === next || unlike({ iovaPfn: next, pages: until - next, pfn: 0, rights: 0 }) === 0;
    while (r < length && ends[r]! <= next) r++;
    for (let at = r; at < length && starts[at]! < end; at++) {
      const from = Math.max(starts[at]!, next);
      if (!isAbsentUntil(from)) return true;
      next = Math.min(ends[at]!, end);
      const pfn = frames[at]! + from - starts[at]!;
      if (unlike({ iovaPfn: from, pages: next - from, pfn, rights: rights[at]! }) > 0) return true;
    }
    if (!isAbsentUntil(end)) return true;
  }
  return false;
}

/** Counts the pages of a run that the tables before the script do not translate so, domain by domain. */
function unlikePages(input: CheckedScript & (CheckInput | ReaderInput)): (run: Pages) => number {
  const { decoder, geometry } = new Decision(input);
  const { rightsAnded } = input.capability;
  let unlike = 0;

  /** Looks at pages [start, end) of a run, which lie below one table whose first page is `base`. */
  const visit = (
    table: number,
    level: number,
    base: number,
    start: number,
    end: number,
    frame: number,
    wanted: number,
    above: number,
  ): void => {
    const span = geometry.span(level);
    for (let page = start, last = start; page < end; page = last) {
      const index = Math.floor((page - base) / span);
      const first = base + index * span;
      last = Math.min(end, first + span);
      const entry = input.tables.entry(table as never, index);
      const [lo, hi] = [lowWord(entry), highWord(entry)];
      const kind = decoder.kind(level, lo, hi);
      const rights = rightsAnded ? above & decoder.rights(lo, hi) : decoder.rights(lo, hi);
      const own = frame + page - start;
      if (wanted === 0 && (rights === 0 || (kind !== LEAF && kind !== TABLE))) continue;
      if (kind === TABLE && level > 0)
        visit(decoder.frame(lo, hi), level - 1, first, page, last, own, wanted, rightsAnded ? rights : above);
      else if (kind !== LEAF || rights !== wanted || decoder.frame(lo, hi) + page - first !== own)
        unlike += last - page;
    }
  };
  return ({ iovaPfn, pages, pfn, rights }) => {
    unlike = 0;
    const end = iovaPfn + pages;
    for (const { root, levels } of input.domains)
      if (end <= geometry.tableSpan(levels - 1)) visit(root, levels - 1, 0, iovaPfn, end, pfn, rights, -1);
    return unlike;
  };
}
