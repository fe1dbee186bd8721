import type { PinRun } from "../../edit-script/index.ts";
import type { CheckInput, ReaderInput } from "../input.ts";
import { RangeList, type Ranges } from "../lists/ranges.ts";
import type { Unpins } from "../script/unpins.ts";
import { type FrameDrops, sortedDrops } from "./frame-drops.ts";
import { FrameSet } from "./frame-set.ts";
import { type JointMap, NOTHING } from "./joint-map.ts";
import type { MapReader, MapSide } from "./map-reader.ts";
import { PinCounts } from "./pin-counts.ts";
import { sweep, WeightedRuns } from "./weighted-runs.ts";

/** Frames whose number of pins does not fit at the end. */
export interface PinDrift {
  readonly start: number;
  readonly end: number;
  readonly pins: number;
  readonly references: number;
}

/** Takes pins, or pages that lead to frames. */
interface PinSink {
  /** Frames [start, end), with a weight. */
  add(start: number, end: number, weight: number): void;
  /** The frames that a map gives to pages. */
  addPages(maps: JointMap, side: MapSide, weight: number, onlyChanged: boolean): void;
}

/** The pins of a script: which frames lose their last one, and whether those that are left are one for each page. */
export class Pins {
  readonly #input: CheckInput | ReaderInput;
  readonly #maps: MapReader;
  readonly #unpins: Unpins;
  #drifts: readonly PinDrift[] = [];
  /** What was counted for the audit says also who loses the last pin. */
  #counts: PinCounts | null = null;

  constructor(input: CheckInput | ReaderInput, maps: MapReader, unpins: Unpins) {
    this.#input = input;
    this.#maps = maps;
    this.#unpins = unpins;
  }

  /** Audits the pins; `mapsOn` tells both maps on some pages and perhaps on more. */
  audit(mapsOn: (pages: Ranges) => JointMap): void {
    this.#drifts = untold(this.#compare(mapsOn), this.#input.knownDrift ?? []);
  }

  /**
   * Compares the pins that are left with the pages that lead to a frame. Where it is said which pins the change took, frames
   * that it neither pins nor unpins, and that no page comes to or leaves, are as they were and need no look. Pre: audited.
   */
  get drifts(): readonly PinDrift[] {
    return this.#drifts;
  }

