import type { Decoder } from "../entries/entry-kind.ts";
import type { LeafWatch, PlainRules } from "../rules/plain-rules.ts";
import { NEVER } from "../script/positions.ts";
import type { StoredEntries } from "../script/stored-entries.ts";
import type { EntryVersion } from "./entry-version.ts";
import type { FaultFact, LeafFact } from "./facts.ts";
import type { HeldTable } from "./held-table.ts";

/** What devices may come to know of one page, filled in again and again: for a judge that keeps nothing of it. */
export class PageFact implements LeafFact, FaultFact {
  start = 0;
  end = 0;
  frame = 0;
  rights = 0;
  attributes = 0;
  readonly setsDirty = false;
  freedAt = 0;
  /** From its first position to its last; what lies between is not told. */
  readonly alive: [number, number] = [0, 0];
  /** Nobody is told of pages where it may be otherwise. */
  readonly isInIotlb = true;
  drained = 0;
  isCurrent = false;
  above: readonly StoredEntries[] = [];
  table = 0;
  index = 0;
  readonly level = 0;
  at = 0;
  readonly span = 1;
  step = 0;
  until = 0;
}

/**
 * Tells what versions of one entry let devices know, in place of the facts of a whole history. Pre: nothing is held back, no
 * window is declared, no walk sets a dirty bit in a freed table, and no tag is left behind while devices have caches of their own.
 */
export class PageTeller {
  readonly #decoder: Decoder;
  readonly #rules: PlainRules;
  readonly #fact = new PageFact();

  constructor(decoder: Decoder, rules: PlainRules) {
    this.#decoder = decoder;
    this.#rules = rules;
  }

  /** The entries to come are those of a held table. */
  enter({ table, log, stored }: HeldTable): void {
    const fact = this.#fact;
    fact.table = table;
    fact.freedAt = log?.freedAt ?? NEVER;
    fact.above = stored;
  }

  /** A version of entry `index`, which translates `page`. */
  tell(version: EntryVersion, isCurrent: boolean, page: number, index: number): void {
    const { life, rights } = version;
    if (!life.isReachable) return;
    const fact = this.#filled(version, isCurrent, page, index);
    if (rights !== 0) this.#rules.leaf(fact);
    else {
      fact.alive[1] = life.isLastingAbsence ? NEVER : fact.alive[0] + 1;
      this.#rules.fault(fact);
    }
  }

  /** Shows a leaf to somebody. */
  show(watch: LeafWatch, version: EntryVersion, isCurrent: boolean, page: number, index: number): void {
    watch.seen(this.#filled(version, isCurrent, page, index));
  }

  /** Leaves of an entry that outlive the call, unless the final tables hold another that says the same. */
  tellStale(
    before: EntryVersion,
    after: EntryVersion,
    isCurrent: boolean,
    page: number,
    index: number,
  ): void {
    const agrees =
      isCurrent && after.isLeaf && after.rights === before.rights && after.frame === before.frame;
    if (before.isLeaf && before.life.leafUntil === NEVER && !agrees) this.#stale(before, page, index);
    if (after.isLeaf && after.life.leafUntil === NEVER && !isCurrent) this.#stale(after, page, index);
  }

  #stale(version: EntryVersion, page: number, index: number): void {
    if (!this.#rules.hidesStale(version.frame, version.life.drained))
      this.#rules.stale(this.#filled(version, false, page, index));
  }

  #filled(version: EntryVersion, isCurrent: boolean, page: number, index: number): PageFact {
    const { life, lo, hi } = version;
    const fact = this.#fact;
    fact.start = fact.at = page;
    fact.end = page + 1;
    fact.frame = version.frame;
    fact.rights = version.rights;
    fact.attributes = this.#decoder.attributes(lo, hi);
    fact.alive[0] = life.first;
    fact.alive[1] = life.leafUntil;
    fact.drained = life.drained;
    fact.isCurrent = isCurrent;
    fact.index = index;
    fact.step = version.step;
    fact.until = version.until;
    return fact;
  }
}
