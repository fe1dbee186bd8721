import { NO_RANGES, pagesIn, type Ranges } from "../lists/ranges.ts";
import type { MapReader } from "./map-reader.ts";
import type { MapRuns } from "./map-runs.ts";

/** No frame: the map has nothing here. */
export const NOTHING = -1;
/** Nobody looked what the maps have here. */
const UNREAD = -2;
/** Copying pieces costs more than room that is never touched. */
const GROWTH = 4;

/**
 * The old and the new map laid over each other where they were read: pieces that cover every page there is, each with one
 * answer of either map. Frames rise with pages inside a piece.
 */
export class JointMap {
  length = 0;
  starts: Float64Array;
  oldFrames: Float64Array;
  oldRights: Uint8Array;
  newFrames: Float64Array;
  newRights: Uint8Array;
  /** Pages that were read. */
  ranges = NO_RANGES;
  /** No page that was read is answered alike by both maps. */
  isAllChanged = false;
  /** Pages that are known to be among them. */
  #covered: Ranges = NO_RANGES;
  #last = 0;

  /** Pieces that there are if all pages are read, by and large. */
  readonly #likely: number;

  /** Nothing is filled in yet. `room`: pieces that are expected; `likely`: a number that they will hardly exceed. */
  constructor(room: number, likely: number) {
    this.#likely = likely;
    this.starts = new Float64Array(room);
    this.oldFrames = new Float64Array(room);
    this.oldRights = new Uint8Array(room);
    this.newFrames = new Float64Array(room);
    this.newRights = new Uint8Array(room);
  }

  /** What both maps have in some ranges. */
  static of(maps: MapReader, ranges: Ranges): JointMap {
    return JointMap.overlay(maps.runs("old", ranges), maps.runs("new", ranges), ranges);
  }

  /** Lays two maps over each other. */
  static overlay(before: MapRuns, after: MapRuns, ranges: Ranges): JointMap {
    // Two scattered maps have their edges in the same places.
    const likely = Math.min(Math.max(before.length, after.length), pagesIn(ranges));
    const joint = new JointMap(likely + ranges.starts.length + 1, likely);
    let page = 0;
    let i = 0;
    let j = 0;
    for (let r = 0; r < ranges.starts.length; r++) {
      if (page < ranges.starts[r]!) joint.leaveOut(page);
      page = ranges.starts[r]!;
      while (i < before.length && before.ends[i]! <= page) i++;
      while (j < after.length && after.ends[j]! <= page) j++;
      for (const end = ranges.ends[r]!; page < end; ) {
        const oldStart = i < before.length ? before.starts[i]! : Infinity;
        const newStart = j < after.length ? after.starts[j]! : Infinity;
        const inOld = oldStart <= page;
        const inNew = newStart <= page;
        const piece = joint.next(page);
        joint.oldFrames[piece] = inOld ? before.frames[i]! + page - oldStart : NOTHING;
        joint.oldRights[piece] = inOld ? before.rights[i]! : 0;
        joint.newFrames[piece] = inNew ? after.frames[j]! + page - newStart : NOTHING;
        joint.newRights[piece] = inNew ? after.rights[j]! : 0;
        const oldEdge = inOld ? before.ends[i]! : oldStart;
        const newEdge = inNew ? after.ends[j]! : newStart;
        page = Math.min(oldEdge, newEdge, end);
        if (inOld && oldEdge === page) i++;
        if (inNew && newEdge === page) j++;
      }
    }
    return joint.closed(page, ranges);
  }

