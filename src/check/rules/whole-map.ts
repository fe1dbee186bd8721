import { type JointMap, NOTHING } from "../maps/joint-map.ts";
import type { FaultFact, LeafFact, Spans, SubtreeFact } from "../walks/facts.ts";
import { aliveUntil, type BadEntryFact, type FactSink, type PointerFact } from "../walks/facts.ts";
import type { PageFact } from "../walks/page-teller.ts";
import type { RootVersion } from "../walks/roots.ts";
import { AnswerRuns } from "./answer-runs.ts";
import type { OverlapSink } from "./overlap.ts";
import type { LeafWatch, PlainRules } from "./plain-rules.ts";
import { type Relapse, relapses } from "./relapse.ts";

const READ = 1;
const WRITE = 2;

/** What only the new map, and only the old one, answers. */
class Answers {
  readonly news = new AnswerRuns(true);
  readonly olds = new AnswerRuns(false);

  addAll({ news, olds }: Answers): void {
    this.news.addAll(news);
    this.olds.addAll(olds);
  }
}

/** What one tag lets devices see; accesses can begin with it before a position. */
interface TagAnswers {
  readonly beginsUntil: number;
  readonly answers: Answers;
}

/**
 * Watches for devices that see the new map on one page and afterwards the old map on another (V11).
 *
 * A device reads its context when an access begins, and once it has read a new one it does not go back: its context cache
 * holds one entry. Within one tag whatever is cached may be used; a device's own translations (ATC) carry no tag at all.
 */
export class WholeMapSink implements FactSink, LeafWatch {
  readonly plain: PlainRules;
  readonly #inner: FactSink;
  readonly #maps: JointMap;
  readonly #hasAtc: boolean;
  readonly #keepsAbsence: boolean;
  /** By tag, in the order in which the tags are used. */
  readonly #views = new Map<number, TagAnswers>();
  #view!: TagAnswers;
  /** Facts of an entry that changes are told again when its leaves matter: those of the last telling count. */
  #held: Answers | null = null;

  /** `keepsAbsence`: caches keep that there is no translation, too. */
  constructor(inner: OverlapSink, maps: JointMap, hasAtc: boolean, keepsAbsence: boolean) {
    this.#inner = inner;
    this.plain = inner.plain;
    this.plain.watch = this;
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
      this.#views.set(tag, (view = { beginsUntil, answers: new Answers() }));
    }
    this.#view = view;
  }

  leaf(fact: LeafFact): void {
    this.#inner.leaf(fact);
    this.#compareAll(fact, fact.frame, fact.rights, true);
  }
  seen(fact: PageFact): void {
    this.#compareAll(fact, fact.frame, fact.rights, true);
  }
  fault(fact: FaultFact): void {
    this.#inner.fault(fact);
    this.#compareAll(fact, NOTHING, 0, this.#keepsAbsence);
  }
  subtree(fact: SubtreeFact): void {
    this.#inner.subtree(fact);
    const maps = this.#maps;
    for (let piece = maps.find(fact.start), start = fact.start; start < fact.end; piece++) {
      const end = Math.min(fact.end, maps.end(piece));
      const frame = maps.oldFrame(piece, start);
      const isAbsent = frame === NOTHING;
      const spans = isAbsent ? fact.absent : fact.alive;
      const isKept = !isAbsent || this.#keepsAbsence;
      this.#compare(piece, start, end, frame, maps.oldRights[piece]!, spans, isKept, fact, false);
      start = end;
    }
  }
  pointer(fact: PointerFact): void {
    this.#inner.pointer(fact);
  }
  badEntry(fact: BadEntryFact): void {
    this.#inner.badEntry(fact);
  }
  open(): void {
    this.#inner.open();
    this.#held = new Answers();
  }
  close(): boolean {
    const isSettled = this.#inner.close();
    if (isSettled && this.#held !== null) this.#view.answers.addAll(this.#held);
    this.#held = null;
    return isSettled;
  }

  /** What breaks the promise: none where a device that has seen the new map sees nothing else any more. */
  relapses(): Relapse[] {
    const views = [...this.#views.values()].map(({ beginsUntil, answers: { news, olds } }) => {
      return { beginsUntil, news: news.list, olds: olds.list };
    });
    return relapses(views, this.#hasAtc);
  }

  /** Compares what is met on all pages of a fact; `frame` is that of the first, NOTHING where there is none. */
  #compareAll(fact: LeafFact | FaultFact, frame: number, rights: number, isKept: boolean): void {
    const maps = this.#maps;
    for (let piece = maps.find(fact.start), start = fact.start; start < fact.end; piece++) {
      const end = Math.min(fact.end, maps.end(piece));
      const own = frame === NOTHING ? NOTHING : frame + start - fact.start;
      this.#compare(piece, start, end, own, rights, fact.alive, isKept, fact, true);
      start = end;
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
    fact: LeafFact | FaultFact | SubtreeFact,
    tellsEntries: boolean,
  ): void {
    const maps = this.#maps;
    if (spans.length === 0 || !maps.isChanged(piece)) return;
    const { news, olds } = this.#held ?? this.#view.answers;
    // A leaf that a device keeps answers what it refuses as well.
    const isLeaf = frame !== NOTHING && rights !== 0;
    // Where none of them parts reads from writes both get the same answer.
    const parts =
      isOneSided(rights) || isOneSided(maps.oldRights[piece]!) || isOneSided(maps.newRights[piece]!);
    for (let access = READ; access <= (parts ? WRITE : READ); access++) {
      const met = rights & access ? frame : NOTHING;
      const only = maps.onlyIn(piece, start, access, met);
      if (only === null) continue;
      const runs = only === "new" ? news : olds;
      runs.add(start, end, spans[0]!, aliveUntil(spans), isKept, isLeaf, fact, tellsEntries);
    }
  }
}

/** True iff reads and writes differ. */
const isOneSided = (rights: number): boolean => rights === READ || rights === WRITE;
