import type { Coverage } from "./coverage.ts";
import type { PointerFact, Spans, SubtreeFact } from "./facts.ts";
import { aliveUntil, type BadEntryFact, type FaultFact, type LeafFact, type Origin } from "./facts.ts";
import type { UnpinnedFrames } from "./frame-drops.ts";
import { type JointMap, NOTHING } from "./joint-map.ts";
import { NEVER } from "./positions.ts";
import type { Relapse } from "./relapse.ts";
import type { Window } from "./script-log.ts";
import type { ViolationClass } from "./violation-class.ts";

/** Kinds of access, one bit each, as rights are. */
const ACCESSES = [1, 2] as const;

/** A class of pages that break one rule for one reason. */
export interface RawViolation extends Omit<Origin, "at" | "span"> {
  readonly class: ViolationClass;
  readonly domain: number;
  readonly start: number;
  readonly end: number;
  /** 1 read, 2 write, 0 where both or none matter. */
  readonly access: number;
  /** Position from which it can be met. */
  readonly from: number;
  /** What was met, in words. */
  readonly met: string;
  /** The stretch of equally invalidated pages it lies in. */
  readonly coverage: Coverage;
  /**
   * Where it is several in a row that differ in nothing else: the pages of each, and by how much the index rises from one
   * to the next; `index` is that of the first. A fault of a whole scattered guest is so one of each table, not of each page.
   */
  readonly grain?: number;
  readonly indexStep?: 0 | 1;
  /** V11: the two answers that show it, which stand for all. */
  readonly relapse?: Relapse;
}

/** A violation that others may be added to. */
interface OpenViolation extends Omit<RawViolation, "end"> {
  end: number;
  readonly grain: number;
  indexStep: 0 | 1;
}

/** Compares what devices may meet with what the two maps allow. */
export class Judge {
  readonly violations: RawViolation[] = [];
  #last: OpenViolation | null = null;
  readonly #maps: JointMap;
  readonly #unpinned: UnpinnedFrames;
  readonly #windows: readonly Window[];
  readonly #steps: number;
  readonly #domain: number;
  coverage!: Coverage;
  /** The facts to come are cached under a tag that no access asks for once the call has returned. */
  isRetired = false;
  readonly #hasAtc: boolean;

  constructor(
    maps: JointMap,
    unpinned: UnpinnedFrames,
    windows: readonly Window[],
    steps: number,
    domain: number,
    hasAtc: boolean,
  ) {
    this.#maps = maps;
    this.#unpinned = unpinned;
    this.#windows = windows;
    this.#steps = steps;
    this.#domain = domain;
    this.#hasAtc = hasAtc;
  }

