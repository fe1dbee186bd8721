import type { Pfn } from "../units/index.ts";
import { type RunExtent, RunList } from "./run-list.ts";
import type { EditScript } from "./script.ts";
import type { PinRun } from "./text.ts";

/** Where frames lie. */
export const BY_FRAME: RunExtent<PinRun> = { start: ({ pfn }) => pfn, end: ({ pfn, pages }) => pfn + pages };

/** Pins from call to call. Pins never change: a call makes other ones. */
export class CarriedPins {
  /** As they were given, or free of overlap; frames without pins are in none. */
  readonly #given: readonly PinRun[] | null;
  readonly #runs: RunList<PinRun>;

  private constructor(given: readonly PinRun[] | null, runs: RunList<PinRun>) {
    this.#given = given;
    this.#runs = runs;
  }

  static of(given: readonly PinRun[]): CarriedPins {
    return new CarriedPins(given, RunList.of(held(given), BY_FRAME));
  }

  all(): readonly PinRun[] {
    return this.#given ?? this.#runs.all();
  }

  /** Runs that have a part in [start, end). */
  touching(start: number, end: number): readonly PinRun[] {
    return this.#runs.touching(start, end);
  }

  /** Those that are left when a call has pinned something and run its script. */
  after(pinned: readonly PinRun[], script: EditScript): CarriedPins {
    let runs = this.#runs;
    for (const run of pinned) runs = counted(runs, run);
    for (const step of script.releases())
      if (step.op === "unpin") runs = counted(runs, { ...step, count: -1 });
    return new CarriedPins(null, runs);
  }
}

/** The pins with those of one run counted in; those that were not there are not missed. */
function counted(runs: RunList<PinRun>, run: PinRun): RunList<PinRun> {
  const [start, end] = [run.pfn, run.pfn + run.pages];
  // Neighbours with the same count become one run.
  const around = runs.touching(start - 1, end + 1);
  const first = around[0];
  const last = around.at(-1);
  const from = first === undefined ? start : Math.min(start, first.pfn);
  const to = last === undefined ? end : Math.max(end, last.pfn + last.pages);
  return runs.replaced(from, to, held([...around, run]));
}

const held = (pins: readonly PinRun[]): PinRun[] => joinedPins(pins).filter(({ count }) => count > 0);

/** Runs that may overlap, as the longest runs free of overlap whose counts are the sums; none where the sum is 0. */
export function joinedPins(pins: readonly PinRun[]): PinRun[] {
  const deltas = new Map<number, number>();
  const add = (frame: number, count: number): void => {
    deltas.set(frame, (deltas.get(frame) ?? 0) + count);
  };
  for (const { pfn, pages, count } of pins) {
    add(pfn, count);
    add(pfn + pages, -count);
  }
  const runs: PinRun[] = [];
  let [start, count] = [0, 0];
  for (const [at, delta] of [...deltas].sort((a, b) => a[0] - b[0])) {
    if (delta === 0) continue;
    if (count !== 0) runs.push({ pfn: start as Pfn, pages: at - start, count });
    start = at;
    count += delta;
  }
  return runs;
}
