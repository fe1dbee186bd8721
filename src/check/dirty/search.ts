import { CACHE_ATC, CACHES_ALL } from "../../edit-script/index.ts";
import { type Coverage, coverages } from "../coverage.ts";
import type { DecideOptions, Decision } from "../decide.ts";
import { LEAF } from "../entry-kind.ts";
import { NEVER } from "../positions.ts";
import type { Ranges } from "../ranges.ts";
import { byTag, type RootVersion } from "../roots.ts";
import { VersionReader } from "../versions.ts";
import { AlikeLeaves } from "./alike-leaves.ts";
import { Copies, type Copy } from "./copies.ts";
import { type Fate, PageEntries } from "./fate.ts";
import { PageTree, type Stretch } from "./page-tree.ts";
import { isSteady } from "./steady-entries.ts";
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

/** Finds lost writes on one page after the other, ascending. */
export class Search {
  readonly #decision: Decision;
  readonly #tree: PageTree;
  readonly #rules: WalkRules;
  readonly #acceptPlain: boolean;
  readonly #makeTags: () => Tag[];
  #tags: Tag[] | null = null;
  readonly #views: View[] = [];
  /** How often the page at hand came under other invalidations. */
  #entered = 0;
  /** What was the matter with the last page on which nothing is lost. */
  #kept: Kept | null = null;
  /** Leaves that lose nothing either: such as were dirty before the script, and such as were not. */
  readonly #alike: [AlikeLeaves | null, AlikeLeaves | null] = [null, null];

