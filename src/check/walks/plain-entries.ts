import { ABSENT, LEAF } from "../entries/entry-kind.ts";
import { EXCHANGED, type SingleWrites } from "../entries/single-writes.ts";
import type { PlainRules } from "../rules/plain-rules.ts";
import { NEVER } from "../script/positions.ts";
import { LIVE, PLAIN } from "../script/table-log.ts";
import { ChangedEntries } from "./changed-entries.ts";
import type { Coverage } from "./coverage.ts";
import { EntryVersion } from "./entry-version.ts";
import type { HeldTable } from "./held-table.ts";
import { PageTeller } from "./page-teller.ts";
import type { ReachContext } from "./reach-context.ts";

/** Where the rights of tables do not count. */
const ALL_RIGHTS = 3;

/**
 * Decides entries of the lowest tables without an object for what walks can learn from them: those that break no rule whatever
 * else is known (the old leaf until it is overwritten and dropped in time, the new one from then on), and those written once
 * that do. Says nothing of all others; they are told fact by fact.
 */
export class PlainEntries {
  readonly #context: ReachContext;
  readonly #rules: PlainRules;
  /** Of the value before the script, and of the one that is written. */
  readonly #before = new EntryVersion();
  readonly #after = new EntryVersion();
  readonly #teller: PageTeller;
  readonly #changed: ChangedEntries;
  #coverage!: Coverage;
  #state!: HeldTable;
  #writes: SingleWrites | null = null;
  #freedAt = NEVER;
  #rightsAbove = ALL_RIGHTS;
  /** First position at which some walk may hold the table. */
  #heldFrom = NEVER;
  /** What is overwritten at steps [from, until) can be read until `until`. */
  #lingersFrom = 1;
  #lingersUntil = 0;

  constructor(context: ReachContext, rules: PlainRules) {
    this.#context = context;
    this.#rules = rules;
    this.#teller = new PageTeller(context.decoder, rules);
    this.#changed = new ChangedEntries(context, rules);
  }

