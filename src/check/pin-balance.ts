import type { EditScript, MapRun, PinRun } from "../edit-script/index.ts";

/** Whether there is one pin for every page that leads to a frame, from call to call of a recording. */
export class PinBalance {
  /** True iff there is: a call need then be told no pins but those it takes itself. */
  isEven: boolean;

  constructor(pins: readonly PinRun[], map: readonly MapRun[]) {
    this.isEven = isZero(pins, [], map);
  }

  /** Goes on behind a call that has taken pins, has run a script and exchanged runs of the map. */
  after(pinned: readonly PinRun[], script: EditScript, gone: Iterable<MapRun>, come: Iterable<MapRun>): void {
    this.isEven &&= isZero([...pinned, ...unpins(script)], gone, come);
  }
}

function* unpins(script: EditScript): Generator<PinRun> {
  for (const step of script.releases())
    if (step.op === "unpin") yield { pfn: step.pfn, pages: step.pages, count: -1 };
}

/** True iff every frame has as many pins as pages, when pages that lead to it come and go. */
function isZero(pins: Iterable<PinRun>, gone: Iterable<MapRun>, come: Iterable<MapRun>): boolean {
  const edges = new Map<number, number>();
  const add = (start: number, pages: number, count: number): void => {
    edges.set(start, (edges.get(start) ?? 0) + count);
    edges.set(start + pages, (edges.get(start + pages) ?? 0) - count);
  };
  for (const { pfn, pages, count } of pins) add(pfn, pages, count);
  for (const { pfn, pages } of gone) add(pfn, pages, 1);
  for (const { pfn, pages } of come) add(pfn, pages, -1);
  for (const count of edges.values()) if (count !== 0) return false;
  return true;
}
