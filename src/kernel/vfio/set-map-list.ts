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

/** Regions compared at a time natively: large blocks, then small ones in the first large one that differs, then words. */
const BLOCK_REGIONS = [512, 32] as const;
const REGION_WORDS = REGION_BYTES / 4;

/** Native byte comparison where the host has one (Node); a browser gets the loop alone. */
const nativeCompare: ((a: Uint8Array, b: Uint8Array) => number) | undefined = globalThis.Buffer?.compare;

/** Regions at the head of both lists whose bytes are equal, at most `limit`. */
function equalHead(a: Uint8Array, b: Uint8Array, limit: number): number {
  let equal = 0;
  for (const block of BLOCK_REGIONS)
    while (equal < limit) {
      const end = Math.min(limit, equal + block);
      if (!isSameBlock(a, b, equal, equal, end - equal)) break;
      equal = end;
    }
  const wordsA = wordsOf(a);
  const wordsB = wordsOf(b);
  while (equal < limit && isSameRegion(wordsA, wordsB, equal, equal)) equal++;
  return equal;
}

/** Regions at the tail of both lists (of `countA` and `countB` regions) whose bytes are equal, at most `limit`. */
function equalTail(a: Uint8Array, countA: number, b: Uint8Array, countB: number, limit: number): number {
  let equal = 0;
  for (const block of BLOCK_REGIONS)
    while (equal < limit) {
      const end = Math.min(limit, equal + block);
      if (!isSameBlock(a, b, countA - end, countB - end, end - equal)) break;
      equal = end;
    }
  const wordsA = wordsOf(a);
  const wordsB = wordsOf(b);
  while (equal < limit && isSameRegion(wordsA, wordsB, countA - equal - 1, countB - equal - 1)) equal++;
  return equal;
}

/** False also where the host cannot compare natively: then the loop does it all. */
function isSameBlock(a: Uint8Array, b: Uint8Array, fromA: number, fromB: number, regions: number): boolean {
  if (nativeCompare === undefined) return false;
  const blockA = a.subarray(fromA * REGION_BYTES, (fromA + regions) * REGION_BYTES);
  return nativeCompare(blockA, b.subarray(fromB * REGION_BYTES, (fromB + regions) * REGION_BYTES)) === 0;
}

/** The bytes as words; a list at an odd address is copied. */
const wordsOf = (bytes: Uint8Array): Uint32Array =>
  bytes.byteOffset % 4 === 0
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
    : new Uint32Array(bytes.slice().buffer);

function isSameRegion(a: Uint32Array, b: Uint32Array, regionA: number, regionB: number): boolean {
  const i = regionA * REGION_WORDS;
  const j = regionB * REGION_WORDS;
  for (let k = 0; k < REGION_WORDS; k++) if (a[i + k] !== b[j + k]) return false;
  return true;
}
