import {
  BY_FRAME,
  type CarriedPins,
  joinedPins,
  type MapRun,
  type PinRun,
  RunList,
} from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import type { Ranges } from "../lists/ranges.ts";

/**
 * Frames with more pins than pages that lead there, or fewer, from call to call: what one call leaks is told of it, and not of all
 * that come after.
 */
export class CarriedDrift {
  /** By how many pins there are more; never 0. */
  #runs: RunList<PinRun>;

  constructor(pins: readonly PinRun[], map: readonly MapRun[]) {
    this.#runs = RunList.of(joinedPins([...pins, ...map.map(asDebt)]), BY_FRAME);
  }

  get runs(): RunList<PinRun> {
    return this.#runs;
  }

  /** That of some frames, and perhaps of others beside them. */
  on({ starts, ends }: Ranges): readonly PinRun[] {
    const found = new Set<PinRun>();
    for (let r = 0; r < starts.length; r++)
      for (const run of this.#runs.touching(starts[r]!, ends[r]!)) found.add(run);
    return [...found];
  }

  /** Counts some frames anew; `leading` are the runs of the map that lead to them, and perhaps others. */
  renew({ starts, ends }: Ranges, pins: CarriedPins, leading: Iterable<MapRun>): void {
    const debts = RunList.of(joinedPins([...leading].map(asDebt)), BY_FRAME);
    for (let r = 0; r < starts.length; r++) {
      const [start, end] = [starts[r]!, ends[r]!];
      const around = this.#runs.touching(start, end);
      const beside = around.flatMap((run) => [
        part(run, run.pfn, start),
        part(run, end, run.pfn + run.pages),
      ]);
      const inside = [...pins.touching(start, end), ...debts.touching(start, end)].map((run) =>
        part(run, start, end),
      );
      const kept = [...beside, ...inside].filter((run) => run !== null);
      const [first, last] = [around[0], around.at(-1)];
      const from = Math.min(start, first?.pfn ?? start);
      const to = Math.max(end, last === undefined ? end : last.pfn + last.pages);
      this.#runs = this.#runs.replaced(from, to, joinedPins(kept));
    }
  }
}

/** Every page that leads to a frame needs a pin. */
const asDebt = ({ pfn, pages }: MapRun): PinRun => ({ pfn, pages, count: -1 });

/** The part of a run that lies in [start, end). */
function part(run: PinRun, start: number, end: number): PinRun | null {
  const first = Math.max(run.pfn, start);
  const pages = Math.min(run.pfn + run.pages, end) - first;
  return pages > 0 ? { pfn: first as Pfn, pages, count: run.count } : null;
}
