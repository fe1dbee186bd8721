import type { CheckedCapability } from "../entries/geometry.ts";
import type { UnpinnedFrames } from "../maps/frame-drops.ts";
import { type JointMap, NOTHING } from "../maps/joint-map.ts";
import { NEVER } from "../script/positions.ts";
import { aliveUntil, firstCommon, type LeafFact, type Spans, type SubtreeFact } from "../walks/facts.ts";
import type { PageFact } from "../walks/page-teller.ts";
import type { Judge } from "./judge.ts";

/** Somebody who has to know of every leaf, whether it breaks a rule or not. */
export interface LeafWatch {
  /** The object is filled in again for the next one. */
  seen(fact: PageFact): void;
}

/**
 * Says of single pages that what is met there is allowed, whatever else is; a "no" only means that it has to be told and
 * judged. While facts are held back, it sums up the leaves that nobody was told of.
 */
export class PlainRules {
  readonly #maps: JointMap;
  readonly #unpinned: UnpinnedFrames;
  readonly #resizesNever: boolean;
  readonly #swaps: boolean;
  /** What is held back. */
  readonly #leaves: readonly LeafFact[];
  readonly #subtrees: readonly SubtreeFact[];
  /** Subtrees there were when the first leaf was accepted, -1 before that, and the attributes of that leaf. */
  #subtreesSeen = -1;
  #attributes = 0;
  #isMixed = false;
  /** The leaves of a subtree matter: what is told until they are known does not count. */
  isSettled = false;
  /** What was held back could not be judged, because leaves were accepted that nobody was told of. */
  isUndecided = false;

  /** Only leaves are accepted then, each by itself, and one after the other. */
  watch: LeafWatch | null = null;

  readonly #judge: Judge;

  constructor(
    judge: Judge,
    maps: JointMap,
    unpinned: UnpinnedFrames,
    { swapInPlace, resizeInPlace }: CheckedCapability,
    leaves: readonly LeafFact[],
    subtrees: readonly SubtreeFact[],
  ) {
    this.#judge = judge;
    this.#maps = maps;
    this.#unpinned = unpinned;
    this.#swaps = swapInPlace.frame && swapInPlace.rights;
    this.#resizesNever = resizeInPlace === "never";
    this.#leaves = leaves;
    this.#subtrees = subtrees;
  }

  /** True iff leaves may be accepted while facts are held back. */
  get mayHold(): boolean {
    return this.#swaps && (this.#leaves.length === 0 || this.#leaves[0]!.level === 0);
  }

  /** True iff subtrees are held back that leaves have to be compared with. */
  get hasSubtrees(): boolean {
    return this.#subtrees.length > 0;
  }

  /** True iff a page may translate so; `remains` after the call, accesses being done at `drained`. */
  isFineLeaf(page: number, frame: number, rights: number, remains: boolean, drained: number): boolean {
    const maps = this.#maps;
    const piece = maps.find(page);
    const isNew = rights === maps.newRights[piece] && frame === maps.newFrame(piece, page);
    const isExact =
      isNew || (!remains && rights === maps.oldRights[piece] && frame === maps.oldFrame(piece, page));
    return isExact && !this.#unpinned.canMissIn(maps, piece, isNew, frame, drained);
  }

  /**
   * True iff a page may translate first one way and then another, accesses with the old frame being done at `drained`: as the old map says
   * and as the new one does. Rights are 0 where it does not translate, which is not so both times.
   */
  isFineChange(
    page: number,
    oldFrame: number,
    oldRights: number,
    newFrame: number,
    newRights: number,
    drained: number,
  ): boolean {
    const [maps, unpinned] = [this.#maps, this.#unpinned];
    const piece = maps.find(page);
    if (oldRights !== maps.oldRights[piece] || newRights !== maps.newRights[piece]) return false;
    const by = page - maps.starts[piece]!;
    if (
      oldRights !== 0 &&
      (oldFrame !== maps.oldFrames[piece]! + by || unpinned.canMissIn(maps, piece, false, oldFrame, drained))
    )
      return false;
    if (newRights === 0) return oldRights !== 0;
    return (
      newFrame === maps.newFrames[piece]! + by && !unpinned.canMissIn(maps, piece, true, newFrame, NEVER)
    );
  }

  /** True iff a page may have no translation. */
  isFineFault(page: number, remains: boolean): boolean {
    const { oldRights, newRights } = this.#maps;
    const piece = this.#maps.find(page);
    return (oldRights[piece]! & newRights[piece]!) === 0 && !(remains && newRights[piece] !== 0);
  }

  /** The same of the pages [start, end). */
  isFineAbsence(start: number, end: number, remains: boolean): boolean {
    const maps = this.#maps;
    for (let piece = maps.find(start); ; piece++) {
      const { oldRights, newRights } = maps;
      if ((oldRights[piece]! & newRights[piece]!) !== 0 || (remains && newRights[piece] !== 0)) return false;
      if (maps.end(piece) >= end) return true;
    }
  }

  /** Judges what is told of a page that is not plainly right. Pre: nothing is held back. */
  leaf(fact: PageFact): void {
    this.#judge.leaf(fact);
  }
  fault(fact: PageFact): void {
    this.#judge.fault(fact);
  }
  /** True iff what is stale about a page's leaf need not be told. */
  hidesStale(frame: number, drained: number): boolean {
    return this.#judge.isEcho(frame, drained);
  }
  /** A leaf that outlives the call although the tables no longer hold it. */
  stale(fact: PageFact): void {
    this.#judge.stale(fact.start, fact.end, fact);
  }

  /** Takes a leaf into the sum that is compared with what is held back. Pre: it does not outlive the call unsaid. */
  hold(attributes: number): void {
    if (this.#subtreesSeen < 0) {
      this.#subtreesSeen = this.#subtrees.length;
      this.#attributes = attributes;
    } else if (this.#attributes !== attributes) this.#isMixed = true;
    if (this.#subtreesSeen !== this.#subtrees.length) this.#isMixed = true;
  }

  /** Compares a leaf with the subtrees that are held back. */
  compare(page: number, frame: number, rights: number, attributes: number, alive: Spans): void {
    for (const subtree of this.#subtrees)
      if (
        subtree.start <= page &&
        page < subtree.end &&
        firstCommon(alive, subtree.alive) >= 0 &&
        (this.#resizesNever ||
          (subtree.isCurrent && aliveUntil(alive) === NEVER) ||
          (!subtree.isCurrent && aliveUntil(subtree.alive) === NEVER) ||
          !subtree.hasAttributes(attributes) ||
          this.#differs(page, frame, rights))
      ) {
        this.isSettled = true;
        return;
      }
  }

  #differs(page: number, frame: number, rights: number): boolean {
    const maps = this.#maps;
    const piece = maps.find(page);
    const old = maps.oldFrame(piece, page);
    return old !== NOTHING && (old !== frame || maps.oldRights[piece] !== rights);
  }

  /** True iff the leaves accepted and those held back have to be compared one by one. */
  isMixed(): boolean {
    if (this.#subtreesSeen < 0) return false;
    if (this.#isMixed || this.#subtreesSeen !== this.#subtrees.length) return true;
    for (const leaf of this.#leaves)
      if (
        leaf.level !== 0 ||
        leaf.attributes !== this.#attributes ||
        (!leaf.isCurrent && aliveUntil(leaf.alive) === NEVER)
      )
        return true;
    return false;
  }

  /** Begins anew. */
  clear(): void {
    this.#subtreesSeen = -1;
    this.#isMixed = this.isSettled = false;
  }
}
