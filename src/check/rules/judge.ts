import type { UnpinnedFrames } from "../maps/frame-drops.ts";
import { type JointMap, NOTHING } from "../maps/joint-map.ts";
import { NEVER } from "../script/positions.ts";
import type { Windows } from "../script/windows.ts";
import type { PointerFact, Spans, SubtreeFact } from "../walks/facts.ts";
import { aliveUntil, type BadEntryFact, type FaultFact, type LeafFact, type Origin } from "../walks/facts.ts";
import type { Lingering } from "../walks/lingering.ts";
import { isRetired, type RootVersion } from "../walks/roots.ts";
import type { Relapse } from "./relapse.ts";
import type { ViolationClass } from "./violation-class.ts";
import { leafMet, type Met, type Violations } from "./violations.ts";

/** Kinds of access, one bit each, as rights are. */
const ACCESSES = [1, 2] as const;

const UNPINNED = "a frame that is no longer pinned";

/** Compares what devices may meet with what the two maps allow. */
export class Judge {
  readonly #violations: Violations;
  readonly #maps: JointMap;
  readonly #unpinned: UnpinnedFrames;
  readonly #windows: Windows;
  readonly #steps: number;
  readonly #domain: number;
  /** First page of the stretch of equally invalidated pages that the facts to come are of. */
  stretch = 0;
  /** The context entries that share the tag under which the facts to come are cached. */
  roots: readonly RootVersion[] = [];
  readonly #hasAtc: boolean;
  readonly #lingering: Lingering | null;
  /** Something was not told that another violation hides. */
  hasSkipped = false;

  /**
   * `lingering`: leave out what a frame without a pin hides, as long as memory order is known not to matter; null to tell all.
   */
  constructor(
    violations: Violations,
    maps: JointMap,
    unpinned: UnpinnedFrames,
    windows: Windows,
    steps: number,
    domain: number,
    hasAtc: boolean,
    lingering: Lingering | null,
  ) {
    this.#violations = violations;
    this.#maps = maps;
    this.#unpinned = unpinned;
    this.#windows = windows;
    this.#steps = steps;
    this.#domain = domain;
    this.#hasAtc = hasAtc;
    this.#lingering = lingering;
  }

