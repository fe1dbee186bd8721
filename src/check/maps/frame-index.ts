import type { MapRun } from "../../edit-script/index.ts";
import type { FrameSet } from "./frame-set.ts";

/** Runs of fewer frames are found by the larger stretch that they lie in: scattered pages would have a place each. */
const MIN_SHIFT = 6;

/** Runs of maps by their frames, which may overlap; runs come and go. */
export class FrameIndex {
  /** By the binary logarithm of a stretch of frames no shorter than the run, and by stretch. */
  readonly #byShift = new Map<number, Map<number, Set<MapRun>>>();

  add(run: MapRun): void {
    const shift = shiftOf(run);
    let stretches = this.#byShift.get(shift);
    if (stretches === undefined) this.#byShift.set(shift, (stretches = new Map()));
    for (const at of stretchesOf(run, shift)) {
      const runs = stretches.get(at);
      if (runs === undefined) stretches.set(at, new Set([run]));
      else runs.add(run);
    }
  }

  delete(run: MapRun): void {
    const shift = shiftOf(run);
    const stretches = this.#byShift.get(shift)!;
    for (const at of stretchesOf(run, shift)) {
      const runs = stretches.get(at)!;
      runs.delete(run);
      if (runs.size === 0) stretches.delete(at);
    }
    if (stretches.size === 0) this.#byShift.delete(shift);
  }

  /** The runs that lead to some of the frames. */
  leadingTo({ starts, ends }: FrameSet): ReadonlySet<MapRun> {
    const found = new Set<MapRun>();
    for (let r = 0; r < starts.length; r++)
      for (const [shift, stretches] of this.#byShift) {
        const size = 2 ** shift;
        const [first, last] = [Math.floor(starts[r]! / size), Math.floor((ends[r]! - 1) / size)];
        const take = (runs: Iterable<MapRun>): void => {
          for (const run of runs) if (run.pfn < ends[r]! && starts[r]! < run.pfn + run.pages) found.add(run);
        };
        if (last - first >= stretches.size) for (const runs of stretches.values()) take(runs);
        else for (let at = first; at <= last; at++) take(stretches.get(at) ?? []);
      }
    return found;
  }
}

const shiftOf = ({ pages }: MapRun): number => Math.max(MIN_SHIFT, Math.ceil(Math.log2(pages)));

/** The one stretch that a run lies in, or the two. */
function stretchesOf({ pfn, pages }: MapRun, shift: number): readonly number[] {
  const size = 2 ** shift;
  const [first, last] = [Math.floor(pfn / size), Math.floor((pfn + pages - 1) / size)];
  return first === last ? [first] : [first, last];
}
