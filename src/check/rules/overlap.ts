import type { CheckedCapability } from "../entries/geometry.ts";
import type { UnpinnedFrames } from "../maps/frame-drops.ts";
import { type JointMap, NOTHING } from "../maps/joint-map.ts";
import { NEVER } from "../script/positions.ts";
import type { PointerFact, SubtreeFact } from "../walks/facts.ts";
import {
  aliveUntil,
  type BadEntryFact,
  type FactSink,
  type FaultFact,
  firstCommon,
  type LeafFact,
} from "../walks/facts.ts";
import type { Judge } from "./judge.ts";
import { PlainRules } from "./plain-rules.ts";

type Other =
  | { readonly kind: "fault"; readonly fact: FaultFact }
  | { readonly kind: "pointer"; readonly fact: PointerFact }
  | { readonly kind: "badEntry"; readonly fact: BadEntryFact };

/**
 * Holds back the facts of an entry that changes until all are known, and judges those that only show when two of them are
 * compared: leaves of different size, stale leaves that translate alike, attributes that change.
 */
export class OverlapSink implements FactSink {
  readonly #judge: Judge;
  readonly #maps: JointMap;
  readonly #capability: CheckedCapability;
  #isOpen = false;
  readonly #leaves: LeafFact[] = [];
  readonly #subtrees: SubtreeFact[] = [];
  /** Faults, pointers and bad entries, in the order in which they came. */
  readonly #rest: Other[] = [];

  readonly plain: PlainRules;

