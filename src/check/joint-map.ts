import type { MapRun } from "../edit-script/index.ts";

/** No frame: the map has nothing here. */
export const NOTHING = -1;

/**
 * The old and the new map laid over each other: pieces that cover every page there is, each with one answer of either map.
 * Frames rise with pages inside a piece.
 */
export class JointMap {
  readonly length: number;
  readonly starts: Float64Array;
  readonly oldFrames: Float64Array;
  readonly oldRights: Uint8Array;
  readonly newFrames: Float64Array;
  readonly newRights: Uint8Array;
  #last = 0;

  /** Pre: both maps sorted, free of overlap. */
  constructor(before: readonly MapRun[], after: readonly MapRun[]) {
    const most = 2 * (before.length + after.length) + 1;
    this.starts = new Float64Array(most);
    this.oldFrames = new Float64Array(most);
    this.oldRights = new Uint8Array(most);
    this.newFrames = new Float64Array(most);
    this.newRights = new Uint8Array(most);
    let page = 0;
    let i = 0;
    let j = 0;
    for (let piece = 0; ; piece++) {
      const o = before[i];
      const n = after[j];
      const inOld = o !== undefined && o.iovaPfn <= page;
      const inNew = n !== undefined && n.iovaPfn <= page;
      this.starts[piece] = page;
      this.oldFrames[piece] = inOld ? o.pfn + page - o.iovaPfn : NOTHING;
      this.oldRights[piece] = inOld ? o.rights : 0;
      this.newFrames[piece] = inNew ? n.pfn + page - n.iovaPfn : NOTHING;
      this.newRights[piece] = inNew ? n.rights : 0;
      const oldEdge = o === undefined ? Infinity : inOld ? o.iovaPfn + o.pages : o.iovaPfn;
      const newEdge = n === undefined ? Infinity : inNew ? n.iovaPfn + n.pages : n.iovaPfn;
      const next = Math.min(oldEdge, newEdge);
      if (next === Infinity) {
        this.length = piece + 1;
        return;
      }
      if (inOld && oldEdge === next) i++;
      if (inNew && newEdge === next) j++;
      page = next;
    }
  }

  start(piece: number): number {
    return this.starts[piece]!;
  }
  end(piece: number): number {
    return piece + 1 < this.length ? this.starts[piece + 1]! : Infinity;
  }

  /** The piece that holds a page. Neighbouring questions are answered from the last piece. */
  find(page: number): number {
    let low = this.#last;
    if (this.starts[low]! <= page && page < this.end(low)) return low;
    if (page >= this.end(low) && page < this.end(low + 1)) return (this.#last = low + 1);
    low = 0;
    let high = this.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >>> 1;
      if (this.starts[mid]! <= page) low = mid;
      else high = mid - 1;
    }
    return (this.#last = low);
  }

  /** True iff both maps answer alike, with a frame. */
  isKept(piece: number): boolean {
    return this.oldFrames[piece] !== NOTHING && !this.isChanged(piece);
  }
  isChanged(piece: number): boolean {
    return this.oldFrames[piece] !== this.newFrames[piece] || this.oldRights[piece] !== this.newRights[piece];
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
