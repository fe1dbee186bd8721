import { ABSENT, LEAF, MALFORMED, TABLE } from "../entries/entry-kind.ts";
import type { Version } from "../entries/versions.ts";
import { NEVER } from "../script/positions.ts";
import type { Coverage } from "./coverage.ts";
import { aliveUntil, type FactSink, type Spans } from "./facts.ts";
import { firstLoading, type HeldTable, heldBehind, holdAlso } from "./held-table.ts";
import { LinkedLives } from "./linked-lives.ts";
import { Reach } from "./reach.ts";
import type { ReachContext } from "./reach-context.ts";
import type { RootVersion } from "./roots.ts";
import type { Place, Slot } from "./slot.ts";
import { SubtreeAttributes } from "./subtree-attributes.ts";
import { freedAt, leadsToTable } from "./told-before.ts";
import type { LoadedFault } from "./told-entries.ts";

const WRITE = 2;
const NONE: HeldTable[] = [];
/** An origin that is the same for all pages. */
const ALL = { at: 0, span: Infinity } as const;

/** Turns the versions of an entry into facts, and into the tables a walk may hold next. */
export class EntryFacts {
  readonly #context: ReachContext;
  readonly #sink: FactSink;
  /** When the first and the later versions of an entry can be loaded; the next entry's are often the same. */
  readonly #reaches = [new Reach(), new Reach()] as const;
  /** When the version at hand can be. */
  #reach: Reach = this.#reaches[0];
  #until = 0;
  /** What the entry at hand leads to, and the stops up to which it lingers, once there is a link. */
  #lives: LinkedLives | null = null;
  #lingers: readonly number[] | null = null;
  /** When walks may hold a child table: filled in for each. */
  readonly #held = new Reach();
  readonly #attributes: SubtreeAttributes;
  /** The tag under which caches keep what is told; -1 below a context entry that stays cached though another is in force. */
  tag = -1;
  /** The context entry that walks begin with. */
  root: RootVersion | null = null;
  /** The absences that were told last; null where something else was told than them and links. */
  faults: LoadedFault[] | null = [];

  constructor(context: ReachContext, sink: FactSink) {
    this.#context = context;
    this.#sink = sink;
    this.#attributes = new SubtreeAttributes(context);
  }

