import { ABSENT, LEAF } from "../entries/entry-kind.ts";
import { EXCHANGED, type SingleWrites } from "../entries/single-writes.ts";
import type { PlainRules } from "../rules/plain-rules.ts";
import { NEVER } from "../script/positions.ts";
import { PLAIN } from "../script/table-log.ts";
import type { Coverage } from "./coverage.ts";
import { type HeldTable, isEver } from "./held-table.ts";
import type { ReachContext } from "./reach-context.ts";

/** Where the rights of tables do not count. */
const ALL_RIGHTS = 3;
/** Behind so many entries of which nothing could be said only one of as many is asked for: then the script does something else throughout. */
const MANY_REFUSED = 16;

/**
 * Decides what drivers do most: an entry is written once, and says what the old map says up to there and what the new one says from
 * there on. In a table that walks of any time may hold the old leaf goes with the first invalidation behind the store that drops it,
 * and nothing else has to be known of the page: what is right in weak memory order is so in strong order too.
 */
export class ChangedEntries {
  readonly #context: ReachContext;
  readonly #rules: PlainRules;
  readonly #swaps: boolean;
  /** The table, where walks of any time may hold it. */
  #state: HeldTable | null = null;
  #above = ALL_RIGHTS;
  /** Entries in a row of which nothing could be said. */
  #refused = 0;

  constructor(context: ReachContext, rules: PlainRules) {
    const { frame, rights } = context.capability.swapInPlace;
    this.#context = context;
    this.#rules = rules;
    this.#swaps = frame && rights;
  }

  /** The entries to come are those of a held table of the lowest level. */
  enter(state: HeldTable): void {
    const { log } = state;
    this.#state = isEver(state) && log !== null && log.freedAt === NEVER ? state : null;
    this.#above = this.#context.capability.rightsAnded ? state.rights : ALL_RIGHTS;
  }

  /**
   * True iff that is what happens to the entry of a page, which held `oldLo`, `oldHi` before the script, and nothing is wrong with it; false
   * says nothing. Pre: the entry is written and shares its history with no other; no facts are held back.
   */
  accepts(
    coverage: Coverage,
    writes: SingleWrites,
    index: number,
    page: number,
    oldLo: number,
    oldHi: number,
  ): boolean {
    if (this.#refused >= MANY_REFUSED && this.#refused++ % MANY_REFUSED !== 0) return false;
    const isFine = this.#isFine(coverage, writes, index, page, oldLo, oldHi);
    if (isFine) this.#refused = 0;
    else if (this.#refused < MANY_REFUSED) this.#refused++;
    return isFine;
  }

  #isFine(
    coverage: Coverage,
    writes: SingleWrites,
    index: number,
    page: number,
    oldLo: number,
    oldHi: number,
  ): boolean {
    const state = this.#state;
    if (state === null || !state.isCurrent || this.#rules.watch !== null) return false;
    const { decoder, capability, versions } = this.#context;
    const how = writes.how[index]!;
    if (how === PLAIN || (how === EXCHANGED && !writes.meets(index, oldLo, oldHi, decoder))) return false;
    const lo = writes.lo[index]!;
    const hi = writes.hi[index]!;
    const kind = decoder.kind(0, lo, hi);
    const oldKind = decoder.kind(0, oldLo, oldHi);
    const isPair = kind === LEAF && oldKind === LEAF;
    if (isPair && !(this.#swaps && decoder.attributes(oldLo, oldHi) === decoder.attributes(lo, hi)))
      return false;
    if (!isPair && !(oldKind === LEAF && kind === ABSENT)) {
      // An absence that is cached has an end of its own.
      if (oldKind !== ABSENT || kind !== LEAF || capability.cachesNotPresent) return false;
    }
    const log = state.log!;
    const step = log.step(writes.write[index]!);
    const until = versions.lingersUntil(log, index, step);
    let drained = until;
    if (oldKind === LEAF) {
      const drop = coverage.leafDropBehind(until);
      if (coverage.deathBy(drop) === NEVER) return false;
      drained = coverage.drainedBy(drop);
    } else if (until === NEVER) return false;
    return this.#rules.isFineChange(
      page,
      decoder.frame(oldLo, oldHi),
      oldKind === LEAF ? decoder.rights(oldLo, oldHi) & this.#above : 0,
      decoder.frame(lo, hi),
      kind === LEAF ? decoder.rights(lo, hi) & this.#above : 0,
      drained,
    );
  }
}