  report(
    kind: ViolationClass,
    start: number,
    end: number,
    origin: Origin,
    access: number,
    from: number,
    met: string,
  ): void {
    // A device's own cache knows no tags.
    if (this.isRetired && ((kind === "V04" && !this.#hasAtc) || kind === "V05")) kind = "V04b";
    const { table, level, step, until } = origin;
    const index = origin.index + Math.floor((start - origin.at) / origin.span);
    const last = this.#last;
    const isNext =
      last !== null &&
      last.end === start &&
      last.grain === end - start &&
      last.step === step &&
      last.until === until &&
      last.table === table &&
      last.level === level &&
      last.class === kind &&
      last.access === access &&
      last.from === from &&
      last.coverage === this.coverage &&
      last.met === met;
    if (isNext && last.start + last.grain === start && index === last.index) last.indexStep = 0;
    if (isNext && (index - last.index) * last.grain === (start - last.start) * last.indexStep) last.end = end;
    else {
      const where = { domain: this.#domain, coverage: this.coverage, table, index, level, step, until };
      this.#last = { class: kind, start, end, access, from, met, ...where, grain: end - start, indexStep: 1 };
      this.violations.push(this.#last);
    }
  }

  leaf(fact: LeafFact): void {
    const maps = this.#maps;
    const remains = aliveUntil(fact.alive) === NEVER;
    if (fact.setsDirty && aliveUntil(fact.alive) > fact.freedAt) {
      const from = Math.max(fact.alive[0]!, fact.freedAt);
      this.report("V07", fact.start, fact.end, fact, 2, from, "a leaf whose dirty bit is in a freed table");
    }
    for (let piece = maps.find(fact.start), start = fact.start; start < fact.end; ) {
      const end = Math.min(fact.end, maps.end(piece), this.#windowEdge(start));
      const frame = fact.frame + start - fact.start;
      const isOld = frame === maps.oldFrame(piece, start);
      const isNew = frame === maps.newFrame(piece, start);
      const exact =
        (isNew && fact.rights === maps.newRights[piece]) ||
        (isOld && fact.rights === maps.oldRights[piece] && !remains);
      if (!exact)
        for (const access of ACCESSES)
          if (fact.rights & access) this.#granted(fact, piece, start, end, isOld, isNew, access, remains);
          else this.#denied(fact, piece, start, end, isOld, access, remains);
      this.#frames(fact, frame, start, end, fact.drained);
      start = end;
      if (end === maps.end(piece)) piece++;
    }
  }

  /** An access succeeds on the leaf's frame. */
  #granted(
    fact: LeafFact,
    piece: number,
    start: number,
    end: number,
    isOld: boolean,
    isNew: boolean,
    access: number,
    remains: boolean,
  ): void {
    const byOld = isOld && (this.#maps.oldRights[piece]! & access) !== 0;
    const byNew = isNew && (this.#maps.newRights[piece]! & access) !== 0;
    const from = fact.alive[0]!;
    if (!byOld && !byNew)
      this.report(isOld || isNew ? "V03" : "V02", start, end, fact, access, from, leafText(fact, start));
    else if (remains && !byNew) this.report("V04", start, end, fact, access, from, leafText(fact, start));
  }

  /** An access faults on rights the leaf does not have. */
  #denied(
    fact: LeafFact,
    piece: number,
    start: number,
    end: number,
    isOld: boolean,
    access: number,
    remains: boolean,
  ): void {
    const maps = this.#maps;
    if ((maps.newRights[piece]! & access) === 0) return;
    const wasGranted = (maps.oldRights[piece]! & access) !== 0;
    let kind: ViolationClass;
    if (wasGranted && !this.#isWindowed(start, fact.alive)) kind = maps.isKept(piece) ? "V01" : "V01b";
    else if (!remains) return;
    // What the old map does not name is not the old answer: rights are missing, nothing is stale.
    else kind = isOld && !wasGranted ? "V04" : "V05";
    this.report(kind, start, end, fact, access, fact.alive[0]!, leafText(fact, start));
  }

  fault(fact: FaultFact): void {
    const maps = this.#maps;
    const remains = aliveUntil(fact.alive) === NEVER;
    for (let piece = maps.find(fact.start), start = fact.start; start < fact.end; ) {
      const end = Math.min(fact.end, maps.end(piece), this.#windowEdge(start));
      const both = maps.oldRights[piece]! & maps.newRights[piece]!;
      if (both !== 0 && !this.#isWindowed(start, fact.alive))
        this.report(
          maps.isKept(piece) ? "V01" : "V01b",
          start,
          end,
          fact,
          both & -both,
          fact.alive[0]!,
          "no translation",
        );
      else if (remains && maps.newRights[piece] !== 0)
        this.report("V05", start, end, fact, 0, fact.alive[0]!, "no translation");
      start = end;
      if (end === maps.end(piece)) piece++;
    }
  }

  /** Pages of an untouched subtree show what the old map says. */
  subtree(fact: SubtreeFact): void {
    const maps = this.#maps;
    for (let piece = maps.find(fact.start), start = fact.start; start < fact.end; piece++) {
      const end = Math.min(fact.end, maps.end(piece));
      const frame = maps.oldFrame(piece, start);
      const spans = frame === NOTHING ? fact.absent : fact.alive;
      if (aliveUntil(spans) === NEVER && maps.isChanged(piece))
        this.report(
          frame === NOTHING ? "V05" : "V04",
          start,
          end,
          fact,
          0,
          spans[0]!,
          frame === NOTHING ? "no translation" : "what the old map says",
        );
      if (frame !== NOTHING) this.#frames(fact, frame, start, end, fact.drained);
      start = end;
    }
  }

  pointer(fact: PointerFact): void {
    const { start, end, alive } = fact;
    if (aliveUntil(alive) > fact.freedAt)
      this.report(
        "V07",
        start,
        end,
        fact,
        0,
        Math.max(alive[0]!, fact.freedAt),
        "a pointer to a freed table",
      );
    else if (aliveUntil(alive) === NEVER && !fact.isCurrent)
      this.report("V04b", start, end, fact, 0, alive[0]!, "a pointer to a detached table");
  }

  badEntry(fact: BadEntryFact): void {
    const kinds = { malformed: "V13", torn: "V08", plain: "V08", unpublished: "V15" } as const;
    const met = {
      malformed: `a malformed entry: ${fact.reason}`,
      torn: "a half-written entry",
      plain: "an entry under a store that may tear",
      unpublished: "what the entry held before it was written",
    };
    this.report(kinds[fact.what], fact.start, fact.end, fact, 0, fact.from, met[fact.what]);
  }

  /** Frames that are reachable, or under an access, after their last pin went. */
  #frames(origin: Origin, frame: number, start: number, end: number, drained: number): void {
    const last = frame + end - start;
    if (!this.#unpinned.canMiss(frame, last, drained)) return;
    const frames = this.#unpinned.dropped;
    for (let i = frames.firstEndingAfter(frame); i < frames.starts.length; i++) {
      if (frames.starts[i]! >= last) return;
      const step = this.#unpinned.step(i);
      if (drained <= step) continue;
      const from = start + Math.max(0, frames.starts[i]! - frame);
      const to = start + Math.min(last, frames.ends[i]!) - frame;
      this.report("V06", from, to, origin, 0, step, "a frame that is no longer pinned");
    }
  }

  /** A page that no step touches keeps a frame that lost its last pin. */
  unpinned(start: number, end: number, step: number): void {
    const origin = { table: 0, index: 0, level: 0, at: 0, span: Infinity, step: 0, until: NEVER };
    this.report("V06", start, end, origin, 0, step, "a frame that is no longer pinned");
  }

  /** Epoch mode: a device has seen the new map, and sees the old one after that. The one that lasts longest is shown. */
  relapse(all: readonly Relapse[]): void {
    if (all.length === 0) return;
    const relapse = all.reduce((best, next) => (next.old.until > best.old.until ? next : best));
    const { seen, old } = relapse;
    const met = "the old map, when the device has met the new one already";
    const { table, index, level, step, until } = old.origin;
    const what = { class: "V11", access: 0, from: seen.from, met, relapse } as const;
    const where = { domain: this.#domain, coverage: this.coverage, table, index, level, step, until };
    for (const { old } of all) this.violations.push({ ...what, ...where, start: old.start, end: old.end });
  }

  /** The first page after this one at which a window begins or ends. */
  #windowEdge(page: number): number {
    let edge = Infinity;
    for (const { start, end } of this.#windows) {
      if (start > page) edge = Math.min(edge, start);
      else if (end > page) edge = Math.min(edge, end);
    }
    return edge;
  }

  /** True iff declared windows allow faults of a page at all these positions, up to the return. */
  #isWindowed(page: number, alive: Spans): boolean {
    if (this.#windows.length === 0) return false;
    const windows = this.#windows.filter((w) => w.start <= page && page < w.end);
    if (windows.length === 0) return false;
    for (let i = 0; i < alive.length; i += 2) {
      const to = Math.min(alive[i + 1]!, this.#steps + 1);
      for (let at = alive[i]!; at < to; ) {
        const covering = windows.filter((w) => w.open <= at && at < w.close);
        if (covering.length === 0) return false;
        at = Math.max(...covering.map((w) => w.close));
      }
    }
    return true;
  }
}

const leafText = (fact: LeafFact, page: number): string => {
  const rights = ["no rights", "read only", "write only", "read and write"][fact.rights]!;
  return `frame 0x${((fact.frame + page - fact.start) * 4096).toString(16)} (${rights})`;
};