  /** Reports what a walk can learn from these entries; returns the child tables it can go on to. */
  emit(slot: Slot, history: readonly Version[]): readonly HeldTable[] {
    const { state } = slot;
    const { lingering } = this.#context;
    const since = state.from;
    this.faults = [];
    this.#lives = null;
    this.#lingers = null;
    const [only] = history;
    if (history.length === 1 && only!.kind === TABLE && only!.step === 0 && only!.until === NEVER) {
      const child = this.eternalChild(slot, only!.lo, only!.hi);
      if (child !== null) return firstLoading(state, slot.coverage, 0, NEVER) < 0 ? NONE : [child];
    }
    for (let k = 0; k < history.length; k++) {
      const version = history[k]!;
      const reach = this.#reaches[k === 0 ? 0 : 1];
      this.#reach = reach;
      const until = Math.min(version.readableUntil, state.log?.freedAt ?? NEVER);
      if (!reach.set(slot.coverage, state, version.step, until)) continue;
      this.#until = until;
      lingering.note(version.until, version.readableUntil, since, state.lingers);
      const first = reach.first;
      if (this.#context.journalRules && version.until <= state.linkedSince)
        this.#bad(slot, version, "unpublished", first);
      else if (version.isTorn) {
        this.#bad(slot, version, "torn", first);
        // Where a window means it, or no map has a page, it is an absence as any other.
        if (version.kind === ABSENT) this.#faults(slot, version);
      } else if (version.kind === MALFORMED) this.#bad(slot, version, "malformed", first);
      else if (version.kind === LEAF && this.#rights(slot, version) !== 0) this.#leaves(slot, version);
      else if (version.kind === TABLE) this.#link(slot, version, history);
      else this.#faults(slot, version);
      if (version.isPlainChange && this.#isHeldAt(slot, version.step - 1))
        this.#bad(slot, version, "plain", version.step);
    }
    return this.#led;
  }

  /** The tables that the entry at hand leads to. */
  get #led(): readonly HeldTable[] {
    return this.#lives?.children ?? NONE;
  }

  /**
   * What an entry leads to that is a table pointer throughout: whoever holds its table may hold that one as long. Null where the table is
   * given back, or the entry leads to no table, or without rights.
   */
  eternalChild(place: Place, lo: number, hi: number): HeldTable | null {
    const { state } = place;
    const { decoder, capability, log, tables } = this.#context;
    if ((state.log?.freedAt ?? NEVER) !== NEVER) return null;
    const own = decoder.rights(lo, hi);
    const rights = capability.rightsAnded ? own & state.rights : own;
    if (rights === 0) return null;
    const table = decoder.frame(lo, hi);
    const child = log.logAt(table, 0);
    if (!child?.isWritten && !tables.isTable(table as never)) return null;
    const { begun, from, bound, later, isCurrent, isPristine, lingers, stored } = state;
    const { linkedSince, isBack } = this.#context.places.hanging(this.root!, place, table, child, 0, false);
    const [step, until] = [0, NEVER];
    return {
      table,
      log: child,
      rights,
      begun,
      from,
      bound,
      later,
      linkedSince,
      isBack,
      isCurrent,
      isPristine,
      step,
      until,
      lingers,
      stored,
    };
  }

  /** True iff some walk or cache may hold the table at a position. */
  #isHeldAt({ state, coverage }: Slot, position: number): boolean {
    if (position < state.from || position >= (state.log?.freedAt ?? NEVER)) return false;
    return firstLoading(state, coverage, position, position + 1) >= 0;
  }

  /** Reports leaves: piece by piece where a range of interest or the end of what was invalidated cuts them. */
  #leaves(slot: Slot, version: Version): void {
    this.faults = null;
    const { ranges, start, span, count, coverage } = slot;
    const end = start + span * count;
    const inner = this.#reach.cachedInside();
    for (let r = slot.from; r < slot.to; r++) {
      let from = Math.max(start, ranges.starts[r]!);
      const to = Math.min(end, ranges.ends[r]!);
      while (from < to) {
        const leafStart = start + Math.floor((from - start) / span) * span;
        const isInside = leafStart >= coverage.start && leafStart + span <= coverage.end;
        const whole = Math.floor((Math.min(end, coverage.end) - leafStart) / span) * span;
        const pieceEnd = Math.min(to, leafStart + (isInside ? whole : span));
        const [at, behind] = isInside ? [coverage.start, coverage.end] : [leafStart, leafStart + span];
        const alive = isInside ? inner : this.#reach.cached(at, behind);
        const isInIotlb = this.#isInIotlb(this.#reach, alive, at, behind);
        this.#leaf(slot, version, from, pieceEnd, alive, isInIotlb);
        from = pieceEnd;
      }
    }
  }

