import type { Coverage } from "./coverage.ts";
import type { HeldTable } from "./entry-facts.ts";
import { ABSENT, type EntryKind, LEAF } from "./entry-kind.ts";
import { Lifetime } from "./lifetime.ts";
import { PageFact } from "./page-fact.ts";
import type { PlainRules } from "./plain-rules.ts";
import { NEVER } from "./positions.ts";
import { EXCHANGED, type SingleWrites } from "./single-writes.ts";
import { LIVE, PLAIN } from "./table-log.ts";
import type { ReachContext } from "./walk-reach.ts";

/**
 * Decides entries of the lowest tables without an object for what walks can learn from them: those that break no rule whatever
 * else is known (the old leaf until it is overwritten and dropped in time, the new one from then on), and those written once
 * that do. Says nothing of all others; they are told fact by fact.
 */
export class PlainEntries {
  readonly #context: ReachContext;
  readonly #rules: PlainRules;
  /** Of the value before the script, and of the one that is written. */
  readonly #before = new Lifetime();
  readonly #after = new Lifetime();
  readonly #pageFact = new PageFact();
  #coverage!: Coverage;
  #state!: HeldTable;
  #writes: SingleWrites | null = null;
  #freedAt = NEVER;
  #isNew = false;
  /** First position at which some walk may hold the table. */
  #heldFrom = NEVER;
  /** What is overwritten at steps [from, until) can be read until `until`. */
  #lingersFrom = 1;
  #lingersUntil = 0;

  constructor(context: ReachContext, rules: PlainRules) {
    this.#context = context;
    this.#rules = rules;
  }

