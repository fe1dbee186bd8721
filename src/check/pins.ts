import type { PinRun } from "../edit-script/index.ts";
import { FrameSet } from "./frame-set.ts";
import type { CheckInput, ReaderInput } from "./input.ts";
import { JointMap, NOTHING } from "./joint-map.ts";
import type { MapReader, MapSide } from "./map-reader.ts";
import { RangeList, union } from "./ranges.ts";
import { sweep, type Unpins, WeightedRuns } from "./weighted-runs.ts";

/** Frames whose number of pins does not fit at the end. */
export interface PinDrift {
  readonly start: number;
  readonly end: number;
  readonly pins: number;
  readonly references: number;
}

/**
 * The pins that some frames hold when the script starts. Where nothing is said of pins, a frame is taken to hold one for
 * every page that the old map gives it and one for every page that newly gets it, or gets it again: `reachedBy` has them.
 */
export function pinsBefore(
  input: CheckInput | ReaderInput,
  maps: MapReader,
  frames: FrameSet,
  reachedBy: () => JointMap,
): WeightedRuns {
  const pins = new WeightedRuns();
  if (frames.isEmpty) return pins;
  if ("oldMap" in input && input.pins) addPins(pins, input.pins, frames);
  else if ("maps" in input && input.pinsTaken) {
    addReferences(pins, maps, "old", frames);
    addPins(pins, input.pinsTaken, frames);
  } else {
    const reached = reachedBy();
    for (let piece = 0; piece + 1 < reached.length; piece++) {
      const pages = reached.end(piece) - reached.start(piece);
      const [before, after] = [reached.oldFrames[piece]!, reached.newFrames[piece]!];
      if (before > NOTHING) pins.push(before, before + pages, 1);
      if (after > NOTHING && (input.isRepinned || reached.isChanged(piece)))
        pins.push(after, after + pages, 1);
    }
  }
  return pins;
}

/**
 * Compares the pins that are left with the pages that lead to a frame. Where it is said which pins the change took, frames
 * that it neither pins nor unpins, and that no page comes to or leaves, are as they were and need no look.
 */
export function pinDrifts(input: CheckInput | ReaderInput, maps: MapReader, unpins: Unpins): PinDrift[] {
  const drifts: PinDrift[] = [];
  const pins = new WeightedRuns();
  const references = new WeightedRuns();
  if ("oldMap" in input) {
    if (!input.pins) return drifts;
    for (const { pfn, pages, count } of input.pins) pins.push(pfn, pfn + pages, count);
    for (const { pfn, pages } of input.newMap) references.push(pfn, pfn + pages, 1);
  } else {
    if (!input.pinsTaken) return drifts;
    const frames = touchedFrames(maps, unpins, input.pinsTaken);
    addReferences(pins, maps, "old", frames);
    addPins(pins, input.pinsTaken, frames);
    addReferences(references, maps, "new", frames);
  }
  sweep(unpins, pins, references, (start, end, held, led, steps) => {
    const left = held - steps.length;
    if (left !== led) drifts.push({ start, end, pins: left, references: led });
  });
  return drifts;
}

function touchedFrames(maps: MapReader, unpins: Unpins, taken: readonly PinRun[]): FrameSet {
  const frames = new RangeList();
  for (const { pfn, pages } of taken) frames.push(pfn, pfn + pages);
  const changed = JointMap.of(maps, maps.changes());
  for (let piece = 0; piece + 1 < changed.length; piece++) {
    if (!changed.isChanged(piece)) continue;
    const pages = changed.end(piece) - changed.start(piece);
    for (const frame of [changed.oldFrames[piece]!, changed.newFrames[piece]!])
      if (frame > NOTHING) frames.push(frame, frame + pages);
  }
  return new FrameSet(union(unpins.frames(), frames.union()));
}

function addPins(to: WeightedRuns, pins: readonly PinRun[], frames: FrameSet): void {
  for (const { pfn, pages, count } of pins) addInside(to, pfn, pfn + pages, count, frames);
}

function addReferences(to: WeightedRuns, maps: MapReader, side: MapSide, frames: FrameSet): void {
  for (const { pfn, pages } of maps.runs(side, maps.pagesOn(frames)))
    addInside(to, pfn, pfn + pages, 1, frames);
}

function addInside(to: WeightedRuns, start: number, end: number, weight: number, frames: FrameSet): void {
  for (let i = frames.firstEndingAfter(start); i < frames.starts.length && frames.starts[i]! < end; i++)
    to.push(Math.max(start, frames.starts[i]!), Math.min(end, frames.ends[i]!), weight);
}
