import type { FaultFact, LeafFact, Spans, SubtreeFact } from "./facts.ts";
import { aliveUntil, type BadEntryFact, type FactSink, type PointerFact } from "./facts.ts";
import { type JointMap, NOTHING } from "./joint-map.ts";
import { type Relapse, relapses, type View } from "./relapse.ts";
import type { RootVersion } from "./roots.ts";
import type { StoredEntries } from "./stored-entries.ts";

type AnswerFact = LeafFact | FaultFact | SubtreeFact;

/**
 * Watches for devices that see the new map on one page and afterwards the old map on another (V11).
 *
 * A device reads its context when an access begins, and once it has read a new one it does not go back: its context cache
 * holds one entry. Within one tag whatever is cached may be used; a device's own translations (ATC) carry no tag at all.
 */
export class WholeMapSink implements FactSink {
  readonly #inner: FactSink;
  readonly #maps: JointMap;
  readonly #hasAtc: boolean;
  readonly #keepsAbsence: boolean;
  /** By tag, in the order in which the tags are used. */
  readonly #views = new Map<number, View>();
  #view!: View;
  /** Facts of an entry that changes are told again when its leaves matter: those of the last telling count. */
  #held: (() => void)[] | null = null;

  /** `keepsAbsence`: caches keep that there is no translation, too. */
  constructor(inner: FactSink, maps: JointMap, hasAtc: boolean, keepsAbsence: boolean) {
    this.#inner = inner;
    this.#maps = maps;
    this.#hasAtc = hasAtc;
    this.#keepsAbsence = keepsAbsence;
  }

  /** The facts to come belong to the tag that these context entries share. */
  enter(roots: readonly RootVersion[]): void {
    const { tag } = roots[0]!;
    let view = this.#views.get(tag);
    if (view === undefined) {
      const beginsUntil = Math.max(...roots.map((root) => root.beginsUntil));
      this.#views.set(tag, (view = { beginsUntil, news: [], olds: [] }));
    }
    this.#view = view;
  }

  leaf(fact: LeafFact): void {
    this.#inner.leaf(fact);
    this.#each(fact.start, fact.end, (piece, start, end) => {
      const frame = fact.frame + start - fact.start;
      const entries = entriesOf(fact, start, end);
      this.#compare(piece, start, end, frame, fact.rights, fact.alive, true, entries, fact);
    });
  }
  fault(fact: FaultFact): void {
    this.#inner.fault(fact);
    this.#each(fact.start, fact.end, (piece, start, end) => {
      const entries = entriesOf(fact, start, end);
      this.#compare(piece, start, end, NOTHING, 0, fact.alive, this.#keepsAbsence, entries, fact);
    });
  }
  subtree(fact: SubtreeFact): void {
    this.#inner.subtree(fact);
    const maps = this.#maps;
    this.#each(fact.start, fact.end, (piece, start, end) => {
      const frame = maps.oldFrame(piece, start);
      const isAbsent = frame === NOTHING;
      const spans = isAbsent ? fact.absent : fact.alive;
      const isKept = !isAbsent || this.#keepsAbsence;
      this.#compare(piece, start, end, frame, maps.oldRights[piece]!, spans, isKept, null, fact);
    });
  }
  pointer(fact: PointerFact): void {
    this.#inner.pointer(fact);
  }
  badEntry(fact: BadEntryFact): void {
    this.#inner.badEntry(fact);
  }
  open(): void {
    this.#inner.open();
    this.#held = [];
  }
  close(): boolean {
    const isSettled = this.#inner.close();
    if (isSettled) for (const tell of this.#held ?? []) tell();
    this.#held = null;
    return isSettled;
  }

  /** What breaks the promise: none where a device that has seen the new map sees nothing else any more. */
  relapses(): Relapse[] {
    return relapses([...this.#views.values()], this.#hasAtc);
  }

  #each(start: number, end: number, visit: (piece: number, start: number, end: number) => void): void {
    const maps = this.#maps;
    for (let piece = maps.find(start); start < end; piece++) {
      const to = Math.min(end, maps.end(piece));
      if (maps.isChanged(piece)) visit(piece, start, to);
      start = to;
    }
  }

  /** Notes down which of the two maps alone gives this answer, for reads and for writes. */
  #compare(
    piece: number,
    start: number,
    end: number,
    frame: number,
    rights: number,
    spans: Spans,
    isKept: boolean,
    entries: StoredEntries | null,
    fact: AnswerFact,
  ): void {
    if (spans.length === 0) return;
    const maps = this.#maps;
    const view = this.#view;
    for (const access of [1, 2]) {
      const met = rights & access ? frame : NOTHING;
      const only = maps.onlyIn(piece, start, access, met);
      if (only === null) continue;
      const list = only === "new" ? view.news : view.olds;
      const [from, until] = [spans[0]!, aliveUntil(spans)];
      const isKeptByDevice = met !== NOTHING;
      const when = { from, until, isKept, isKeptByDevice };
      const tell = (): void =>
        void list.push({ start, end, ...when, origin: fact, entries, above: fact.above });
      if (this.#held === null) tell();
      else this.#held.push(tell);
    }
  }
}

/** The entries that a fact reads some of its pages from. */
function entriesOf({ table, index, at, span, step }: AnswerFact, start: number, end: number): StoredEntries {
  const first = index + Math.floor((start - at) / span);
  return { table, first, count: index + Math.floor((end - 1 - at) / span) + 1 - first, step };
}