  /** The entries to come are those of a held table; false where none of them can be accepted. */
  enter(state: HeldTable, coverage: Coverage, writes: SingleWrites | null, isOpen: boolean): boolean {
    this.#coverage = coverage;
    this.#writes = writes;
    if (isOpen && !this.#rules.mayHold) return false;
    if (state === this.#state) return true;
    const { log, earliest } = state;
    this.#state = state;
    this.#freedAt = log?.freedAt ?? NEVER;
    this.#isNew = log !== null && (log.life > 0 || !this.#context.tables.isTable(state.table as never));
    this.#heldFrom = NEVER;
    for (let g = 0; g < earliest.length; g++)
      if (earliest[g]! < this.#heldFrom) this.#heldFrom = earliest[g]!;
    return true;
  }

  /**
   * True iff the entry, which held `oldLo`, `oldHi` before the script and translates `page`, is decided: nothing is wrong with
   * it, or what is has been told.
   */
  accepts(index: number, page: number, oldLo: number, oldHi: number, isOpen: boolean): boolean {
    const writes = this.#writes;
    const k = writes === null ? -1 : writes.write[index]!;
    if (k >= 0 && !writes!.isAlone(index)) return false;
    // Nothing of what is told now counts.
    if (isOpen && this.#rules.isSettled) return true;
    const { decoder } = this.#context;
    const kind = decoder.kind(0, oldLo, oldHi);
    if (kind !== ABSENT && kind !== LEAF) return false;
    const state = this.#state;
    const before = this.#before;
    const how = k < 0 ? LIVE : writes!.how[index]!;
    if (how === EXCHANGED && !writes!.meets(index, oldLo, oldHi, decoder)) return false;
    const lo = k < 0 ? oldLo : writes!.lo[index]!;
    const hi = k < 0 ? oldHi : writes!.hi[index]!;
    if (k < 0 || (!(this.#isNew && how === PLAIN) && !decoder.differ(oldLo, oldHi, lo, hi))) {
      this.#set(before, 0, NEVER);
      if (this.#isFine(before, kind, oldLo, oldHi, page, state.isCurrent, isOpen)) return true;
      if (isOpen || !this.#mayTell(before, before)) return false;
      this.#tell(before, kind, oldLo, oldHi, page, index, 0, NEVER);
      return true;
    }
    const written = decoder.kind(0, lo, hi);
    if (written !== ABSENT && written !== LEAF) return false;
    const step = state.log!.steps[k]!;
    if (how === PLAIN && (kind !== ABSENT || step > this.#heldFrom)) return false;
    const after = this.#after;
    const readableUntil = this.#readableUntil(index, step);
    this.#context.lingering.note(step, readableUntil, this.#heldFrom, state.lingers);
    this.#set(before, 0, readableUntil);
    this.#set(after, step, NEVER);
    if (before.isReachable && this.#context.journalRules && step <= this.#heldFrom) return false;
    const isPair = kind === LEAF && written === LEAF;
    const mayReplace = !isPair || isOpen || this.#mayReplace(oldLo, oldHi, lo, hi);
    if (
      mayReplace &&
      !(isPair && !isOpen && this.#isStalePair()) &&
      this.#isFine(before, kind, oldLo, oldHi, page, false, isOpen) &&
      this.#isFine(after, written, lo, hi, page, state.isCurrent, isOpen)
    )
      return true;
    if (isOpen || !mayReplace || !this.#mayTell(before, after)) return false;
    if (isPair) this.#tellStale(oldLo, oldHi, lo, hi, page, index, step);
    this.#tell(before, kind, oldLo, oldHi, page, index, 0, step);
    this.#tell(after, written, lo, hi, page, index, step, NEVER);
    return true;
  }

  /**
   * True iff nothing is wrong with the leaf `lo`, `hi` that an entry held before the script, until it is overwritten at `step`.
   * Pre: the entry gets no other leaf.
   */
  acceptsBefore(index: number, page: number, lo: number, hi: number, step: number, isOpen: boolean): boolean {
    if (isOpen && this.#rules.isSettled) return true;
    const before = this.#before;
    const readableUntil = this.#readableUntil(index, step);
    this.#context.lingering.note(step, readableUntil, this.#heldFrom, this.#state.lingers);
    this.#set(before, 0, readableUntil);
    if (before.isReachable && this.#context.journalRules && step <= this.#heldFrom) return false;
    return this.#isFine(before, LEAF, lo, hi, page, false, isOpen);
  }

  #set(lifetime: Lifetime, begin: number, until: number): void {
    const end = Math.min(until, this.#freedAt);
    lifetime.set(this.#coverage, this.#state, begin, end, this.#context.capability.cachesNotPresent);
  }

  /** Position until which what is overwritten at a step can be read. */
  #readableUntil(index: number, step: number): number {
    if (step < this.#lingersFrom || step >= this.#lingersUntil) {
      this.#lingersFrom = step;
      this.#lingersUntil = this.#context.versions.lingersUntil(this.#state.log!, index, step);
    }
    return this.#lingersUntil;
  }

  /** True iff two leaves may be known of one entry. */
  #mayReplace(oldLo: number, oldHi: number, lo: number, hi: number): boolean {
    const { decoder, capability } = this.#context;
    const { frame, rights } = capability.swapInPlace;
    return frame && rights && decoder.attributes(oldLo, oldHi) === decoder.attributes(lo, hi);
  }

  /** True iff one of two leaves outlives the call although the final tables do not hold it. */
  #isStalePair(): boolean {
    const [before, after] = [this.#before, this.#after];
    const isStale = before.isReachable && before.leafUntil === NEVER;
    return isStale || (!this.#state.isCurrent && after.isReachable && after.leafUntil === NEVER);
  }

  /** True iff all that is to be known of the versions are their first position and their last. */
  #mayTell(before: Lifetime, after: Lifetime): boolean {
    const { log, capability } = this.#context;
    if (log.windows.length > 0) return false;
    const outlives = (version: Lifetime): boolean => version.isReachable && version.leafUntil > this.#freedAt;
    return !capability.hardwareDirty || !(outlives(before) || outlives(after));
  }

  /** Tells of leaves that outlive the call, unless the final tables hold another that says the same. Pre: both are leaves. */
  #tellStale(
    oldLo: number,
    oldHi: number,
    lo: number,
    hi: number,
    page: number,
    index: number,
    step: number,
  ): void {
    const [before, after] = [this.#before, this.#after];
    const { isCurrent } = this.#state;
    const old = this.#leafRights(oldLo, oldHi);
    const rights = this.#leafRights(lo, hi);
    const agrees =
      isCurrent &&
      after.isReachable &&
      rights !== 0 &&
      rights === old &&
      this.#context.decoder.frame(lo, hi) === this.#context.decoder.frame(oldLo, oldHi);
    if (before.isReachable && old !== 0 && before.leafUntil === NEVER && !agrees)
      this.#rules.stale(this.#fact(before, oldLo, oldHi, page, index, 0, step));
    if (after.isReachable && rights !== 0 && after.leafUntil === NEVER && !isCurrent)
      this.#rules.stale(this.#fact(after, lo, hi, page, index, step, NEVER));
  }

  /** Tells what a version lets devices know, in place of the facts. Pre: nothing is held back. */
  #tell(
    lifetime: Lifetime,
    kind: EntryKind,
    lo: number,
    hi: number,
    page: number,
    index: number,
    step: number,
    until: number,
  ): void {
    if (!lifetime.isReachable) return;
    const fact = this.#fact(lifetime, lo, hi, page, index, step, until);
    if (kind === LEAF && fact.rights !== 0) this.#rules.leaf(fact);
    else {
      fact.alive[1] = lifetime.isLastingAbsence ? NEVER : fact.alive[0] + 1;
      this.#rules.fault(fact);
    }
  }

  #fact(
    lifetime: Lifetime,
    lo: number,
    hi: number,
    page: number,
    index: number,
    step: number,
    until: number,
  ): PageFact {
    const state = this.#state;
    const { decoder } = this.#context;
    const fact = this.#pageFact;
    fact.start = fact.at = page;
    fact.end = page + 1;
    fact.frame = decoder.frame(lo, hi);
    fact.rights = this.#leafRights(lo, hi);
    fact.attributes = decoder.attributes(lo, hi);
    fact.freedAt = this.#freedAt;
    fact.alive[0] = lifetime.first;
    fact.alive[1] = lifetime.leafUntil;
    fact.drained = lifetime.drained;
    fact.isCurrent = state.isCurrent && until === NEVER;
    fact.above = state.stored;
    fact.table = state.table;
    fact.index = index;
    fact.step = step;
    fact.until = until;
    return fact;
  }

  #leafRights(lo: number, hi: number): number {
    const { decoder, capability } = this.#context;
    const own = decoder.rights(lo, hi);
    return capability.rightsAnded ? own & this.#state.rights : own;
  }

  /** True iff one version breaks no rule. */
  #isFine(
    lifetime: Lifetime,
    kind: EntryKind,
    lo: number,
    hi: number,
    page: number,
    isCurrent: boolean,
    isOpen: boolean,
  ): boolean {
    if (!lifetime.isReachable) return true;
    const { decoder, capability } = this.#context;
    const rights = this.#leafRights(lo, hi);
    if (kind !== LEAF || rights === 0) return this.#rules.isFineFault(page, lifetime.isLastingAbsence);
    const frame = decoder.frame(lo, hi);
    // A write through it may set a bit in a page that is used for something else.
    if (capability.hardwareDirty && lifetime.leafUntil > this.#freedAt) return false;
    if (!this.#rules.isFineLeaf(page, frame, rights, lifetime.leafUntil === NEVER, lifetime.drained))
      return false;
    if (!isOpen) return true;
    if (!isCurrent && lifetime.leafUntil === NEVER) return false;
    this.#rules.hold(decoder.attributes(lo, hi));
    if (this.#rules.hasSubtrees) this.#rules.compare(page, frame, rights, lifetime.spans());
    return true;
  }
}