  /** The entries to come are those of a held table; false where none of them can be accepted. */
  enter(state: HeldTable, coverage: Coverage, writes: SingleWrites | null, isOpen: boolean): boolean {
    this.#coverage = coverage;
    this.#writes = writes;
    if (isOpen && (!this.#rules.mayHold || this.#rules.watch !== null)) return false;
    if (state === this.#state) return true;
    const { log } = state;
    this.#state = state;
    this.#teller.enter(state);
    this.#freedAt = log?.freedAt ?? NEVER;
    this.#rightsAbove = this.#context.capability.rightsAnded ? state.rights : ALL_RIGHTS;
    this.#heldFrom = state.from;
    this.#changed.enter(state);
    return true;
  }

  /**
   * True iff the entry, which held `oldLo`, `oldHi` before the script and translates `page`, is decided: nothing is wrong with
   * it, or, where it `mayTell`, what is has been told.
   */
  accepts(
    index: number,
    page: number,
    oldLo: number,
    oldHi: number,
    isOpen: boolean,
    mayTell = !isOpen,
  ): boolean {
    const writes = this.#writes;
    const k = writes === null ? -1 : writes.write[index]!;
    if (k >= 0 && !writes!.isAlone(index)) return false;
    if (k >= 0 && !isOpen && this.#changed.accepts(this.#coverage, writes!, index, page, oldLo, oldHi))
      return true;
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
    if (k < 0 || (!this.#isNew && !decoder.differ(oldLo, oldHi, lo, hi))) {
      before.set(decoder, kind, oldLo, oldHi, this.#rightsAbove, 0, NEVER);
      this.#setLife(before, NEVER);
      if (this.#isFine(before, page, state.isCurrent, isOpen)) {
        this.#show(before, state.isCurrent, page, index);
        return true;
      }
      if (!mayTell || !this.#mayTell(before, before)) return false;
      this.#teller.tell(before, state.isCurrent, page, index);
      return true;
    }
    const written = decoder.kind(0, lo, hi);
    if (written !== ABSENT && written !== LEAF) return false;
    const step = state.log!.step(k);
    if (how === PLAIN && (kind !== ABSENT || step > this.#heldFrom)) return false;
    const after = this.#after;
    before.set(decoder, kind, oldLo, oldHi, this.#rightsAbove, 0, step);
    after.set(decoder, written, lo, hi, this.#rightsAbove, step, NEVER);
    if (!this.#setOverwritten(before, index, step)) return false;
    this.#setLife(after, NEVER);
    const isPair = kind === LEAF && written === LEAF;
    const mayReplace = !isPair || isOpen || this.#mayReplace();
    if (
      mayReplace &&
      !(isPair && !isOpen && this.#isStalePair()) &&
      this.#isFine(before, page, false, isOpen) &&
      this.#isFine(after, page, state.isCurrent, isOpen)
    ) {
      this.#show(before, false, page, index);
      this.#show(after, state.isCurrent, page, index);
      return true;
    }
    if (!mayTell || !mayReplace || !this.#mayTell(before, after)) return false;
    if (isPair) this.#teller.tellStale(before, after, state.isCurrent, page, index);
    this.#teller.tell(before, false, page, index);
    this.#teller.tell(after, state.isCurrent, page, index);
    return true;
  }

  /**
   * True iff nothing is wrong with the leaf `lo`, `hi` that an entry held before the script, until it is overwritten at `step`.
   * Pre: the entry gets no other leaf.
   */
  acceptsBefore(index: number, page: number, lo: number, hi: number, step: number, isOpen: boolean): boolean {
    if (this.#rules.watch !== null) return false;
    if (isOpen && this.#rules.isSettled) return true;
    const before = this.#before;
    before.set(this.#context.decoder, LEAF, lo, hi, this.#rightsAbove, 0, step);
    return this.#setOverwritten(before, index, step) && this.#isFine(before, page, false, isOpen);
  }

  /** True iff the page becomes a table in the script. */
  get #isNew(): boolean {
    const { log, table } = this.#state;
    return log !== null && (log.life > 0 || !this.#context.tables.isTable(table as never));
  }

  /** What was there until it is overwritten at `step`; false where it is read although the table was linked later. */
  #setOverwritten(before: EntryVersion, index: number, step: number): boolean {
    const readableUntil = this.#readableUntil(index, step);
    this.#context.lingering.note(step, readableUntil, this.#heldFrom, this.#state.lingers);
    this.#setLife(before, readableUntil);
    return !(before.life.isReachable && this.#context.journalRules && step <= this.#state.linkedSince);
  }

  /** Lets who watches see an accepted version. */
  #show(version: EntryVersion, isCurrent: boolean, page: number, index: number): void {
    const { watch } = this.#rules;
    if (watch !== null && version.life.isReachable) this.#teller.show(watch, version, isCurrent, page, index);
  }

  #setLife({ life, step }: EntryVersion, until: number): void {
    const end = Math.min(until, this.#freedAt);
    life.set(this.#coverage, this.#state, step, end, this.#context.capability.cachesNotPresent);
  }

  /** Position until which what is overwritten at a step can be read. */
  #readableUntil(index: number, step: number): number {
    const log = this.#state.log!;
    // A clean pushes out some entries, a barrier all.
    if (log.cleans.length > 0) return this.#context.versions.lingersUntil(log, index, step);
    if (step < this.#lingersFrom || step >= this.#lingersUntil) {
      this.#lingersFrom = step;
      this.#lingersUntil = this.#context.versions.lingersUntil(log, index, step);
    }
    return this.#lingersUntil;
  }

  /** True iff both leaves may be known of the entry at once. */
  #mayReplace(): boolean {
    const { decoder, capability } = this.#context;
    const { frame, rights } = capability.swapInPlace;
    const [before, after] = [this.#before, this.#after];
    return (
      frame && rights && decoder.attributes(before.lo, before.hi) === decoder.attributes(after.lo, after.hi)
    );
  }

  /** True iff one of two leaves outlives the call although the final tables do not hold it. */
  #isStalePair(): boolean {
    const [before, after] = [this.#before.life, this.#after.life];
    const isStale = before.isReachable && before.leafUntil === NEVER;
    return isStale || (!this.#state.isCurrent && after.isReachable && after.leafUntil === NEVER);
  }

  /** True iff all that is to be known of the versions are their first position and their last. */
  #mayTell(before: EntryVersion, after: EntryVersion): boolean {
    const { log, capability } = this.#context;
    if (log.windows.length > 0 || this.#context.leavesTags || this.#rules.watch !== null) return false;
    const outlives = ({ life }: EntryVersion): boolean => life.isReachable && life.leafUntil > this.#freedAt;
    return !capability.hardwareDirty || !(outlives(before) || outlives(after));
  }

  /** True iff one version breaks no rule. */
  #isFine(
    { life, lo, hi, frame, rights }: EntryVersion,
    page: number,
    isCurrent: boolean,
    isOpen: boolean,
  ): boolean {
    if (!life.isReachable) return true;
    if (rights === 0)
      return this.#rules.watch === null && this.#rules.isFineFault(page, life.isLastingAbsence);
    const { decoder, capability } = this.#context;
    // A write through it may set a bit in a page that is used for something else.
    if (capability.hardwareDirty && life.leafUntil > this.#freedAt) return false;
    if (!this.#rules.isFineLeaf(page, frame, rights, life.leafUntil === NEVER, life.drained)) return false;
    if (!isCurrent && life.leafUntil === NEVER) return false;
    if (!isOpen) return true;
    const attributes = decoder.attributes(lo, hi);
    this.#rules.hold(attributes);
    if (this.#rules.hasSubtrees) this.#rules.compare(page, frame, rights, attributes, life.spans());
    return true;
  }
}