  /** True iff the IOTLB keeps a leaf that outlives the call. */
  #isInIotlb(reach: Reach, alive: Spans, start: number, end: number): boolean {
    return !this.#context.leavesTags || (aliveUntil(alive) === NEVER && reach.isInIotlb(start, end));
  }

  #leaf(slot: Slot, version: Version, from: number, to: number, alive: Spans, isInIotlb: boolean): void {
    const { decoder, capability } = this.#context;
    const rights = this.#rights(slot, version);
    this.#sink.leaf({
      start: from,
      end: to,
      frame: decoder.frame(version.lo, version.hi) + from - slot.start,
      rights,
      setsDirty:
        capability.hardwareDirty && (rights & WRITE) !== 0 && !decoder.isDirty(version.lo, version.hi),
      freedAt: slot.state.log?.freedAt ?? NEVER,
      attributes: decoder.attributes(version.lo, version.hi),
      alive,
      isInIotlb,
      drained: slot.coverage.drained(alive[alive.length - 1]!),
      isCurrent: slot.state.isCurrent && version.isLast,
      above: slot.state.stored,
      table: slot.state.table,
      index: slot.index,
      level: slot.level,
      at: slot.start,
      span: slot.span,
      step: version.step,
      until: version.until,
    });
  }

  #rights(slot: Slot, version: Version): number {
    const own = this.#context.decoder.rights(version.lo, version.hi);
    return this.#context.capability.rightsAnded ? own & slot.state.rights : own;
  }

  /** Reports absent entries: what is not there is known only while it is loaded, except where absence is cached too. */
  #faults(slot: Slot, version: Version): void {
    const isCached = this.#context.capability.cachesNotPresent;
    const alive = isCached ? this.#reach.cachedAbsence() : this.#reach.loads();
    // How long an absence is cached follows from the invalidations of these pages alone.
    if (isCached) this.faults = null;
    else this.faults?.push({ version, alive });
    this.fault(slot, { version, alive });
  }

  /** Reports an absent entry. */
  fault(slot: Slot, { version, alive }: LoadedFault): void {
    const { ranges, start } = slot;
    const above = slot.state.stored;
    const end = start + slot.span * slot.count;
    for (let r = slot.from; r < slot.to; r++) {
      const from = Math.max(start, ranges.starts[r]!);
      const to = Math.min(end, ranges.ends[r]!);
      if (from < to) this.#sink.fault({ start: from, end: to, alive, above, ...origin(slot, version) });
    }
  }

  /** Adds the child table to those a walk may hold next, or finds that it is none. */
  #link(slot: Slot, version: Version, history: readonly Version[]): void {
    const { decoder, log, tables, lingering } = this.#context;
    const { state } = slot;
    const table = decoder.frame(version.lo, version.hi);
    const child = log.logAt(table, version.step);
    if (!child?.isWritten && !leadsToTable(tables, table, version.step)) {
      const wasFreed = tables.wasFreed?.(table as never) ?? false;
      const what = wasFreed ? "a table that was freed before" : "a page that holds no table";
      this.#bad(slot, version, "malformed", this.#reach.first, `it points to ${what}`);
      return;
    }
    const rights = this.#rights(slot, version);
    if (rights === 0) {
      this.#faults(slot, version);
      return;
    }
    const before = history[0]!;
    // With other rights above them the leaves below say something else than the old map does.
    const wasHere =
      version.step === 0 ||
      (before.step === 0 &&
        before.kind === TABLE &&
        decoder.frame(before.lo, before.hi) === table &&
        decoder.rights(before.lo, before.hi) === decoder.rights(version.lo, version.hi));
    const isShared =
      !wasHere &&
      !child?.isWritten &&
      this.#context.places.stoodBefore(table, child, slot.level - 1, slot.start);
    const isPristine = (state.isPristine && wasHere) || isShared;
    const isCurrent = state.isCurrent && version.isLast;
    this.#lives ??= new LinkedLives(history, decoder, log);
    this.#lingers ??= lingering.below(state.lingers, history);
    const lives = this.#lives;
    const first = lives.firstLink(table, child, version.step);
    const isAgain = first > 0 && lives.isBack(table, child, first);
    const { places } = this.#context;
    const { linkedSince, isBack } = places.hanging(this.root!, slot, table, child, first, isAgain);
    const same = lives.held(table, child, rights, linkedSince);
    const entry = { table: state.table, first: slot.index, count: slot.count, step: version.step };
    const until = this.#until;
    if (same === undefined)
      lives.add({
        table,
        log: child,
        rights,
        ...heldBehind(state, version.step, until)!,
        linkedSince,
        isBack,
        isCurrent,
        isPristine,
        step: version.step,
        until: version.until,
        lingers: this.#lingers,
        stored: version.step === 0 ? state.stored : [...state.stored, entry],
      });
    else holdAlso(same, state, version.step, until);
    if (isCurrent) lives.makeCurrent(table, child, rights);
  }

  #standsAtLast({ table, log, rights }: HeldTable, level: number, page: number): boolean {
    return this.#context.places.standsAtLast(this.tag, table, log, level, page, rights);
  }

  /** Reports the pointer to a child table as something walks and caches hold. */
  pointer(slot: Slot, child: HeldTable): void {
    const { ranges, start, span, state } = slot;
    for (let r = slot.from; r < slot.to; r++) {
      const from = Math.max(start, ranges.starts[r]!);
      const to = Math.min(start + span, ranges.ends[r]!);
      if (from < to) this.pointerTo(child, from, to, state.table, slot.index, slot.level, slot.coverage);
    }
  }

  pointerTo(
    child: HeldTable,
    start: number,
    end: number,
    table: number,
    index: number,
    level: number,
    coverage: Coverage,
  ): void {
    const { isCurrent, step, until } = child;
    const given = freedAt(this.#context.tables, child);
    if (given === NEVER && (isCurrent || this.#standsAtLast(child, level - 1, start))) return;
    this.#held.set(coverage, child, 0, NEVER);
    const alive = this.#held.loads();
    this.#sink.pointer({
      start,
      end,
      child: child.table,
      freedAt: given,
      alive,
      isCurrent,
      table,
      index,
      level,
      ...ALL,
      step,
      until,
    });
  }

  /** Reports a whole untouched subtree below these entries. */
  subtree(slot: Slot, child: HeldTable): void {
    const { ranges, start, span, coverage } = slot;
    const held = this.#held;
    held.set(coverage, child, 0, NEVER);
    const alive = held.cachedInside();
    const absent = this.#context.capability.cachesNotPresent ? held.cachedAbsence() : held.loads();
    const drained = coverage.drained(alive[alive.length - 1]!);
    const isInIotlb = this.#isInIotlb(held, alive, coverage.start, coverage.end);
    // Each leaf that is compared with it asks.
    let known: number | null | undefined;
    const hasAttributes = (attributes: number): boolean => {
      if (known === undefined) known = this.#attributes.of(child.table, slot.level - 1);
      return known === null || known === attributes;
    };
    const where = {
      table: child.table,
      index: 0,
      level: slot.level - 1,
      ...ALL,
      step: child.step,
      until: child.until,
      above: child.stored,
    };
    for (let r = slot.from; r < slot.to; r++) {
      const from = Math.max(start, ranges.starts[r]!);
      const to = Math.min(start + span, ranges.ends[r]!);
      if (from < to)
        this.#sink.subtree({
          absent,
          hasAttributes,
          start: from,
          end: to,
          alive,
          isInIotlb,
          drained,
          isCurrent: child.isCurrent,
          ...where,
        });
    }
  }

  #bad(
    slot: Slot,
    version: Version,
    what: "malformed" | "torn" | "unpublished" | "plain",
    from: number,
    reason = this.#context.decoder.fault(slot.level, version.lo, version.hi),
  ): void {
    this.faults = null;
    const { ranges, start } = slot;
    const slotEnd = start + slot.span * slot.count;
    const absentAt = what === "torn" && version.kind === ABSENT ? this.#reach.loads() : null;
    for (let r = slot.from; r < slot.to; r++) {
      const first = Math.max(start, ranges.starts[r]!);
      const end = Math.min(slotEnd, ranges.ends[r]!);
      if (first < end)
        this.#sink.badEntry({ start: first, end, what, from, reason, absentAt, ...origin(slot, version) });
    }
  }
}

const origin = ({ state, index, level, start, span }: Slot, { step, until }: Version) => ({
  table: state.table,
  index,
  level,
  at: start,
  span,
  step,
  until,
});
