import { Decision } from "../decide.ts";
import { LEAF, TABLE } from "../entries/entry-kind.ts";
import { highWord, lowWord } from "../entries/entry-words.ts";
import type { CheckInput } from "../input.ts";

/**
 * Pages of the old map, domain by domain, that the tables before the script do not translate as it says: how many there are, of
 * those within the first `most` pages of the map. Unlike what `check` tells of it, pages count that no step has to do with.
 */
export function unlikeOldMap(input: CheckInput, most: number): number {
  const { decoder, geometry } = new Decision(input);
  const { rightsAnded } = input.capability;
  let left = most;
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
    for (let page = start; page < end; ) {
      const index = Math.floor((page - base) / span);
      const first = base + index * span;
      const last = Math.min(end, first + span);
      const entry = input.tables.entry(table as never, index);
      const [lo, hi] = [lowWord(entry), highWord(entry)];
      const kind = decoder.kind(level, lo, hi);
      const rights = rightsAnded ? above & decoder.rights(lo, hi) : decoder.rights(lo, hi);
      const own = frame + page - start;
      if (kind === TABLE && level > 0)
        visit(decoder.frame(lo, hi), level - 1, first, page, last, own, wanted, rightsAnded ? rights : above);
      else if (kind !== LEAF || rights !== wanted || decoder.frame(lo, hi) + page - first !== own)
        unlike += last - page;
      page = last;
    }
  };
  for (const { iovaPfn, pages, pfn, rights } of input.oldMap) {
    const end = iovaPfn + Math.min(pages, left);
    left -= end - iovaPfn;
    for (const { root, levels } of input.domains)
      if (end <= geometry.tableSpan(levels - 1)) visit(root, levels - 1, 0, iovaPfn, end, pfn, rights, -1);
  }
  return unlike;
}
