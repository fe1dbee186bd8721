import { hexPage, type IovaPfn, iovaPfn, type Pfn, pfn, type Rights } from "../units/index.ts";
import type { ChangedMap, MapRunList } from "./call-maps.ts";
import { LineNumbers } from "./line-numbers.ts";
import type { PlainOptions } from "./plain-options.ts";
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
/** Pages that translate to memory named by address. */
interface NamedByAddress {
  readonly iovaPfn: IovaPfn;
  readonly pages: number;
  readonly vaddr: number;
  readonly rights: Rights;
}
type Region = MapRun | NamedByAddress;
type Removal = Pick<MapRun, "iovaPfn" | "pages">;

/** The `backing` lines of a file: which frames are behind memory named by address. */
export class BackingText {
  /** By address, free of overlap: lines that say the same of some pages are one. */
  readonly #backings: Backing[] = [];

  read(at: TextLine): void {
    at.words.length === 1 || at.fail("backing takes options only: vaddr=, size=, frame=");
    let vaddr = at.addressOption("vaddr");
    let end = vaddr + at.sizeOption();
    const toFrame = at.addressOption("frame") - vaddr;
    const backings = this.#backings;
    const first = this.#firstEndingAfter(vaddr);
    let last = first;
    for (; last < backings.length && backings[last]!.vaddr < end; last++) {
      const other = backings[last]!;
      if (other.pfn - other.vaddr !== toFrame) {
        const both = Math.max(vaddr, other.vaddr);
        at.fail(
          `vaddr ${hexPage(both)} is backed by frame ${hexPage(other.pfn + both - other.vaddr)} above, and by another here`,
        );
      }
      vaddr = Math.min(vaddr, other.vaddr);
      end = Math.max(end, other.vaddr + other.pages);
    }
    backings.splice(first, last - first, { vaddr, pages: end - vaddr, pfn: vaddr + toFrame });
  }

  /** Place of the first one that ends behind an address, by page; their number where none does. */
  #firstEndingAfter(vaddr: number): number {
    const backings = this.#backings;
    let [low, high] = [0, backings.length];
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (backings[mid]!.vaddr + backings[mid]!.pages > vaddr) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  /** A region in a line as runs of frames. */
  resolve(region: Region, line: number, fail: FailAt): MapRun[] {
    if ("pfn" in region) return [region];
    const runs: MapRun[] = [];
    for (let done = 0; done < region.pages; ) {
      const at = region.vaddr + done;
      const backing = this.#backings[this.#firstEndingAfter(at)];
      if (backing === undefined || backing.vaddr > at)
        fail(`no backing line says which frame is behind vaddr ${hexPage(at)}`, line);
      const pages = Math.min(region.pages - done, backing.vaddr + backing.pages - at);
      runs.push(mapRun(region.iovaPfn + done, pages, backing.pfn + at - backing.vaddr, region.rights));
      done += pages;
    }
    return runs;
  }
}

