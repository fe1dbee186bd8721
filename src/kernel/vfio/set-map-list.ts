import { Errno } from "../../uapi/index.ts";
import type { AddressSpace } from "../mm/types.ts";
import type { SetMapArgument } from "./set-map-argument.ts";
import { REGION_BYTES, type RegionError } from "./set-map-regions.ts";

/* The caller's list of regions in user memory against the words of the list in force. */

/** The list of the last successful SET_MAP, word for word. Written by `adopt` only, after the commit. */
export interface ListInForce {
  bytes: Uint8Array<ArrayBuffer>;
  count: number;
  /** Its regions stood in IOVA order: region i is mapping i. */
  inOrder: boolean;
  /** Generation the list made; when another is in force the list is history. */
  generation: number;
  /** Process whose memory the list names. */
  mm: AddressSpace | null;
}

export const noList = (): ListInForce => ({
  bytes: new Uint8Array(0),
  count: 0,
  inOrder: true,
  generation: -1,
  mm: null,
});

/** What lies between a head and a tail that are word for word those of the list in force; the kernel's own copy. */
export interface Middle {
  readonly head: number;
  readonly tail: number;
  /** Regions between them. */
  readonly count: number;
  readonly words: Uint32Array<ArrayBuffer>;
}

/**
 * Compares the caller's list with the list in force where it stands in user memory, and copies what differs. Words found
 * equal are never read again (the kernel goes on with its own), so the caller gains nothing by changing them meanwhile.
 */
export function readMiddle(
  mm: AddressSpace,
  argument: SetMapArgument,
  inForce: ListInForce,
): Middle | RegionError {
  const count = argument.nr_regions;
  let user =
    argument.region_size === REGION_BYTES ? mm.userBytes(argument.regions, count * REGION_BYTES) : null;
  if (user === null) {
    const all = readAll(mm, argument);
    if ("errno" in all) return all;
    user = new Uint8Array(all.words.buffer);
  }
  const shared = Math.min(count, inForce.count);
  const head = equalHead(user, inForce.bytes, shared);
  const tail = equalTail(user, count, inForce.bytes, inForce.count, shared - head);
  const bytes = user.slice(head * REGION_BYTES, (count - tail) * REGION_BYTES);
  return { head, tail, count: count - head - tail, words: new Uint32Array(bytes.buffer) };
}

/** Copies the whole list in. -E2BIG when a longer region has something behind the part this kernel knows. */
export function readAll(mm: AddressSpace, argument: SetMapArgument): Middle | RegionError {
  const { nr_regions: count, region_size: stride, regions: address } = argument;
  const wide = new Uint8Array(count * stride);
  if (mm.copyFromUser(wide, address) < 0) return { errno: -Errno.EFAULT, index: -1 };
  if (stride === REGION_BYTES) return { head: 0, tail: 0, count, words: new Uint32Array(wide.buffer) };
  const bytes = new Uint8Array(count * REGION_BYTES);
  for (let i = 0; i < count; i++) {
    bytes.set(wide.subarray(i * stride, i * stride + REGION_BYTES), i * REGION_BYTES);
    const rest = wide.subarray(i * stride + REGION_BYTES, (i + 1) * stride);
    if (rest.some((byte) => byte !== 0)) return { errno: -Errno.E2BIG, index: i };
  }
  return { head: 0, tail: 0, count, words: new Uint32Array(bytes.buffer) };
}

/** The new list is in force: `middle` takes the place of what stood between head and tail. */
export function adopt(inForce: ListInForce, middle: Middle): void {
  const { head, tail } = middle;
  const count = head + middle.count + tail;
  const source = new Uint8Array(middle.words.buffer);
  const oldBytes = inForce.count * REGION_BYTES;
  const newBytes = count * REGION_BYTES;
  if (newBytes > inForce.bytes.length) {
    const grown = new Uint8Array(Math.max(newBytes, 2 * inForce.bytes.length));
    grown.set(inForce.bytes.subarray(0, oldBytes));
    inForce.bytes = grown;
  }
  if (count !== inForce.count)
    inForce.bytes.copyWithin(newBytes - tail * REGION_BYTES, oldBytes - tail * REGION_BYTES, oldBytes);
  inForce.bytes.set(source, head * REGION_BYTES);
  inForce.count = count;
}

/** Blocks in which two lists are compared: large enough that a native compare pays, small enough to find the place soon. */
const BLOCK_REGIONS = 2048;

/** Native byte comparison where the host has one (Node); a browser gets the loop. */
const isEqual: (a: Uint8Array, b: Uint8Array) => boolean =
  globalThis.Buffer === undefined
    ? (a, b) => a.every((byte, i) => byte === b[i])
    : (a, b) => globalThis.Buffer.compare(a, b) === 0;

/** Regions at the head of both lists whose bytes are equal, at most `limit`. */
const equalHead = (a: Uint8Array, b: Uint8Array, limit: number): number =>
  equalPrefix(limit, (from, to) =>
    isEqual(
      a.subarray(from * REGION_BYTES, to * REGION_BYTES),
      b.subarray(from * REGION_BYTES, to * REGION_BYTES),
    ),
  );

/** Regions at the tail of both lists (of `countA` and `countB` regions) whose bytes are equal, at most `limit`. */
const equalTail = (a: Uint8Array, countA: number, b: Uint8Array, countB: number, limit: number): number =>
  equalPrefix(limit, (from, to) =>
    isEqual(
      a.subarray((countA - to) * REGION_BYTES, (countA - from) * REGION_BYTES),
      b.subarray((countB - to) * REGION_BYTES, (countB - from) * REGION_BYTES),
    ),
  );

/** Length of the equal part, counted from the near end: block by block, then by halving the first block that differs. */
function equalPrefix(limit: number, isSame: (from: number, to: number) => boolean): number {
  let equal = 0;
  let end = 0;
  do {
    equal = end;
    end = Math.min(limit, equal + BLOCK_REGIONS);
  } while (equal < limit && isSame(equal, end));
  while (end - equal > 1) {
    const middle = (equal + end) >>> 1;
    if (isSame(equal, middle)) equal = middle;
    else end = middle;
  }
  return equal;
}
