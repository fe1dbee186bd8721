import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import { JointMap } from "../joint-map.ts";
import { rangesOf } from "../only-pages.ts";
import { firstEndingAfter, oneRange, outside, RangeList, type Ranges } from "../ranges.ts";
import { pagesByClass, type RawViolation, Violations } from "../violations.ts";
import type { Fate } from "./fate.ts";
import { type Loss, type LostWrite, Search } from "./search.ts";

/**
 * Finds the pages of one domain, among those whose frame is kept, that can have been written while neither a dirty bit nor a
 * collect says so when the call has returned (V10).
 *
 * A write is known if the leaf that translates its page has D = 1 in the end, or if a call whose end comes after the write
 * has taken a D bit of the page. So for each version of each entry that ever translated the page: where does a bit set in it
 * go, and how long can writes rely on that bit? Pages whose entries share their history are decided once. Those in `skipped`
 * are left out.
 */
export function lostBits(
  decision: Decision,
  options: DecideOptions,
  domain: number,
  skipped: Ranges,
): RawViolation[] {
  const { only } = options;
  const ranges = only === null ? null : rangesOf(only);
  const maps = ranges === null ? decision.maps : JointMap.of(decision.reader, ranges);
  const found: RawViolation[] = [];
  let search: Search | null = null;
  // Pages before this one are decided, or are not judged.
  let decided = 0;
  for (let piece = 0; piece + 1 < maps.length; piece++) {
    if (!isFrameKept(maps, piece)) continue;
    const end = maps.end(piece);
    if (end <= decided) continue;
    search ??= new Search(decision, options, domain, () => keptPages(maps));
    for (let page = Math.max(decided, maps.start(piece)); page < end; ) {
      const next = firstEndingAfter(skipped, page);
      if (next < skipped.starts.length && skipped.starts[next]! <= page) {
        page = skipped.ends[next]!;
        decided = page;
        continue;
      }
      const { lost, until } = search.at(page, maps.oldFrame(piece, page));
      const to = Math.min(end, until, skipped.starts[next] ?? Infinity);
      if (lost !== null) add(found, violation(lost, page, to, domain));
      page = to;
      decided = lost === null ? until : to;
    }
  }
  return found;
}

/** What of the dirty bits that were `found` lost is lost with other options too. */
export function lostAmong(decision: Decision, found: Violations, options: DecideOptions): Violations {
  const lost = new Violations();
  for (const { id } of decision.input.domains) {
    const pages = pagesByClass(found, id).get("V10");
    if (pages === undefined) continue;
    for (const violation of lostBits(decision, options, id, outside(pages))) lost.push(violation);
  }
  return lost;
}

/** Pages with the same frame in both maps. */
function keptPages(maps: JointMap): Ranges {
  const pages = new RangeList();
  for (let piece = 0; piece + 1 < maps.length; piece++)
    if (isFrameKept(maps, piece)) pages.join(maps.start(piece), maps.end(piece));
  return pages.ranges();
}

/** Adds a violation, or makes the last one longer where the two differ in nothing but their place. */
function add(found: RawViolation[], next: RawViolation): void {
  const last = found.at(-1);
  const grain = next.grain!;
  const continues =
    last !== undefined &&
    last.end === next.start &&
    last.grain === grain &&
    (next.index - last.index) * grain === next.start - last.start &&
    ALIKE.every((key) => last[key] === next[key]);
  if (continues) found[found.length - 1] = { ...last, end: next.end };
  else found.push(next);
}

const ALIKE = ["table", "level", "step", "until", "from", "met", "coverage"] as const;

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
  return new Search(decision, how, domain, () => ranges).at(page, frame).lost?.write ?? null;
}

const isFrameKept = (maps: JointMap, piece: number): boolean =>
  maps.oldFrames[piece]! >= 0 && maps.oldFrames[piece] === maps.newFrames[piece];

function violation(lost: Loss, start: number, end: number, domain: number): RawViolation {
  const { table, index, level, step, until, what, from, coverage } = lost;
  return {
    class: "V10",
    domain,
    start,
    end,
    grain: end - start,
    access: 2,
    from,
    met: MET[what],
    coverage,
    table,
    index,
    level,
    step,
    until,
  };
}

const MET: Readonly<Record<Fate["what"], string>> = {
  overwritten: "no dirty bit for a page that was written: a store overwrites it",
  freed: "no dirty bit for a page that was written: it goes with a table that is freed",
  left: "no dirty bit for a page that was written: it stays in a detached table",
  taken: "no dirty bit for a page that is written after the call that took it has returned",
  known: "",
};