/** What the `map` lines of a file, or of one call, say about one map: all of it, or what is added and removed. */
export class MapText {
  readonly #regions: Region[] = [];
  readonly #regionLines = new LineNumbers();
  readonly #edits: (Region | Removal)[] = [];
  readonly #editLines = new LineNumbers();
  /** `map new none` */
  #isEmpty = false;
  /** True while regions come in the order of their IOVA, each with its frame: they are runs of the map as they are. */
  #isInOrder = true;
  #lastIova = 0;

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
    this.#pushRegion(regionOf(at), line);
  }
  add(at: TextLine, line: number): void {
    this.#pushEdit(regionOf(at), line);
  }
  remove(at: TextLine, line: number): void {
    this.#pushEdit({ iovaPfn: at.addressOption("iova") as IovaPfn, pages: at.sizeOption() }, line);
  }

  /** The same for a line in plain form. False, and nothing is changed, where the map is said to be empty. */
  regionPlain({ iovaPfn, pages, framePfn, rights }: PlainOptions, line: number): boolean {
    if (this.#isEmpty) return false;
    this.#pushRegion(mapRun(iovaPfn, pages, framePfn, rights), line);
    return true;
  }
  addPlain({ iovaPfn, pages, framePfn, rights }: PlainOptions, line: number): boolean {
    this.#pushEdit(mapRun(iovaPfn, pages, framePfn, rights), line);
    return true;
  }
  removePlain({ iovaPfn, pages }: PlainOptions, line: number): boolean {
    this.#pushEdit({ iovaPfn: iovaPfn as IovaPfn, pages }, line);
    return true;
  }

  #pushRegion(region: Region, line: number): void {
    this.#isInOrder &&= region.iovaPfn >= this.#lastIova && "pfn" in region;
    this.#lastIova = region.iovaPfn;
    this.#regions.push(region);
    this.#regionLines.push(line);
  }
  /** Pages that are added, or removed where nothing says what is behind them. */
  #pushEdit(edit: Region | Removal, line: number): void {
    this.#edits.push(edit);
    this.#editLines.push(line);
  }

  /** Fails at what lies beyond the pages that tables of so many levels translate. */
  checkEnd(pages: number, levels: number, fail: FailAt): void {
    const check = (parts: readonly Removal[], lines: LineNumbers): void => {
      const beyond = parts.findIndex((part) => part.iovaPfn + part.pages > pages);
      if (beyond < 0) return;
      const last = `0x${(BigInt(pages) * 4096n - 1n).toString(16)}`;
      fail(
        `map reaches past ${last}, the last IOVA that tables of ${levels} levels translate`,
        lines.at(beyond),
      );
    };
    check(this.#regions, this.#regionLines);
    check(this.#edits, this.#editLines);
  }

  /** The map given as a whole. `name` stands in errors. */
  whole(name: string, backings: BackingText, fail: FailAt): readonly MapRun[] {
    const regions = this.#regions;
    const order = this.#isInOrder ? null : this.#ascending();
    const runs: MapRun[] = [];
    let end = 0;
    for (let i = 0; i < regions.length; i++) {
      const at = order === null ? i : order[i]!;
      const region = regions[at]!;
      const line = this.#regionLines.at(at);
      if (region.iovaPfn < end) fail(`map ${name} overlaps a region before it`, line);
      end = region.iovaPfn + region.pages;
      if (order !== null) for (const run of backings.resolve(region, line, fail)) runs.push(run);
    }
    return order === null ? (regions as MapRun[]) : runs;
  }

  /** Positions of the regions, by IOVA. */
  #ascending(): number[] {
    const regions = this.#regions;
    return regions.map((_, i) => i).sort((a, b) => regions[a]!.iovaPfn - regions[b]!.iovaPfn);
  }

  /** A map with what the lines add and remove, in their order. */
  edited(before: MapRunList, backings: BackingText, fail: FailAt): ChangedMap {
    const first = this.#edits[0];
    if (first !== undefined && this.isWhole)
      fail(
        '"map add" and "map remove" change the map before; with "map new" the map is given whole',
        this.#editLines.at(0),
      );
    let map = before;
    this.#edits.forEach((edit, i) => {
      const line = this.#editLines.at(i);
      const end = edit.iovaPfn + edit.pages;
      const met = map.touching(edit.iovaPfn, end);
      let between: readonly MapRun[];
      if (!("rights" in edit)) between = outside(met, edit.iovaPfn, end);
      else if (met.length > 0) fail('"map add" covers what is mapped already; "map remove" it first', line);
      else between = backings.resolve(edit, line, fail);
      map = map.replaced(edit.iovaPfn, end, between);
    });
    return { map, edited: this.#edits };
  }
}

const mapRun = (iova: number, pages: number, frame: number, rights: Rights): MapRun => ({
  iovaPfn: iovaPfn(iova),
  pages,
  pfn: pfn(frame),
  rights,
});

function regionOf(at: TextLine): Region {
  const to = at.only('"old", "new", "add" or "remove"');
  const rightsText = at.take("rights") ?? "rw";
  const rights = Object.hasOwn(RIGHTS, rightsText) ? RIGHTS[rightsText] : undefined;
  if (rights === undefined) at.fail(`rights "${rightsText}" is none of r, w, rw`);
  const iova = at.addressOption("iova");
  const pages = at.sizeOption();
  const hasFrame = at.has("frame");
  if (hasFrame === at.has("vaddr")) at.fail(`map ${to} needs either frame= or vaddr=`);
  if (hasFrame) return mapRun(iova, pages, at.addressOption("frame"), rights);
  return { iovaPfn: iovaPfn(iova), pages, vaddr: at.addressOption("vaddr"), rights };
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