  /** True iff all these pages were read. */
  covers(pages: Ranges): boolean {
    if (pages === this.#covered) return true;
    const { starts, ends } = this.ranges;
    for (let i = 0, r = 0; i < pages.starts.length; i++) {
      while (r < ends.length && ends[r]! < pages.ends[i]!) r++;
      if (r === ends.length || starts[r]! > pages.starts[i]!) return false;
    }
    this.#covered = pages;
    return true;
  }

  /** What the maps have from a page on is not read. */
  leaveOut(page: number): void {
    const piece = this.next(page);
    this.oldFrames[piece] = this.newFrames[piece] = UNREAD;
  }

  /** All is filled in, up to page `end`: the answers on `ranges`. */
  closed(end: number, ranges: Ranges): JointMap {
    this.leaveOut(end);
    this.ranges = ranges;
    return this;
  }

  /** True iff the last piece answers for a page right behind it as well. */
  continues(page: number, oldFrame: number, oldRights: number, newFrame: number, newRights: number): boolean {
    const last = this.length - 1;
    if (last < 0 || this.oldRights[last] !== oldRights || this.newRights[last] !== newRights) return false;
    const by = page - this.starts[last]!;
    const old = this.oldFrames[last]!;
    const next = this.newFrames[last]!;
    return (
      (old === NOTHING ? NOTHING : old + by) === oldFrame &&
      (next === NOTHING ? NOTHING : next + by) === newFrame
    );
  }

  /** The piece that starts at a page, behind all others: its answers are still to be filled in. */
  next(page: number): number {
    if (this.length === this.starts.length) {
      let longer = GROWTH * this.length;
      if (this.length < this.#likely) longer = Math.min(longer, this.#likely);
      this.starts = grown(this.starts, new Float64Array(longer));
      this.oldFrames = grown(this.oldFrames, new Float64Array(longer));
      this.oldRights = grown(this.oldRights, new Uint8Array(longer));
      this.newFrames = grown(this.newFrames, new Float64Array(longer));
      this.newRights = grown(this.newRights, new Uint8Array(longer));
    }
    this.starts[this.length] = page;
    return this.length++;
  }

  start(piece: number): number {
    return this.starts[piece]!;
  }
  end(piece: number): number {
    return piece + 1 < this.length ? this.starts[piece + 1]! : Infinity;
  }

  /** The piece that holds a page. Neighbouring questions are answered from the last piece. Pre: the page was read. */
  find(page: number): number {
    const piece = this.#holding(page);
    if (this.oldFrames[piece] === UNREAD)
      throw new RangeError(`JointMap.find: what the maps have at page 0x${page.toString(16)} was not read`);
    return (this.#last = piece);
  }

  #holding(page: number): number {
    let low = this.#last;
    if (this.starts[low]! <= page) {
      if (page < this.end(low)) return low;
      if (page < this.end(low + 1)) return low + 1;
      if (page < this.end(low + 2)) return low + 2;
    }
    low = 0;
    let high = this.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >>> 1;
      if (this.starts[mid]! <= page) low = mid;
      else high = mid - 1;
    }
    return low;
  }

  /** Pages that some map has, of those that were read. */
  get mappedPages(): number {
    let pages = 0;
    for (let piece = 0; piece + 1 < this.length; piece++)
      if (this.oldFrames[piece] !== NOTHING || this.newFrames[piece] !== NOTHING)
        pages += this.end(piece) - this.start(piece);
    return pages;
  }

  /** True iff some page of the ranges is kept, or was not read. */
  mayKeep(pages: Ranges): boolean {
    if (this.isAllChanged) return !this.covers(pages);
    const { starts, ends } = pages;
    for (let r = 0; r < starts.length; r++)
      for (let piece = (this.#last = this.#holding(starts[r]!)); piece < this.length; piece++) {
        if (this.oldFrames[piece] === UNREAD || this.isKept(piece)) return true;
        if (this.end(piece) >= ends[r]!) break;
      }
    return false;
  }

  /** True iff both maps were read and answer alike, with a frame. */
  isKept(piece: number): boolean {
    return this.oldFrames[piece]! >= 0 && !this.isChanged(piece);
  }
  isChanged(piece: number): boolean {
    return this.oldFrames[piece] !== this.newFrames[piece] || this.oldRights[piece] !== this.newRights[piece];
  }
  /** True iff every page of [start, end) was read and is answered otherwise by the new map. */
  isChangedThroughout(start: number, end: number): boolean {
    if (start >= end) return true;
    for (let piece = (this.#last = this.#holding(start)); piece < this.length; piece++) {
      if (!this.isChanged(piece)) return false;
      if (this.end(piece) >= end) return true;
    }
    return false;
  }
  /** The map that alone answers one kind of access to a page with `met`, a frame or NOTHING; null where none or both do. */
  onlyIn(piece: number, page: number, access: number, met: number): "old" | "new" | null {
    const isOld = met === (this.oldRights[piece]! & access ? this.oldFrame(piece, page) : NOTHING);
    const isNew = met === (this.newRights[piece]! & access ? this.newFrame(piece, page) : NOTHING);
    if (isOld === isNew) return null;
    return isNew ? "new" : "old";
  }
  /** Frame of a page in the old map, or NOTHING. */
  oldFrame(piece: number, page: number): number {
    const frame = this.oldFrames[piece]!;
    return frame === NOTHING ? NOTHING : frame + page - this.starts[piece]!;
  }
  newFrame(piece: number, page: number): number {
    const frame = this.newFrames[piece]!;
    return frame === NOTHING ? NOTHING : frame + page - this.starts[piece]!;
  }
}

function grown<Column extends Float64Array | Uint8Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}
