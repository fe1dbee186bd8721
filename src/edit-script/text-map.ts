import { type IovaPfn, type Pfn, pfn, type Rights } from "../units/index.ts";
import type { MapRun } from "./text.ts";
import type { TextLine } from "./text-line.ts";

const RIGHTS: Readonly<Record<string, Rights>> = { r: 1, w: 2, rw: 3 };

/** Fails with file, line and reason. */
export type FailAt = (reason: string, line: number) => never;

interface Backing {
  readonly vaddr: number;
  readonly pages: number;
  readonly pfn: number;
}
interface Region {
  readonly iova: number;
  readonly pages: number;
  readonly rights: Rights;
  readonly pfn: number | null;
  readonly vaddr: number | null;
  readonly line: number;
}
interface Removal {
  readonly iova: number;
  readonly pages: number;
  readonly line: number;
}

/** The `backing` lines of a file: which frames are behind memory named by address. */
export class BackingText {
  readonly #backings: Backing[] = [];

  read(at: TextLine): void {
    at.words.length === 1 || at.fail("backing takes options only: vaddr=, size=, frame=");
    this.#backings.push({
      vaddr: at.addressOption("vaddr"),
      pages: at.sizeOption(),
      pfn: at.addressOption("frame"),
    });
  }

  /** A region as runs of frames. */
  resolve(region: Region, fail: FailAt): MapRun[] {
    const { iova, rights } = region;
    const run = (at: number, pages: number, frame: number): MapRun => {
      return { iovaPfn: at as IovaPfn, pages, pfn: pfn(frame), rights };
    };
    if (region.pfn !== null) return [run(iova, region.pages, region.pfn)];
    const runs: MapRun[] = [];
    for (let done = 0; done < region.pages; ) {
      const at = region.vaddr! + done;
      const backing = this.#backings.find((b) => b.vaddr <= at && at < b.vaddr + b.pages);
      if (backing === undefined)
        fail(`no backing line says which frame is behind vaddr 0x${(at * 4096).toString(16)}`, region.line);
      const pages = Math.min(region.pages - done, backing.vaddr + backing.pages - at);
      runs.push(run(iova + done, pages, backing.pfn + at - backing.vaddr));
      done += pages;
    }
    return runs;
  }
}

/** What the `map` lines of a file, or of one call, say about one map: all of it, or what is added and removed. */
export class MapText {
  readonly #regions: Region[] = [];
  readonly #edits: (Region | Removal)[] = [];
  /** `map new none` */
  #isEmpty = false;

  /** True where nothing is said at all. */
  get isSilent(): boolean {
    return !this.isWhole && this.#edits.length === 0;
  }
  /** True where the map is given as a whole. */
  get isWhole(): boolean {
    return this.#regions.length > 0 || this.#isEmpty;
  }

  region(at: TextLine, line: number): void {
    if (at.words[2] === "none") {
      if (this.#regions.length > 0) at.fail("the map is none, and has regions above");
      this.#isEmpty = true;
      return;
    }
    if (this.#isEmpty) at.fail("the map has regions, and is none above");
    this.#regions.push(regionOf(at, line));
  }
  add(at: TextLine, line: number): void {
    this.#edits.push(regionOf(at, line));
  }
  remove(at: TextLine, line: number): void {
    this.#edits.push({ iova: at.addressOption("iova"), pages: at.sizeOption(), line });
  }

  /** Fails at what lies beyond the pages that tables of so many levels translate. */
  checkEnd(pages: number, levels: number, fail: FailAt): void {
    const last = `0x${(BigInt(pages) * 4096n - 1n).toString(16)}`;
    for (const part of [...this.#regions, ...this.#edits])
      if (part.iova + part.pages > pages)
        fail(`map reaches past ${last}, the last IOVA that tables of ${levels} levels translate`, part.line);
  }

  /** The map given as a whole. `name` stands in errors. */
  whole(name: string, backings: BackingText, fail: FailAt): MapRun[] {
    const runs: MapRun[] = [];
    let end = 0;
    for (const region of [...this.#regions].sort((a, b) => a.iova - b.iova)) {
      if (region.iova < end) fail(`map ${name} overlaps a region before it`, region.line);
      end = region.iova + region.pages;
      runs.push(...backings.resolve(region, fail));
    }
    return runs;
  }

  /** A map with what the lines add and remove, in their order. */
  edited(before: readonly MapRun[], backings: BackingText, fail: FailAt): readonly MapRun[] {
    const first = this.#edits[0];
    if (first !== undefined && this.isWhole)
      fail(
        '"map add" and "map remove" change the map before; with "map new" the map is given whole',
        first.line,
      );
    let map = before;
    for (const edit of this.#edits) {
      const end = edit.iova + edit.pages;
      if (!("rights" in edit)) map = outside(map, edit.iova, end);
      else if (map.some((run) => run.iovaPfn < end && edit.iova < run.iovaPfn + run.pages))
        fail('"map add" covers what is mapped already; "map remove" it first', edit.line);
      else map = [...map, ...backings.resolve(edit, fail)].sort((a, b) => a.iovaPfn - b.iovaPfn);
    }
    return map;
  }
}

function regionOf(at: TextLine, line: number): Region {
  const to = at.only('"old", "new", "add" or "remove"');
  const rightsText = at.take("rights") ?? "rw";
  const rights = Object.hasOwn(RIGHTS, rightsText) ? RIGHTS[rightsText] : undefined;
  if (rights === undefined) at.fail(`rights "${rightsText}" is none of r, w, rw`);
  const iova = at.addressOption("iova");
  const pages = at.sizeOption();
  const hasFrame = at.has("frame");
  if (hasFrame === at.has("vaddr")) at.fail(`map ${to} needs either frame= or vaddr=`);
  return {
    iova,
    pages,
    rights,
    pfn: hasFrame ? at.addressOption("frame") : null,
    vaddr: hasFrame ? null : at.addressOption("vaddr"),
    line,
  };
}

/** The parts of a map outside [start, end). */
function outside(map: readonly MapRun[], start: number, end: number): MapRun[] {
  return map.flatMap((run) => {
    const last = run.iovaPfn + run.pages;
    if (last <= start || end <= run.iovaPfn) return [run];
    const left = { ...run, pages: start - run.iovaPfn };
    const skipped = end - run.iovaPfn;
    const right = {
      ...run,
      iovaPfn: end as IovaPfn,
      pages: last - end,
      pfn: (run.pfn + skipped) as Pfn,
    };
    return [left, right].filter((part) => part.pages > 0);
  });
}