  /** Pages [start, end) break a rule; each `grain` of them does so alone. */
  report(
    kind: ViolationClass,
    start: number,
    end: number,
    origin: Origin,
    access: number,
    from: number,
    met: Met,
    grain = end - start,
  ): void {
    // What is cached under a tag that no access asks for after the call does no harm; but a device's own cache knows no tags.
    const isOfLeaf = kind === "V04" || (kind === "V05" && typeof met === "number");
    if ((isOfLeaf || kind === "V05") && !(isOfLeaf && this.#hasAtc) && isRetired(this.roots)) kind = "V04b";
    const index = origin.index + Math.floor((start - origin.at) / origin.span);
    const indexStep = origin.span === grain ? 1 : 0;
    this.#violations.add(
      kind,
      this.#domain,
      this.stretch,
      origin,
      index,
      access,
      start,
      end,
      from,
      met,
      grain,
      indexStep,
    );
  }

  leaf(fact: LeafFact): void {
    const maps = this.#maps;
    const remains = aliveUntil(fact.alive) === NEVER;
    if (fact.setsDirty && aliveUntil(fact.alive) > fact.freedAt) {
      const from = Math.max(fact.alive[0]!, fact.freedAt);
      this.report("V07", fact.start, fact.end, fact, 2, from, "a leaf whose dirty bit is in a freed table");
    }
    for (let piece = maps.find(fact.start), start = fact.start; start < fact.end; ) {
      const end = Math.min(fact.end, maps.end(piece), this.#windows.edgeBehind(start));
      const frame = fact.frame + start - fact.start;
      const isOld = frame === maps.oldFrame(piece, start);
      const isNew = frame === maps.newFrame(piece, start);
      const exact =
        (isNew && fact.rights === maps.newRights[piece]) ||
        (isOld && fact.rights === maps.oldRights[piece] && !remains);
      if (!exact) this.#answers(fact, piece, start, end, isOld, isNew, remains);
      else if (this.#isOrphaned(fact)) this.#orphaned(fact, start, end);
      this.#frames(fact, frame, start, end, fact.drained);
      start = end;
      if (end === maps.end(piece)) piece++;
    }
  }

  /** Reads and writes through a leaf; what both of them show is told once. */
  #answers(
    fact: LeafFact,
    piece: number,
    start: number,
    end: number,
    isOld: boolean,
    isNew: boolean,
    remains: boolean,
  ): void {
    const isWhole = isOld && fact.rights === this.#maps.oldRights[piece];
    // What the old map says can be nothing but stale.
    if (isWhole && this.#isStaleEcho(fact, start, end)) return;
    let told: ViolationClass | null = null;
    for (const access of ACCESSES) {
      const kind =
        (fact.rights & access) !== 0
          ? this.#granted(piece, isOld, isNew, access, remains)
          : this.#denied(fact, piece, start, isOld, access, remains);
      if (kind === null || kind === told) continue;
      if (kind === "V04" && !isWhole && this.#isStaleEcho(fact, start, end)) continue;
      const met = leafMet(fact.frame + start - fact.start, fact.rights);
      this.report(kind, start, end, fact, access, fact.alive[0]!, met);
      told = kind;
    }
  }

  #isStaleEcho({ frame, start: at, drained }: LeafFact, start: number, end: number): boolean {
    return end - start === 1 && this.isEcho(frame + start - at, drained);
  }

  /** What is wrong where an access succeeds on a leaf's frame. */
  #granted(
    piece: number,
    isOld: boolean,
    isNew: boolean,
    access: number,
    remains: boolean,
  ): ViolationClass | null {
    const byOld = isOld && (this.#maps.oldRights[piece]! & access) !== 0;
    const byNew = isNew && (this.#maps.newRights[piece]! & access) !== 0;
    if (!byOld && !byNew) return isOld || isNew ? "V03" : "V02";
    return remains && !byNew ? "V04" : null;
  }

  /** What is wrong where an access faults on rights a leaf does not have. */
  #denied(
    fact: LeafFact,
    piece: number,
    start: number,
    isOld: boolean,
    access: number,
    remains: boolean,
  ): ViolationClass | null {
    const maps = this.#maps;
    if ((maps.newRights[piece]! & access) === 0) return null;
    const wasGranted = (maps.oldRights[piece]! & access) !== 0;
    if (wasGranted && !this.#isWindowed(start, fact.alive)) return maps.isKept(piece) ? "V01" : "V01b";
    if (!remains) return null;
    // What the old map does not name is not the old answer: rights are missing, nothing is stale.
    return isOld && !wasGranted ? "V04" : "V05";
  }

  /**
   * True iff a page's frame loses its last pin under a leaf whose accesses are done at `drained`: whatever is stale about the
   * leaf is the other side of that, and is left out.
   */
  isEcho(frame: number, drained: number): boolean {
    if (this.#lingering === null || this.#lingering.isDecisive) return false;
    if (!this.#unpinned.canMiss(frame, frame + 1, drained)) return false;
    const step = this.#unpinned.stepOf(frame);
    if (step === 0 || drained <= step) return false;
    this.hasSkipped = true;
    return true;
  }

  /** A leaf outlives the call on pages for which the tables hold no such leaf any more. */
  stale(start: number, end: number, leaf: LeafFact): void {
    if (this.#isStaleEcho(leaf, start, end)) return;
    // What a device alone keeps of tables that are gone is compared with the new map: the tables that hold it have another tag.
    if (!leaf.isInIotlb && isRetired(this.roots)) return;
    this.report("V04b", start, end, leaf, 0, leaf.alive[0]!, "a leaf that the tables no longer hold");
  }

  fault(fact: FaultFact): void {
    const maps = this.#maps;
    const remains = aliveUntil(fact.alive) === NEVER;
    const isPerPage = fact.span === 1 || fact.end - fact.at <= fact.span;
    /* Pages in a row of which each alone breaks the same rule are told at once: a row of pages [first, start). */
    let first = -1;
    let told: ViolationClass | null = null;
    let access = 0;
    for (let piece = maps.find(fact.start), start = fact.start; start < fact.end; ) {
      const end = Math.min(fact.end, maps.end(piece), this.#windows.edgeBehind(start));
      const both = maps.oldRights[piece]! & maps.newRights[piece]!;
      let kind: ViolationClass | null = null;
      if (both !== 0 && !this.#isWindowed(start, fact.alive)) kind = maps.isKept(piece) ? "V01" : "V01b";
      else if (remains && maps.newRights[piece] !== 0) kind = "V05";
      const own = kind === "V05" ? 0 : both & -both;
      if (first >= 0 && (kind !== told || own !== access || end - start !== 1)) {
        this.#missing(told!, first, start, fact, access, 1);
        first = -1;
      }
      if (kind !== null && isPerPage && end - start === 1) {
        if (first < 0) [first, told, access] = [start, kind, own];
      } else if (kind !== null) this.#missing(kind, start, end, fact, own, end - start);
      start = end;
      if (end === maps.end(piece)) piece++;
    }
    if (first >= 0) this.#missing(told!, first, fact.end, fact, access, 1);
  }

  #missing(
    kind: ViolationClass,
    start: number,
    end: number,
    fact: FaultFact,
    access: number,
    grain: number,
  ): void {
    this.report(kind, start, end, fact, access, fact.alive[0]!, "no translation", grain);
  }

  /** Pages of an untouched subtree show what the old map says. */
  subtree(fact: SubtreeFact): void {
    const maps = this.#maps;
    for (let piece = maps.find(fact.start), start = fact.start; start < fact.end; piece++) {
      const end = Math.min(fact.end, maps.end(piece));
      const frame = maps.oldFrame(piece, start);
      const spans = frame === NOTHING ? fact.absent : fact.alive;
      if (aliveUntil(spans) === NEVER && maps.isChanged(piece))
        this.report(
          frame === NOTHING ? "V05" : "V04",
          start,
          end,
          fact,
          0,
          spans[0]!,
          frame === NOTHING ? "no translation" : "what the old map says",
        );
      else if (frame !== NOTHING && this.#isOrphaned(fact)) this.#orphaned(fact, start, end);
      if (frame !== NOTHING) this.#frames(fact, frame, start, end, fact.drained);
      start = end;
    }
  }

  /** True iff something stays cached under a tag that no tables have any more. What a device's own cache keeps is of no tag. */
  #isOrphaned({ alive, isInIotlb }: LeafFact | SubtreeFact): boolean {
    return aliveUntil(alive) === NEVER && isInIotlb && isRetired(this.roots);
  }
  /** It says what the new map says, but whoever gets the tag next gets it too. */
  #orphaned(fact: LeafFact | SubtreeFact, start: number, end: number): void {
    this.report(
      "V04b",
      start,
      end,
      fact,
      0,
      fact.alive[0]!,
      "a leaf under a tag that has no tables any more",
    );
  }

  pointer(fact: PointerFact): void {
    const { start, end, alive } = fact;
    if (aliveUntil(alive) > fact.freedAt)
      this.report(
        "V07",
        start,
        end,
        fact,
        0,
        Math.max(alive[0]!, fact.freedAt),
        "a pointer to a freed table",
      );
    else if (aliveUntil(alive) === NEVER && !fact.isCurrent)
      this.report("V04b", start, end, fact, 0, alive[0]!, "a pointer to a detached table");
  }

  /** An absence between two values of one update harms pages that either map has, where no window is open. */
  badEntry(fact: BadEntryFact): void {
    const kinds = { malformed: "V13", torn: "V08", plain: "V08", unpublished: "V15" } as const;
    const met = {
      malformed: `a malformed entry: ${fact.reason}`,
      torn: "a half-written entry",
      plain: "an entry under a store that may tear",
      unpublished: "what the entry held before it was written",
    };
    const { what, absentAt, from } = fact;
    if (absentAt === null) {
      this.report(kinds[what], fact.start, fact.end, fact, 0, from, met[what]);
      return;
    }
    const maps = this.#maps;
    for (let piece = maps.find(fact.start), start = fact.start; start < fact.end; ) {
      const end = Math.min(fact.end, maps.end(piece), this.#windows.edgeBehind(start));
      const isMapped = (maps.oldRights[piece]! | maps.newRights[piece]!) !== 0;
      if (isMapped && !this.#isWindowed(start, absentAt))
        this.report(kinds[what], start, end, fact, 0, from, met[what]);
      start = end;
      if (end === maps.end(piece)) piece++;
    }
  }

  /** Frames that are reachable, or under an access, after their last pin went. */
  #frames(origin: Origin, frame: number, start: number, end: number, drained: number): void {
    const last = frame + end - start;
    if (!this.#unpinned.canMiss(frame, last, drained)) return;
    if (end - start === 1) {
      const step = this.#unpinned.stepOf(frame);
      if (step !== 0 && drained > step) this.report("V06", start, end, origin, 0, step, UNPINNED);
      return;
    }
    const frames = this.#unpinned.dropped;
    for (let i = frames.firstEndingAfter(frame); i < frames.starts.length; i++) {
      if (frames.starts[i]! >= last) return;
      const step = this.#unpinned.step(i);
      if (drained <= step) continue;
      const from = start + Math.max(0, frames.starts[i]! - frame);
      const to = start + Math.min(last, frames.ends[i]!) - frame;
      this.report("V06", from, to, origin, 0, step, UNPINNED);
    }
  }

  /** A page that no step touches keeps a frame that lost its last pin. */
  unpinned(start: number, end: number, step: number): void {
    const origin = { table: 0, index: 0, level: 0, at: 0, span: Infinity, step: 0, until: NEVER };
    this.report("V06", start, end, origin, 0, step, UNPINNED);
  }

  /** Epoch mode: a device has seen the new map, and sees the old one after that. The one that lasts longest is shown. */
  relapse(all: readonly Relapse[]): void {
    if (all.length === 0) return;
    const relapse = all.reduce((best, next) => (next.old.until > best.old.until ? next : best));
    const { seen, old } = relapse;
    const met = "the old map, when the device has met the new one already";
    const { table, index, level, step, until } = old.origin;
    const what = { class: "V11", access: 0, from: seen.from, met, relapse } as const;
    const where = { domain: this.#domain, stretch: this.stretch, table, index, level, step, until };
    for (const { old } of all) this.#violations.push({ ...what, ...where, start: old.start, end: old.end });
  }

  /** True iff declared windows allow faults of a page at all these positions, up to the return. */
  #isWindowed(page: number, alive: Spans): boolean {
    return this.#windows.allow(page, alive, this.#steps + 1);
  }
}
