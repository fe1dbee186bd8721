import { Decision } from "../decide.ts";
import { LEAF, TABLE } from "../entries/entry-kind.ts";
import { highWord, lowWord } from "../entries/entry-words.ts";
import type { CheckInput, ReaderInput } from "../input.ts";
import { oneRange, type Ranges } from "../lists/ranges.ts";
import type { PageRange } from "../maps/interest.ts";
import { ListedMaps, type MapReader } from "../maps/map-reader.ts";

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
  const unlike = unlikePages(new Decision(input));
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
  const maps = mapsOf(input);
  return isUnlike(new Decision(input), maps, maps.changes());
}

/**
 * True iff the change switches a root, which says everything anew, and there are such pages anywhere: a copy of what was wrong before is
 * wrong as well.
 */
export function isSwitchUnlikeOldMap(input: CheckInput | ReaderInput): boolean {
  const decision = new Decision(input);
  if (decision.log.roots.length === 0) return false;
  const levels = Math.max(...input.domains.map((domain) => domain.levels));
  return isUnlike(decision, mapsOf(input), oneRange(0, decision.geometry.tableSpan(levels - 1)));
}

/** True iff a domain's tables translate none of some pages as the old map says, though it has all of them: whoever copies an entry copies that. */
export function areUnlikeOldMap(
  input: CheckInput | ReaderInput,
  domain: number,
  pages: readonly PageRange[],
): boolean {
  const decision = new Decision({ ...input, domains: input.domains.filter(({ id }) => id === domain) });
  const unlike = unlikePages(decision);
  for (const { start, end } of pages) {
    const { length, starts, ends, frames, rights } = mapsOf(input).runs("old", oneRange(start, end));
    let wrong = 0;
    for (let r = 0; r < length; r++) {
      const from = Math.max(starts[r]!, start);
      const run = { iovaPfn: from, pages: Math.min(ends[r]!, end) - from };
      wrong += unlike({ ...run, pfn: frames[r]! + from - starts[r]!, rights: rights[r]! });
    }
    if (wrong < end - start) return false;
  }
  return pages.length > 0;
}

const mapsOf = (input: CheckInput | ReaderInput): MapReader =>
  "maps" in input ? input.maps : new ListedMaps(input.oldMap, input.newMap);

/** True iff some of the pages are not translated as the old map says. */
function isUnlike(decision: Decision, maps: MapReader, pages: Ranges): boolean {
  const unlike = unlikePages(decision);
  const { length, starts, ends, frames, rights } = maps.runs("old", pages);
  for (let c = 0, r = 0; c < pages.starts.length; c++) {
    const end = pages.ends[c]!;
    let next = pages.starts[c]!;
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
function unlikePages({ input, decoder, geometry }: Decision): (run: Pages) => number {
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
    for (const { root, levels } of input.domains) {
      const end = Math.min(iovaPfn + pages, geometry.tableSpan(levels - 1));
      if (iovaPfn < end) visit(root, levels - 1, 0, iovaPfn, end, pfn, rights, -1);
    }
    return unlike;
  };
}
