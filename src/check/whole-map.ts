import type { FaultFact, LeafFact, Spans, SubtreeFact } from "./facts.ts";
import { aliveUntil, type BadEntryFact, type FactSink, type Origin, type PointerFact } from "./facts.ts";
import type { PageRange } from "./interest.ts";
import { type JointMap, NOTHING } from "./joint-map.ts";
import type { RootVersion } from "./roots.ts";

/** An answer that only one of the two maps gives, and until or from when a device can get it. */
interface Sight {
  readonly at: number;
  readonly page: number;
}

/** The old answer where the map changes, after a device has seen the new one. */
export interface Relapse {
  readonly ranges: readonly PageRange[];
  /** Where the new answer was seen first. */
  readonly seen: Sight;
  /** A page that still gives the old one, which entry says so, and the last position at which it does. */
  readonly old: Sight;
  readonly origin: Origin;
}

/** What one tag lets devices see. */
interface View {
  /** Accesses can begin with it before this position. */
  readonly beginsUntil: number;
  firstNew: Sight | null;
  readonly olds: Old[];
}

interface Old extends PageRange {
  /** Position at which the last device has lost it. */
  readonly until: number;
  /** A device may keep it in a cache of its own. */
  readonly isCached: boolean;
  readonly origin: Origin;
}

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
  /** By tag, in the order in which the tags are used. */
  readonly #views = new Map<number, View>();
  #view!: View;
  /** Facts of an entry that changes are told again when its leaves matter: those of the last telling count. */
  #held: (() => void)[] | null = null;

  constructor(inner: FactSink, maps: JointMap, hasAtc: boolean) {
    this.#inner = inner;
    this.#maps = maps;
    this.#hasAtc = hasAtc;
  }

  /** The facts to come belong to the tag that these context entries share. */
  enter(roots: readonly RootVersion[]): void {
    const { tag } = roots[0]!;
    let view = this.#views.get(tag);
    if (view === undefined) {
      const beginsUntil = Math.max(...roots.map((root) => root.beginsUntil));
      this.#views.set(tag, (view = { beginsUntil, firstNew: null, olds: [] }));
    }
    this.#view = view;
  }

  leaf(fact: LeafFact): void {
    this.#inner.leaf(fact);
    this.#each(fact.start, fact.end, (piece, start, end) => {
      const frame = fact.frame + start - fact.start;
      this.#compare(piece, start, end, frame, fact.rights, fact.alive, fact);
    });
  }
  fault(fact: FaultFact): void {
    this.#inner.fault(fact);
    this.#each(fact.start, fact.end, (piece, start, end) => {
      this.#compare(piece, start, end, NOTHING, 0, fact.alive, fact);
    });
  }
  subtree(fact: SubtreeFact): void {
    this.#inner.subtree(fact);
    const maps = this.#maps;
    this.#each(fact.start, fact.end, (piece, start, end) => {
      const frame = maps.oldFrame(piece, start);
      const spans = frame === NOTHING ? fact.absent : fact.alive;
      this.#compare(piece, start, end, frame, maps.oldRights[piece]!, spans, fact);
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

  /** What breaks the promise; null where a device that has seen the new map sees nothing else any more. */
  relapse(): Relapse | null {
    let seen: Sight | null = null;
    for (const { firstNew } of this.#views.values()) seen = earlier(seen, firstNew);
    const first = seen;
    if (first === null) return null;
    const found: Old[] = [];
    seen = null;
    for (const view of this.#views.values()) {
      seen = earlier(seen, view.firstNew);
      for (const old of view.olds) {
        const usable = { ...old, until: Math.min(old.until, view.beginsUntil) };
        if (seen !== null && seen.at < usable.until) found.push(usable);
        else if (this.#hasAtc && old.isCached && first.at < old.until) found.push(old);
      }
    }
    if (found.length === 0) return null;
    const last = found.reduce((best, old) => (old.until > best.until ? old : best));
    return {
      ranges: found,
      seen: first,
      old: { at: last.until, page: last.start },
      origin: last.origin,
    };
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
    origin: Origin,
  ): void {
    if (spans.length === 0) return;
    const maps = this.#maps;
    for (const access of [1, 2]) {
      const met = rights & access ? frame : NOTHING;
      const old = maps.oldRights[piece]! & access ? maps.oldFrame(piece, start) : NOTHING;
      const next = maps.newRights[piece]! & access ? maps.newFrame(piece, start) : NOTHING;
      if ((met === old) === (met === next)) continue;
      const isCached = met !== NOTHING;
      const tell = (): void =>
        this.#note(met === next, { start, end, until: aliveUntil(spans), isCached, origin }, spans);
      if (this.#held === null) tell();
      else this.#held.push(tell);
    }
  }

  #note(isNew: boolean, told: Old, spans: Spans): void {
    if (isNew) this.#view.firstNew = earlier(this.#view.firstNew, { at: spans[0]!, page: told.start });
    else this.#view.olds.push(told);
  }
}

const earlier = (a: Sight | null, b: Sight | null): Sight | null =>
  a === null || (b !== null && b.at < a.at) ? b : a;
