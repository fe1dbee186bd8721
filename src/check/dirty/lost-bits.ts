import { CACHE_ATC, CACHES_ALL } from "../../edit-script/index.ts";
import { type Coverage, coverages } from "../coverage.ts";
import type { DecideOptions, Decision } from "../decide.ts";
import { LEAF } from "../entry-kind.ts";
import type { ChangeCalls } from "../input.ts";
import { JointMap } from "../joint-map.ts";
import type { RawViolation } from "../judge.ts";
import { NEVER } from "../positions.ts";
import { RangeList, type Ranges } from "../ranges.ts";
import { byTag, type RootVersion } from "../roots.ts";
import { VersionReader } from "../versions.ts";
import { Copies, type Copy } from "./copies.ts";
import { type Fate, PageEntries } from "./fate.ts";
import { PageTree, type Stretch } from "./page-tree.ts";
import type { Slot, View, WalkRules } from "./table-node.ts";

/** A write that nobody will ever know of. */
export interface LostWrite {
  /** Entry, and version of it, whose D bit the write sets or relies on. */
  readonly slot: Slot;
  readonly version: number;
  readonly fate: Fate;
  /** Every entry that translates the page, or ever did. */
  readonly slots: readonly Slot[];
  /** The copy that is written through; null for what was written before the script. */
  readonly copy: Copy | null;
}

/**
 * Finds the pages of one domain, among those whose frame is kept, that can have been written while neither a dirty bit nor a
 * collect says so when the call has returned (V10).
 *
 * A write is known if the leaf that translates its page has D = 1 in the end, or if a call whose end comes after the write
 * has taken a D bit of the page. So for each version of each entry that ever translated the page: where does a bit set in it
 * go, and how long can writes rely on that bit? Pages whose entries share their history are decided once.
 */
export function lostBits(decision: Decision, options: DecideOptions, domain: number): RawViolation[] {
  const { only } = options;
  const ranges = only === null ? null : { starts: [only.start], ends: [only.end] };
  const maps = ranges === null ? decision.maps : JointMap.of(decision.reader, ranges);
  const found: RawViolation[] = [];
  const pages = new RangeList();
  for (let piece = 0; piece + 1 < maps.length; piece++)
    if (isFrameKept(maps, piece)) pages.join(maps.start(piece), maps.end(piece));
  if (pages.starts.length === 0) return found;
  const search = new Search(decision, options, domain, pages);
  for (let piece = 0; piece + 1 < maps.length; piece++) {
    if (!isFrameKept(maps, piece)) continue;
    const end = maps.end(piece);
    for (let page = maps.start(piece); page < end; ) {
      const { lost, until } = search.at(page, maps.oldFrame(piece, page));
      const to = Math.min(end, until);
      if (lost !== null) found.push(violation(lost, page, to, domain, search.coverageAt(page)));
      page = to;
    }
  }
  return found;
}

/** The lost write that stands for a violation on one page. */
export function lostWriteOn(
  decision: Decision,
  options: DecideOptions,
  domain: number,
  page: number,
): LostWrite | null {
  const ranges = { starts: [page], ends: [page + 1] };
  const maps = JointMap.of(decision.reader, ranges);
  const frame = maps.oldFrame(maps.find(page), page);
  return new Search(decision, options, domain, ranges).at(page, frame).lost;
}

const isFrameKept = (maps: JointMap, piece: number): boolean =>
  maps.oldFrames[piece]! >= 0 && maps.oldFrames[piece] === maps.newFrames[piece];

