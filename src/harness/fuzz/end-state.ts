import type { MapRun } from "../../edit-script/index.ts";
import { isTableFrame } from "../../engine/memory-plan.ts";
import type { Kernel } from "../../kernel/index.ts";
import type { Domain } from "../../kernel/iommu/index.ts";
import { hexPage, type IovaPfn, type Pfn, pfn } from "../../units/index.ts";

/** Runs whose pins are looked at where only some are. */
const SOME_RUNS = 32;
/** Frames whose pins are looked at one by one in each run; of longer runs both ends and the middle. */
const FRAMES_A_RUN = 48;

/**
 * Compares what is left after a call with what the map in force says: translations of every domain, table pages, pins
 * and charges. With `all` false only some runs' pins are looked at, other ones each time `from` is another number. Returns a sentence for the first thing that differs, or null.
 */
export function endStateFault(
  kernel: Kernel,
  runs: readonly MapRun[],
  lockedPages: number,
  pins: { readonly all: true } | { readonly all: false; readonly from: number },
): string | null {
  let tables = 0;
  for (const domain of kernel.iommu.domains) {
    const found = translations(kernel, domain);
    tables += found.tables;
    const fault = firstDifference(found.runs, runs);
    if (fault !== null) return `domain ${domain.id}: ${fault}`;
  }
  const live = kernel.iommu.pool.live;
  if (live !== tables) return `${live} table pages are in use, walks reach ${tables}`;
  const pages = runs.reduce((sum, run) => sum + run.pages, 0);
  if (lockedPages !== pages) return `locked_vm is ${lockedPages} pages, the map has ${pages}`;
  const step = pins.all ? 1 : Math.max(1, Math.floor(runs.length / SOME_RUNS));
  return pinFault(kernel, runs, pins.all ? 0 : pins.from % step, step);
}

/** All that a domain's tables translate, neighbours joined, and how many tables there are. */
function translations(kernel: Kernel, domain: Domain): { runs: MapRun[]; tables: number } {
  const { format, levels, root } = domain;
  const runs: MapRun[] = [];
  let tables = 0;
  const append = (page: number, frame: number, pages: number, rights: number): void => {
    const last = runs.at(-1);
    if (
      last !== undefined &&
      last.iovaPfn + last.pages === page &&
      last.pfn + last.pages === frame &&
      last.rights === rights
    )
      runs[runs.length - 1] = { ...last, pages: last.pages + pages };
    else runs.push({ iovaPfn: page as IovaPfn, pfn: pfn(frame), pages, rights });
  };
  const descend = (table: Pfn, level: number, base: number): void => {
    tables++;
    const words = kernel.engine.readTable(table).slice();
    const span = 512 ** level;
    for (let index = 0; index < 512; index++) {
      const [lo, hi] = [words[2 * index]!, words[2 * index + 1]!];
      if (!format.isPresent(lo, hi)) continue;
      const frame = format.pfnOf(lo, hi);
      const page = base + index * span;
      if (!format.isTable(level, lo, hi)) append(page, frame, span, format.rightsOf(lo, hi));
      else if (isTableFrame(frame, kernel.engine.tablePages)) descend(frame, level - 1, page);
    }
  };
  descend(root, levels - 1, 0);
  return { runs, tables };
}

const runText = (run: MapRun | undefined): string =>
  run === undefined
    ? "nothing"
    : `${hexPage(run.iovaPfn)} +${hexPage(run.pages)} to frame ${hexPage(run.pfn)} rights ${run.rights}`;

function firstDifference(found: readonly MapRun[], wanted: readonly MapRun[]): string | null {
  for (let i = 0; i < Math.max(found.length, wanted.length); i++) {
    const [f, w] = [found[i], wanted[i]];
    const isSame =
      f !== undefined &&
      w !== undefined &&
      f.iovaPfn === w.iovaPfn &&
      f.pages === w.pages &&
      f.pfn === w.pfn &&
      f.rights === w.rights;
    if (!isSame) return `the tables translate ${runText(f)} where the map says ${runText(w)}`;
  }
  return null;
}

/** Compares pin counts with the number of pages of the map on each frame. */
function pinFault(kernel: Kernel, runs: readonly MapRun[], from: number, step: number): string | null {
  const starts = Float64Array.from(runs, (run) => run.pfn).sort();
  const ends = Float64Array.from(runs, (run) => run.pfn + run.pages).sort();
  const wanted = (frame: number): number => upTo(starts, frame) - upTo(ends, frame);
  for (let i = from; i < runs.length; i += step) {
    const run = runs[i]!;
    for (const offset of samples(run.pages)) {
      const frame = pfn(run.pfn + offset);
      const [pins, pages] = [kernel.framePins(frame), wanted(frame)];
      if (pins !== pages) return `frame ${hexPage(frame)} has ${pins} pins for ${pages} pages of the map`;
    }
  }
  return null;
}

/** How many of the sorted values are at most `value`. */
function upTo(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (sorted[mid]! <= value) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** Offsets to look at, one page beyond either end included. */
function* samples(pages: number): Generator<number> {
  yield -1;
  if (pages <= FRAMES_A_RUN) for (let i = 0; i <= pages; i++) yield i;
  else yield* [0, 1, pages >> 1, pages - 2, pages - 1, pages];
}
