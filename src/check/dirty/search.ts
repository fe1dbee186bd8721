import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import { LEAF } from "../entries/entry-kind.ts";
import type { Ranges } from "../lists/ranges.ts";
import { returnOf } from "../rules/between-calls.ts";
import { NEVER } from "../script/positions.ts";
import type { Coverage } from "../walks/coverage.ts";
import { AlikeLeaves } from "./alike-leaves.ts";
import { Copies, type Copy } from "./copies.ts";
import { type Fate, PageEntries } from "./fate.ts";
import { LeafLosses } from "./leaf-losses.ts";
import { type Leaves, PageTree, plainUntil } from "./page-tree.ts";
import { PageViews } from "./page-views.ts";
import { isSteady } from "./steady-entries.ts";
import type { Slot } from "./table-node.ts";

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

/** The same as a reader needs it who does not tell its story. */
export interface Loss {
  readonly table: number;
  readonly index: number;
  readonly level: number;
  /** Positions [step, until) at which the entry has the version whose D bit gets lost. */
  readonly step: number;
  readonly until: number;
  readonly what: Fate["what"];
  /** Position from which it is lost. */
  readonly from: number;
  /** The first of the pages around it that the same invalidations reach. */
  readonly stretch: number;
  /** Strong memory order loses a bit on the page too, as far as it was looked into. */
  readonly isInStrong: boolean;
  /** The whole of it; null where columns have shown it. */
  readonly write: LostWrite | null;
}

/** Finds lost writes on one page after the other, ascending. */
export class Search {
  readonly #decision: Decision;
  readonly #tree: PageTree;
  readonly #views: PageViews;
  readonly #acceptPlain: boolean;
  /** What was the matter with the last page on which nothing is lost. */
  #kept: Kept | null = null;
  /** Made when columns tell something. */
  #losses: LeafLosses | null = null;
  /** The table that they tell of, and the end of its pages. */
  #leaves: Leaves | null = null;
  #leavesEnd = 0;
  /** What is lost on the page asked for last; null where nothing is. */
  lost: Loss | null = null;
  /** Leaves that lose nothing either, by what is known of their D bits before the script. */
  readonly #alike: (AlikeLeaves | null)[] = [null, null, null];

  /** `pages`: those that will be asked for. */
  constructor(decision: Decision, options: DecideOptions, domain: number, pages: () => Ranges) {
    this.#decision = decision;
    this.#acceptPlain = options.acceptPlain ?? true;
    this.#tree = PageTree.of(decision, options, domain, this.#acceptPlain ? "safe" : "resting");
    this.#views = new PageViews(decision, this.#tree.roots, pages);
  }

  /** Finds what is `lost` on a page, which translates to `frame` before and after; returns the end of the pages that are like it. */
  at(page: number, frame: number): number {
    this.lost = null;
    for (const alike of this.#alike) if (alike?.has(page, frame)) return page + 1;
    // Mostly it is the next page of the same table.
    let place = page < this.#leavesEnd ? this.#leaves! : this.#tree.at(page);
    if (place.slots === null && place.leaves !== null) {
      const told = plainUntil(place.plain, place.leaves.base, page);
      if (told > page) return told;
      const losses = this.#lossesIn(place);
      if (losses.isAlone(page)) {
        this.lost = losses.at(page, frame);
        return page + 1;
      }
      place = this.#tree.at(page, true);
    }
    const { slots, end } = place;
    if (slots === null) return end;
    if (isSteady(slots)) return end;
    this.#views.enter(page);
    if (this.#kept !== null && this.#isLike(this.#kept, slots, page, frame))
      return Math.min(end, this.#views.alikeUntil(slots, page));
    const candidates = this.#candidates(slots, page, frame);
    if (candidates === null) return end;
    const write = this.#firstLost(candidates, page);
    this.#kept = null;
    if (write === null) this.#keep(slots, page, frame);
    else this.lost = lossOf(write, this.#views.all[0]!.coverage);
    return Math.min(end, this.#views.alikeUntil(slots, page));
  }

  #lossesIn(place: Leaves): LeafLosses {
    this.#losses ??= new LeafLosses(
      this.#tree.source,
      this.#tree.near,
      (step) => this.#callEnd(step),
      (page) => this.#coverageAt(page),
    );
    if (place === this.#leaves) return this.#losses;
    this.#losses.enter(place.leaves);
    this.#leaves = place;
    this.#leavesEnd = place.end;
    return this.#losses;
  }

  #keep(slots: readonly Slot[], page: number, frame: number): void {
    const isOwn = this.#isOwn(slots, page, frame);
    this.#kept = { slots, views: this.#views.entered, isOwn };
    if (!isOwn || !this.#acceptPlain) return;
    const { decoder, input } = this.#decision;
    const alike = AlikeLeaves.around(slots, page, this.#views.end, decoder, input.tables);
    if (alike !== null) this.#alike[alike.before] = alike;
  }

  /** True iff a page's entries are those of the last page that lost nothing, but for frames that are right in both. */
  #isLike(kept: Kept, slots: readonly Slot[], page: number, frame: number): boolean {
    if (kept.views !== this.#views.entered || !kept.isOwn || kept.slots.length !== slots.length) return false;
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
    slots: readonly Slot[],
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
        const { kind, lo, hi, isWrittenDirty, mayBeDirty } = slot.versions[version]!;
        if (kind !== LEAF) continue;
        const fate = entries.fate(slot, version);
        if (entries.dirtySince(slot, version) < NEVER) {
          if (fate.what === "known") return null;
          if (fate.what === "taken") told = Math.max(told, this.#callEnd(fate.step));
        }
        if (fate.what === "known" || decoder.frame(lo, hi) + page - slot.start !== frame) continue;
        const wasDirty = version === 0 && slot.node.isFirst && (isWrittenDirty || mayBeDirty);
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
    const copies = new Copies(entries, this.#views.all, this.#tree.rules, decoder, page);
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
    return input.calls ? returnOf(input.calls, step, log.steps) : log.steps;
  }

  #coverageAt(page: number): Coverage {
    this.#views.enter(page);
    return this.#views.all[0]!.coverage;
  }
}

function lossOf(write: LostWrite, at: Coverage): Loss {
  const { slot, version, fate, copy } = write;
  const { step, until } = slot.versions[version]!;
  const { table, level } = slot.node;
  return {
    table,
    index: slot.first,
    level,
    step,
    until,
    what: fate.what,
    from: fate.step === NEVER ? (copy?.setAt ?? 0) : fate.step,
    stretch: (copy?.view.coverage ?? at).start,
    isInStrong: false,
    write,
  };
}

/** Bits of an entry that no page number takes up: below in the low word, above in the high one. */
const BELOW_ADDRESS = 0xfff;
const ABOVE_ADDRESS = 20;

interface Candidate {
  readonly slot: Slot;
  readonly version: number;
  readonly fate: Fate;
  /** It is the page's leaf before the script, and says that it was written, or may say so. */
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
    if (v.mayBeDirty !== w.mayBeDirty) return false;
    if (((v.lo ^ w.lo) & BELOW_ADDRESS) !== 0 || (v.hi ^ w.hi) >>> ABOVE_ADDRESS !== 0) return false;
  }
  return isSame(a) === isSame(b);
}