function violation(lost: LostWrite, start: number, end: number, domain: number, at: Coverage): RawViolation {
  const { slot, version, fate, copy } = lost;
  const { step, until } = slot.versions[version]!;
  const { table, level } = slot.node;
  return {
    class: "V10",
    domain,
    start,
    end,
    access: 2,
    from: fate.step === NEVER ? (copy?.setAt ?? 0) : fate.step,
    met: MET[fate.what],
    coverage: copy?.view.coverage ?? at,
    table,
    index: slot.first,
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

/** Decides page after page, ascending. */
class Search {
  readonly #decision: Decision;
  readonly #tree: PageTree;
  readonly #rules: WalkRules;
  /** By tag: what reaches the pages, and where the page at hand is. */
  readonly #tags: { readonly roots: readonly RootVersion[]; readonly all: Coverage[]; at: number }[];
  #views: View[] = [];

  constructor(decision: Decision, options: DecideOptions, domain: number, pages: Ranges) {
    const { input, log, geometry, decoder } = decision;
    const { capability, tables } = input;
    this.#decision = decision;
    const roots = decision.rootsOf(domain, options.mode);
    this.#rules = {
      rightsAnded: capability.rightsAnded,
      rights: ({ lo, hi }) => decoder.rights(lo, hi),
    };
    const lingering = new VersionReader(log, tables, decoder, options.mode, capability.coherentWalk);
    const { collapse } = options;
    const source = { words: log.words, tables, decoder, geometry, lingering, collapse };
    const bases = options.only === null ? touchedBases(decision, domain) : null;
    const isTouched = (start: number, end: number): boolean =>
      bases === null || hasBetween(bases, start, end);
    this.#tree = new PageTree(
      { log, tables, geometry, decoder, source, rules: this.#rules, isTouched },
      roots,
    );
    const end = geometry.tableSpan(Math.max(...roots.map((r) => r.levels)) - 1);
    const hasAtc = ((input.deviceCaches ?? CACHES_ALL) & CACHE_ATC) !== 0;
    this.#tags = byTag(roots).map((sharing) => ({
      roots: sharing,
      all: coverages(log, sharing[0]!.tag, end, pages, hasAtc, capability.invalidateCoversLeaf),
      at: -1,
    }));
  }

  /** What is lost on a page, which translates to `frame` before and after, and the end of the pages that are like it. */
  at(page: number, frame: number): { readonly lost: LostWrite | null; readonly until: number } {
    const { slots, end } = this.#tree.at(page);
    if (slots === null) return { lost: null, until: end };
    const candidates = this.#candidates({ slots, end }, page, frame);
    if (candidates === null) return { lost: null, until: end };
    return { lost: this.#firstLost(candidates, page), until: Math.min(end, this.#alike(slots, page)) };
  }

  /** Versions whose D bit is not simply known, with the position by which it must be; null where nothing can be lost. */
  #candidates(
    { slots }: Stretch,
    page: number,
    frame: number,
  ): { readonly entries: PageEntries; readonly places: readonly Candidate[] } | null {
    const { decoder } = this.#decision;
    if (isSteady(slots)) return null;
    const entries = new PageEntries(slots, decoder);
    // Whatever is written until here has been told of.
    let told = -1;
    const places: Candidate[] = [];
    for (const slot of slots)
      for (let version = 0; version < slot.versions.length; version++) {
        const { kind, lo, hi, step, isWrittenDirty } = slot.versions[version]!;
        if (kind !== LEAF) continue;
        const fate = entries.fate(slot, version);
        if (entries.dirtySince(slot, version) < NEVER) {
          if (fate.what === "known") return null;
          if (fate.what === "taken") told = Math.max(told, this.#callEnd(fate.step));
        }
        if (fate.what === "known" || decoder.frame(lo, hi) + page - slot.start !== frame) continue;
        const wasDirty = step === 0 && slot.node.isFirst && isWrittenDirty;
        places.push({ slot, version, fate, wasDirty });
      }
    const open = places.map((place) => ({
      ...place,
      told: place.fate.what === "taken" ? Math.max(told, this.#callEnd(place.fate.step)) : told,
    }));
    return open.length === 0 ? null : { entries, places: open };
  }

  #firstLost(
    { entries, places }: { readonly entries: PageEntries; readonly places: readonly Candidate[] },
    page: number,
  ): LostWrite | null {
    this.#enter(page);
    const { decoder } = this.#decision;
    const copies = new Copies(entries, this.#views, this.#rules, decoder, page);
    const { slots } = entries;
    let best: LostWrite | null = null;
    for (const { slot, version, fate, wasDirty, told = -1 } of places) {
      if (best !== null && RANK[best.fate.what] <= RANK[fate.what]) continue;
      const copy = copies.longest(slot, version);
      if (copy !== null && copy.drained > told) best = { slot, version, fate, slots, copy };
      else if (wasDirty && told < 0) best = { slot, version, fate, slots, copy: null };
    }
    return best;
  }

  /** Position at which the call that ran a step has returned. */
  #callEnd(step: number): number {
    const { input, log } = this.#decision;
    const calls: ChangeCalls | null | undefined = input.calls;
    const next = calls?.spans.find((span) => span.step > step);
    return next === undefined ? log.steps : next.step - 1;
  }

  coverageAt(page: number): Coverage {
    this.#enter(page);
    return this.#views[0]!.coverage;
  }

  /** Goes on to the invalidations that reach a page. */
  #enter(page: number): void {
    for (const [i, tag] of this.#tags.entries()) {
      const before = tag.at;
      tag.at = Math.max(0, tag.at);
      while (tag.at + 1 < tag.all.length && tag.all[tag.at]!.end <= page) tag.at++;
      if (tag.at !== before) this.#views[i] = { coverage: tag.all[tag.at]!, roots: tag.roots };
    }
  }

  /** End of the pages that the same invalidations reach, with leaves that lie in or across their reach alike. */
  #alike(slots: readonly Slot[], page: number): number {
    let end = Infinity;
    for (const { coverage } of this.#views) {
      end = Math.min(end, coverage.end);
      for (const { start, span, versions } of slots) {
        if (span === 1 || versions.every((v) => v.kind !== LEAF)) continue;
        const leaf = start + Math.floor((page - start) / span) * span;
        const leaves = leaf < coverage.start ? 1 : Math.floor((coverage.end - leaf) / span);
        end = Math.min(end, leaf + Math.max(1, leaves) * span);
      }
    }
    return end;
  }
}

interface Candidate {
  readonly slot: Slot;
  readonly version: number;
  readonly fate: Fate;
  /** It is the page's leaf before the script, and says that it was written. */
  readonly wasDirty: boolean;
  readonly told?: number;
}

/** A bit that is overwritten says most about its cause. */
const RANK: Readonly<Record<Fate["what"], number>> = {
  overwritten: 0,
  freed: 1,
  left: 2,
  taken: 3,
  known: 4,
};

/** True iff the only leaf there ever was stays. */
function isSteady(slots: readonly Slot[]): boolean {
  for (const { node, versions } of slots)
    for (const { kind, end } of versions)
      if (kind === LEAF && (end !== "never" || !node.isFinal || node.freedAt !== NEVER)) return false;
  return true;
}

/** First pages of the tables that the script does something to, ascending, but for the roots. */
function touchedBases(decision: Decision, domain: number): number[] {
  const located = decision.interests.get(domain)?.located ?? [];
  return located
    .filter((t) => t.parent !== null)
    .map((t) => t.base)
    .sort((a, b) => a - b);
}

function hasBetween(sorted: readonly number[], start: number, end: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (sorted[mid]! < start) low = mid + 1;
    else high = mid;
  }
  return (sorted[low] ?? Infinity) < end;
}
