import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import {
  firstEndingAfter,
  NO_RANGES,
  oneRange,
  outside,
  RangeList,
  type Ranges,
  union,
} from "../lists/ranges.ts";
import { JointMap } from "../maps/joint-map.ts";
import { rangesOf } from "../maps/only-pages.ts";
import { pagesByClass } from "../rules/pages-by-class.ts";
import type { Violations } from "../rules/violations.ts";
import { LostRows } from "./lost-rows.ts";
import { type Loss, type LostWrite, Search } from "./search.ts";

/**
 * Adds the pages of one domain, among those whose frame is kept, that can have been written while neither a dirty bit nor a
 * collect says so when the call has returned (V10). Those in `skipped` are left out. Returns pages on which strong memory order is
 * seen to lose a bit too; there may be others.
 */
export function addLostBits(
  found: Violations,
  decision: Decision,
  options: DecideOptions,
  domain: number,
  skipped: Ranges,
): Ranges {
  const rows = new LostRows(found, domain);
  const inStrong = new RangeList();
  visitLosses(decision, options, domain, skipped, (lost, start, end) => {
    rows.add(lost, start, end);
    if (lost.isInStrong) inStrong.join(start, end);
  });
  rows.end();
  return inStrong.ranges();
}

/** The pages of each domain that lose a bit in strong memory order, of those that were `found` to do so in weak order. */
export function lostInStrong(
  decision: Decision,
  found: Violations,
  options: DecideOptions,
): ReadonlyMap<number, Ranges> {
  const lost = new Map<number, Ranges>();
  for (const { id } of decision.input.domains) {
    const pages = pagesByClass(found, id).get("V10");
    if (pages === undefined) continue;
    const known = decision.lostInStrong.get(id) ?? NO_RANGES;
    const others = new RangeList();
    const skipped = union(outside(pages), known);
    const how: DecideOptions = { ...options, mode: "strong", skipHidden: false };
    if (!isEverything(skipped))
      visitLosses(decision, how, id, skipped, (_, start, end) => others.join(start, end));
    lost.set(id, union(known, others.ranges()));
  }
  return lost;
}

/**
 * Tells of what is lost, ascending: of pages that share it at once.
 *
 * A write is known if the leaf that translates its page has D = 1 in the end, or if a call whose end comes after the write
 * has taken a D bit of the page. So for each version of each entry that ever translated the page: where does a bit set in it
 * go, and how long can writes rely on that bit? Pages whose entries share their history are decided once.
 */
function visitLosses(
  decision: Decision,
  options: DecideOptions,
  domain: number,
  skipped: Ranges,
  visit: (lost: Loss, start: number, end: number) => void,
): void {
  const { only } = options;
  const ranges = only === null ? null : rangesOf(only);
  const maps = ranges === null ? decision.maps : JointMap.of(decision.reader, ranges);
  let search: Search | null = null;
  // Pages before this one are decided, or are not judged.
  let decided = 0;
  for (let piece = 0; piece + 1 < maps.length; piece++) {
    if (!isFrameKept(maps, piece)) continue;
    const end = maps.end(piece);
    if (end <= decided) continue;
    for (let page = Math.max(decided, maps.start(piece)); page < end; ) {
      const next = firstEndingAfter(skipped, page);
      if (next < skipped.starts.length && skipped.starts[next]! <= page) {
        page = skipped.ends[next]!;
        decided = page;
        continue;
      }
      search ??= new Search(decision, options, domain, () => keptPages(maps));
      const until = search.at(page, maps.oldFrame(piece, page));
      const { lost } = search;
      const to = Math.min(end, until, skipped.starts[next] ?? Infinity);
      if (lost !== null) visit(lost, page, to);
      page = to;
      decided = lost === null ? until : to;
    }
  }
}

const isEverything = ({ starts, ends }: Ranges): boolean => starts[0] === 0 && ends[0] === Infinity;

/** Pages with the same frame in both maps. */
function keptPages(maps: JointMap): Ranges {
  const pages = new RangeList();
  for (let piece = 0; piece + 1 < maps.length; piece++)
    if (isFrameKept(maps, piece)) pages.join(maps.start(piece), maps.end(piece));
  return pages.ranges();
}

/** The lost write that stands for a violation on one page. */
export function lostWriteOn(
  decision: Decision,
  options: DecideOptions,
  domain: number,
  page: number,
): LostWrite | null {
  const ranges = oneRange(page, page + 1);
  const maps = JointMap.of(decision.reader, ranges);
  const frame = maps.oldFrame(maps.find(page), page);
  const how = { ...options, acceptPlain: false };
  const search = new Search(decision, how, domain, () => ranges);
  search.at(page, frame);
  return search.lost?.write ?? null;
}

const isFrameKept = (maps: JointMap, piece: number): boolean =>
  maps.oldFrames[piece]! >= 0 && maps.oldFrames[piece] === maps.newFrames[piece];