  /** Who loses the last pin, of `frames`, which are those that lose any; `reachedBy` are the pages that lead there. */
  drops(frames: FrameSet, reachedBy: () => JointMap): FrameDrops {
    if (this.#counts !== null) return this.#counts;
    const counts = PinCounts.within(this.#unpins);
    if (counts === null) {
      const pins = new WeightedRuns();
      this.#before(frames, reachedBy, pins);
      return sortedDrops(this.#unpins, pins);
    }
    this.#before(frames, reachedBy, counts);
    counts.take(this.#unpins);
    return counts;
  }

  /**
   * Tells the pins that some frames hold when the script starts, and perhaps some of other frames. Where nothing is said of pins,
   * a frame is taken to hold one for every page that the old map gives it and one for every page that newly gets it, or gets it
   * again.
   */
  #before(frames: FrameSet, reachedBy: () => JointMap, to: PinSink): void {
    const input = this.#input;
    if (frames.isEmpty) return;
    if ("oldMap" in input && input.pins) addPins(to, input.pins, frames);
    else if ("maps" in input && input.pinsTaken) {
      addReferences(to, this.#maps, "old", this.#maps.pagesOn(frames), frames);
      addRuns(to, input.pinsTaken, frames);
    } else {
      const reached = reachedBy();
      to.addPages(reached, "old", 1, false);
      to.addPages(reached, "new", 1, !input.isRepinned);
    }
  }

  #compare(mapsOn: (pages: Ranges) => JointMap): readonly PinDrift[] {
    const [input, maps] = [this.#input, this.#maps];
    const pins = new WeightedRuns();
    const references = new WeightedRuns();
    if ("oldMap" in input) {
      if (!input.pins) return [];
      for (const { pfn, pages, count } of input.pins) pins.add(pfn, pfn + pages, count);
      for (const { pfn, pages } of input.newMap) references.add(pfn, pfn + pages, 1);
    } else {
      if (!input.pinsTaken) return [];
      const frames = FrameSet.union(this.#unpins, input.pinsTaken, changedFrames(mapsOn(maps.changes())));
      const pages = maps.pagesOn(frames);
      if (this.#isBalanced(frames, mapsOn(pages), input.pinsTaken)) return [];
      addReferences(pins, maps, "old", pages, frames);
      addRuns(pins, input.pinsTaken, frames);
      addReferences(references, maps, "new", pages, frames);
    }
    return drifts(this.#unpins, pins, references);
  }

  /**
   * True iff all that is pinned is one pin for each page of the new map; false also where that cannot be counted. A page more
   * than lead to `frames` is harmless: it counts for both maps alike, or leads to them.
   */
  #isBalanced(frames: FrameSet, pages: JointMap, taken: WeightedRuns): boolean {
    const counts = PinCounts.within(this.#unpins, taken, frames);
    if (counts === null) return false;
    this.#counts = counts;
    counts.addPages(pages, "old", 1, false);
    counts.addAll(taken);
    counts.take(this.#unpins);
    counts.addPages(pages, "new", -1, false);
    return counts.isZero;
  }
}

function drifts(unpins: Unpins, pins: WeightedRuns, references: WeightedRuns): PinDrift[] {
  const found: PinDrift[] = [];
  sweep(unpins, pins, references, (start, end, held, led, steps) => {
    const left = held - steps.length;
    const last = found.at(-1);
    if (left === led) return;
    if (last?.end === start && last.pins === left && last.references === led)
      found[found.length - 1] = { ...last, end };
    else found.push({ start, end, pins: left, references: led });
  });
  return found;
}

/** Drifts without the parts of which an earlier call was told. `known`: free of overlap, in any order. */
function untold(drifts: readonly PinDrift[], known: readonly PinRun[]): readonly PinDrift[] {
  if (drifts.length === 0 || known.length === 0) return drifts;
  const sorted = known.toSorted((a, b) => a.pfn - b.pfn);
  const found: PinDrift[] = [];
  let next = 0;
  for (const drift of drifts) {
    let { start } = drift;
    while (next < sorted.length && sorted[next]!.pfn + sorted[next]!.pages <= start) next++;
    for (let k = next; k < sorted.length && sorted[k]!.pfn < drift.end; k++) {
      const { pfn, pages, count } = sorted[k]!;
      if (count !== drift.pins - drift.references) continue;
      if (start < pfn) found.push({ ...drift, start, end: pfn });
      start = Math.max(start, pfn + pages);
    }
    if (start < drift.end) found.push({ ...drift, start });
  }
  return found;
}

/** Frames that pages come to or leave. */
function changedFrames(changed: JointMap): Ranges {
  const frames = new RangeList();
  for (let piece = 0; piece + 1 < changed.length; piece++) {
    if (!changed.isChanged(piece)) continue;
    const pages = changed.end(piece) - changed.start(piece);
    for (const frame of [changed.oldFrames[piece]!, changed.newFrames[piece]!])
      if (frame > NOTHING) frames.push(frame, frame + pages);
  }
  return frames;
}

function addPins(to: PinSink, pins: readonly PinRun[], frames: FrameSet): void {
  for (const { pfn, pages, count } of pins) addInside(to, pfn, pfn + pages, count, frames);
}

function addRuns(to: PinSink, { starts, ends, weights }: WeightedRuns, frames: FrameSet): void {
  for (let i = 0; i < starts.length; i++) addInside(to, starts[i]!, ends[i]!, weights[i]!, frames);
}

function addReferences(to: PinSink, maps: MapReader, side: MapSide, pages: Ranges, frames: FrameSet): void {
  const runs = maps.runs(side, pages);
  for (let i = 0; i < runs.length; i++) {
    const frame = runs.frames[i]!;
    addInside(to, frame, frame + runs.ends[i]! - runs.starts[i]!, 1, frames);
  }
}

function addInside(to: PinSink, start: number, end: number, weight: number, frames: FrameSet): void {
  for (let i = frames.firstEndingAfter(start); i < frames.starts.length && frames.starts[i]! < end; i++)
    to.add(Math.max(start, frames.starts[i]!), Math.min(end, frames.ends[i]!), weight);
}