  /** `pages`: those that will be asked for; what reaches them is looked up when the first is not plainly right. */
  constructor(decision: Decision, options: DecideOptions, domain: number, pages: () => Ranges) {
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
    const acceptPlain = options.acceptPlain ?? true;
    this.#acceptPlain = acceptPlain;
    this.#tree = new PageTree(
      { log, tables, geometry, decoder, source, rules: this.#rules, acceptPlain, isTouched },
      roots,
    );
    const end = geometry.tableSpan(Math.max(...roots.map((r) => r.levels)) - 1);
    const hasAtc = ((input.deviceCaches ?? CACHES_ALL) & CACHE_ATC) !== 0;
    this.#makeTags = () => {
      const wanted = pages();
      return byTag(roots).map((sharing) => ({
        roots: sharing,
        all: coverages(log, sharing[0]!.tag, end, wanted, hasAtc, capability.invalidateCoversLeaf),
        at: -1,
      }));
    };
  }

  /** What is lost on a page, which translates to `frame` before and after, and the end of the pages that are like it. */
  at(page: number, frame: number): { readonly lost: LostWrite | null; readonly until: number } {
    for (const alike of this.#alike) if (alike?.has(page, frame)) return { lost: null, until: page + 1 };
    const { slots, end } = this.#tree.at(page);
    if (slots === null) return { lost: null, until: end };
    if (isSteady(slots)) return { lost: null, until: end };
    this.#enter(page);
    if (this.#kept !== null && this.#isLike(this.#kept, slots, page, frame))
      return { lost: null, until: Math.min(end, this.#alikeUntil(slots, page)) };
    const candidates = this.#candidates({ slots, end }, page, frame);
    if (candidates === null) return { lost: null, until: end };
    const lost = this.#firstLost(candidates, page);
    this.#kept = null;
    if (lost === null) this.#keep(slots, page, frame);
    return { lost, until: Math.min(end, this.#alikeUntil(slots, page)) };
  }

  #keep(slots: readonly Slot[], page: number, frame: number): void {
    const isOwn = this.#isOwn(slots, page, frame);
    this.#kept = { slots, views: this.#entered, isOwn };
    if (!isOwn || !this.#acceptPlain) return;
    const end = Math.min(...this.#views.map(({ coverage }) => coverage.end));
    const alike = AlikeLeaves.around(slots, page, end, this.#decision.decoder);
    if (alike !== null) this.#alike[slots.at(-1)!.versions[0]!.isWrittenDirty ? 0 : 1] = alike;
  }

  /** True iff a page's entries are those of the last page that lost nothing, but for frames that are right in both. */
  #isLike(kept: Kept, slots: readonly Slot[], page: number, frame: number): boolean {
    if (kept.views !== this.#entered || !kept.isOwn || kept.slots.length !== slots.length) return false;
    for (let i = 0; i < slots.length; i++)
      if (slots[i] !== kept.slots[i] && !isAlike(slots[i]!, kept.slots[i]!)) return false;
    return this.#isOwn(slots, page, frame);
  }

  /** True iff all leaves lead to the page's own frame. */
  #isOwn(slots: readonly Slot[], page: number, frame: number): boolean {
    const { decoder } = this.#decision;
    for (const { start, versions } of slots)
      for (const { kind, lo, hi } of versions)
        if (kind === LEAF && decoder.frame(lo, hi) + page - start !== frame) return false;
    return true;
  }

  /** Versions whose D bit is not simply known, with the position by which it must be; null where nothing can be lost. */
  #candidates(
    { slots }: Stretch,
    page: number,
    frame: number,
  ): { readonly entries: PageEntries; readonly places: readonly Candidate[] } | null {
    const { decoder } = this.#decision;
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
    const next = input.calls?.spans.find((span) => span.step > step);
    return next === undefined ? log.steps : next.step - 1;
  }

  coverageAt(page: number): Coverage {
    this.#enter(page);
    return this.#views[0]!.coverage;
  }

  /** Goes on to the invalidations that reach a page. */
  #enter(page: number): void {
    this.#tags ??= this.#makeTags();
    for (let i = 0; i < this.#tags.length; i++) {
      const tag = this.#tags[i]!;
      const before = tag.at;
      tag.at = Math.max(0, tag.at);
      while (tag.at + 1 < tag.all.length && tag.all[tag.at]!.end <= page) tag.at++;
      if (tag.at === before) continue;
      this.#views[i] = { coverage: tag.all[tag.at]!, roots: tag.roots };
      this.#entered++;
    }
  }

  /** End of the pages that the same invalidations reach, with leaves that lie in or across their reach alike. */
  #alikeUntil(slots: readonly Slot[], page: number): number {
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

/** Bits of an entry that no page number takes up: below in the low word, above in the high one. */
const BELOW_ADDRESS = 0xfff;
const ABOVE_ADDRESS = 20;

/** What reaches the pages under one tag, and where the page at hand is. */
interface Tag {
  readonly roots: readonly RootVersion[];
  readonly all: readonly Coverage[];
  at: number;
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

/** A page on which nothing is lost. */
interface Kept {
  readonly slots: readonly Slot[];
  readonly views: number;
  /** All its leaves lead to its own frame. */
  readonly isOwn: boolean;
}

/** True iff two smallest leaves of one table have the same history but for what they lead to. */
function isAlike(a: Slot, b: Slot): boolean {
  if (a.node !== b.node || a.span > 1 || a.versions.length !== b.versions.length || a.versions.length > 2)
    return false;
  const isSame = (slot: Slot): boolean =>
    slot.versions[0]!.lo === slot.versions.at(-1)!.lo && slot.versions[0]!.hi === slot.versions.at(-1)!.hi;
  for (let k = 0; k < a.versions.length; k++) {
    const [v, w] = [a.versions[k]!, b.versions[k]!];
    if (v.kind !== w.kind || v.step !== w.step || v.until !== w.until || v.end !== w.end) return false;
    if (v.readableUntil !== w.readableUntil || v.isWrittenDirty !== w.isWrittenDirty) return false;
    if (((v.lo ^ w.lo) & BELOW_ADDRESS) !== 0 || (v.hi ^ w.hi) >>> ABOVE_ADDRESS !== 0) return false;
  }
  return isSame(a) === isSame(b);
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
