import type { PinRun } from "../edit-script/index.ts";
import type { CheckInput } from "./input.ts";
import { type JointMap, NOTHING } from "./joint-map.ts";
import { NEVER } from "./positions.ts";
import type { Unpin } from "./script-log.ts";

/** Frames whose number of pins does not fit at the end. */
export interface PinDrift {
  readonly start: number;
  readonly end: number;
  readonly pins: number;
  readonly references: number;
}

interface Run {
  readonly start: number;
  readonly end: number;
  readonly weight: number;
}

/**
 * When frames lose their last pin. Where no pins are given, a frame is taken to hold one for every page that the old map
 * gives it and one for every page that newly gets it, or gets it again.
 */
export class FrameDrops {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #steps: number[] = [];
  /** Frames with too many or too few pins after the script; empty where no pins were given. */
  readonly drifts: PinDrift[] = [];

  constructor(
    unpins: readonly Unpin[],
    given: Pick<CheckInput, "pins" | "isRepinned" | "newMap">,
    maps: JointMap,
  ) {
    const pins = given.pins ?? null;
    const before =
      pins === null ? inferredPins(maps, merged(unpins), given.isRepinned === true) : pins.map(pinRun);
    const references =
      pins === null ? [] : given.newMap.map((r) => ({ start: r.pfn, end: r.pfn + r.pages, weight: 1 }));
    const cuts = new Set<number>();
    for (const run of [...unpins, ...before, ...references]) {
      cuts.add(run.start);
      cuts.add(run.end);
    }
    const sorted = Float64Array.from(cuts).sort();
    const atPins = sums(before, sorted);
    const atReferences = sums(references, sorted);
    const dropped: number[][] = Array.from({ length: unpins.length === 0 ? 0 : sorted.length }, () => []);
    for (const unpin of unpins)
      for (let i = lowerBound(sorted, unpin.start); sorted[i]! < unpin.end; i++) dropped[i]!.push(unpin.step);
    for (let i = 0; i + 1 < sorted.length; i++) {
      const [start, end] = [sorted[i]!, sorted[i + 1]!];
      const steps = dropped[i] ?? [];
      const left = atPins[i]! - steps.length;
      if (steps.length > 0 && left <= 0) {
        const last = steps.length - 1 + Math.min(0, left);
        this.#push(start, end, steps[Math.max(0, last)]!);
      }
      if (pins !== null && left !== atReferences[i]!)
        this.drifts.push({ start, end, pins: left, references: atReferences[i]! });
    }
  }

  #push(start: number, end: number, step: number): void {
    const last = this.#steps.length - 1;
    if (last >= 0 && this.#ends[last] === start && this.#steps[last] === step) this.#ends[last] = end;
    else {
      this.#starts.push(start);
      this.#ends.push(end);
      this.#steps.push(step);
    }
  }

  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  /** Calls back for each part of [start, end) whose last pin goes, with the step. */
  each(start: number, end: number, visit: (start: number, end: number, step: number) => void): void {
    if (this.isEmpty) return;
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.#ends[mid]! > start) high = mid;
      else low = mid + 1;
    }
    for (; low < this.#starts.length && this.#starts[low]! < end; low++)
      visit(Math.max(start, this.#starts[low]!), Math.min(end, this.#ends[low]!), this.#steps[low] ?? NEVER);
  }
}

const pinRun = (p: PinRun): Run => ({ start: p.pfn, end: p.pfn + p.pages, weight: p.count });

/** One pin for each page of the old map and each that newly gets a frame, as far as the frames lose any. */
function inferredPins(
  maps: JointMap,
  scope: readonly { start: number; end: number }[],
  isRepinned: boolean,
): Run[] {
  const runs: Run[] = [];
  if (scope.length === 0) return runs;
  const add = (frame: number, pages: number): void => {
    if (frame === NOTHING) return;
    const end = frame + pages;
    let low = 0;
    let high = scope.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (scope[mid]!.end > frame) high = mid;
      else low = mid + 1;
    }
    for (; low < scope.length && scope[low]!.start < end; low++)
      runs.push({
        start: Math.max(frame, scope[low]!.start),
        end: Math.min(end, scope[low]!.end),
        weight: 1,
      });
  };
  for (let piece = 0; piece + 1 < maps.length; piece++) {
    const pages = maps.end(piece) - maps.start(piece);
    add(maps.oldFrames[piece]!, pages);
    if (isRepinned || maps.isChanged(piece)) add(maps.newFrames[piece]!, pages);
  }
  return runs;
}

function merged(runs: readonly Unpin[]): { start: number; end: number }[] {
  const result: { start: number; end: number }[] = [];
  for (const { start, end } of [...runs].sort((a, b) => a.start - b.start)) {
    const last = result[result.length - 1];
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}

/** Sum of the weights over each stretch between two cuts. */
function sums(runs: readonly Run[], cuts: Float64Array): Float64Array {
  const delta = new Float64Array(cuts.length + 1);
  for (const run of runs) {
    delta[lowerBound(cuts, run.start)]! += run.weight;
    delta[lowerBound(cuts, run.end)]! -= run.weight;
  }
  for (let i = 1; i < delta.length; i++) delta[i]! += delta[i - 1]!;
  return delta;
}

function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (sorted[mid]! < value) low = mid + 1;
    else high = mid;
  }
  return low;
}