  constructor(judge: Judge, maps: JointMap, capability: CheckedCapability, unpinned: UnpinnedFrames) {
    this.#judge = judge;
    this.#maps = maps;
    this.#capability = capability;
    this.plain = new PlainRules(judge, maps, unpinned, capability, this.#leaves, this.#subtrees);
  }

  leaf(fact: LeafFact): void {
    if (this.#isOpen) this.#leaves.push(fact);
    else this.#judge.leaf(fact);
  }
  subtree(fact: SubtreeFact): void {
    if (this.#isOpen) this.#subtrees.push(fact);
    else this.#judge.subtree(fact);
  }
  fault(fact: FaultFact): void {
    if (this.#isOpen) this.#rest.push({ kind: "fault", fact });
    else this.#judge.fault(fact);
  }
  pointer(fact: PointerFact): void {
    if (this.#isOpen) this.#rest.push({ kind: "pointer", fact });
    else this.#judge.pointer(fact);
  }
  badEntry(fact: BadEntryFact): void {
    if (this.#isOpen) this.#rest.push({ kind: "badEntry", fact });
    else this.#judge.badEntry(fact);
  }

  open(): void {
    this.#isOpen = true;
    this.plain.clear();
  }

  close(): boolean {
    const needsLeaves = this.plain.isSettled || this.#needsLeaves();
    this.plain.isUndecided = !needsLeaves && this.plain.isMixed();
    const settled = !needsLeaves && !this.plain.isUndecided;
    if (settled) {
      this.#compare();
      for (const fact of this.#leaves) this.#judge.leaf(fact);
      for (const fact of this.#subtrees) this.#judge.subtree(fact);
      for (const other of this.#rest) this.#judgeOther(other);
    }
    // Most are empty already, and to shorten an array is a call into the runtime.
    for (const facts of [this.#leaves, this.#subtrees, this.#rest]) if (facts.length > 0) facts.length = 0;
    this.#isOpen = false;
    return settled;
  }

  #judgeOther({ kind, fact }: Other): void {
    if (kind === "fault") this.#judge.fault(fact);
    else if (kind === "pointer") this.#judge.pointer(fact);
    else this.#judge.badEntry(fact);
  }

  /** True iff the size of leaves in an untouched subtree decides something. */
  #needsLeaves(): boolean {
    for (const subtree of this.#subtrees)
      for (const leaf of this.#leaves) {
        if (leaf.start >= subtree.end || subtree.start >= leaf.end) continue;
        if (firstCommon(leaf.alive, subtree.alive) < 0) continue;
        if (this.#capability.resizeInPlace === "never") return true;
        if (subtree.isCurrent && aliveUntil(leaf.alive) === NEVER) return true;
        if (!subtree.isCurrent && aliveUntil(subtree.alive) === NEVER) return true;
        if (this.#differs(leaf, subtree)) return true;
      }
    return false;
  }

  /** True iff the leaf gives some common page something else than the old map does, or has other attributes. */
  #differs(leaf: LeafFact, subtree: SubtreeFact): boolean {
    const maps = this.#maps;
    const end = Math.min(leaf.end, subtree.end);
    let start = Math.max(leaf.start, subtree.start);
    if (!subtree.hasAttributes(leaf.attributes)) return true;
    for (let piece = maps.find(start); start < end; start = maps.end(piece++)) {
      const frame = maps.oldFrame(piece, start);
      if (frame === NOTHING) continue;
      if (frame !== leaf.frame + start - leaf.start || maps.oldRights[piece] !== leaf.rights) return true;
    }
    return false;
  }

  /** True iff the leaves are of one size and kind, may replace each other, and none outlives the call unsaid. */
  #isPlain(): boolean {
    const { frame, rights } = this.#capability.swapInPlace;
    if (!frame || !rights) return false;
    const first = this.#leaves[0];
    for (const fact of this.#leaves)
      if (
        fact.level !== first!.level ||
        fact.attributes !== first!.attributes ||
        (!fact.isCurrent && aliveUntil(fact.alive) === NEVER)
      )
        return false;
    return true;
  }

  #compare(): void {
    if (this.#isPlain()) return;
    const sorted = this.#leaves.toSorted((a, b) => a.start - b.start);
    for (let i = 0; i < sorted.length; i++) {
      const a = sorted[i]!;
      const agreeing: LeafFact[] = [];
      for (let j = i + 1; j < sorted.length && sorted[j]!.start < a.end; j++) this.#pair(a, sorted[j]!);
      if (a.isCurrent || aliveUntil(a.alive) !== NEVER) continue;
      for (const b of sorted) if (b.isCurrent && saysTheSame(a, b)) agreeing.push(b);
      this.#latent(a, agreeing);
    }
  }

  #pair(a: LeafFact, b: LeafFact): void {
    const start = Math.max(a.start, b.start);
    const end = Math.min(a.end, b.end);
    const at = firstCommon(a.alive, b.alive);
    if (at < 0) return;
    const sameFrame = a.frame - a.start === b.frame - b.start;
    const sameRights = a.rights === b.rights;
    const later = a.step > b.step ? a : b;
    const rule = this.#capability;
    if (a.level !== b.level) {
      if (rule.resizeInPlace === "never" || !sameFrame || !sameRights || a.attributes !== b.attributes)
        this.#judge.report("V09", start, end, later, 0, at, "leaves of two sizes that do not agree");
      return;
    }
    if ((!sameFrame && !rule.swapInPlace.frame) || (!sameRights && !rule.swapInPlace.rights))
      this.#judge.report("V09", start, end, later, 0, at, "two leaves this format must not have at once");
    else if (sameFrame && sameRights && a.attributes !== b.attributes)
      for (let piece = this.#maps.find(start), page = start; page < end; page = this.#maps.end(piece++))
        if (this.#maps.isKept(piece)) {
          const last = Math.min(end, this.#maps.end(piece));
          this.#judge.report("V02", page, last, later, 0, at, "attributes that the page did not have");
        }
  }

  /** Reports what of a stale leaf is not backed by leaves of the final tables that say the same. */
  #latent(stale: LeafFact, agreeing: readonly LeafFact[]): void {
    let start = stale.start;
    for (const fact of agreeing) {
      if (fact.end <= start || fact.start >= stale.end) continue;
      if (fact.start > start) this.#judge.stale(start, fact.start, stale);
      start = Math.max(start, fact.end);
    }
    if (start < stale.end) this.#judge.stale(start, stale.end, stale);
  }
}

const saysTheSame = (a: LeafFact, b: LeafFact): boolean =>
  a.level === b.level &&
  a.rights === b.rights &&
  a.frame - a.start === b.frame - b.start &&
  a.attributes === b.attributes;
