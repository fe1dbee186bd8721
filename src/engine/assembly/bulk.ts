import { ACCESSED, childOffset, DIRTY, isLeaf, isPresent, PAGE_SIZE_BIT } from "./entry";

/* Batches whose inner loop must not cross from JavaScript for every item. */

const FRAME: u64 = 0x000f_ffff_ffff_f000;
const FAULT: u64 = ~(<u64>0);

/** Frame of a page by a four-level walk, the levels written out: a loop over them costs a third more. */
function walkFour(root: usize, page: u64): u64 {
  let entry = atomic.load<u64>(root + ((u32(page >> 27) & 511) << 3));
  let rights = entry;
  if ((rights & 3) === 0) return FAULT;
  entry = atomic.load<u64>(<usize>childOffset(entry) + ((u32(page >> 18) & 511) << 3));
  rights &= entry;
  if ((rights & 3) === 0) return FAULT;
  if ((entry & PAGE_SIZE_BIT) !== 0) return ((entry & FRAME) >> 12) | (page & 0x3_ffff);
  entry = atomic.load<u64>(<usize>childOffset(entry) + ((u32(page >> 9) & 511) << 3));
  rights &= entry;
  if ((rights & 3) === 0) return FAULT;
  if ((entry & PAGE_SIZE_BIT) !== 0) return ((entry & FRAME) >> 12) | (page & 0x1ff);
  entry = atomic.load<u64>(<usize>childOffset(entry) + ((u32(page) & 511) << 3));
  rights &= entry;
  if ((rights & 3) === 0) return FAULT;
  return (entry & FRAME) >> 12;
}

/**
 * Walks `count` random pages below `pages` (xorshift32 from `seed`, multiplied into the range) and returns how many do
 * not end at page + delta, in the high half; the low half is the seed to go on with.
 * Pre: four levels, and every pointer stays inside the table window.
 */
export function checkedWalks(root: u32, pages: u32, count: u32, delta: f64, seed: u32): u64 {
  const shift = u64(delta);
  let state = seed;
  let wrong: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    const page = (<u64>state * <u64>pages) >> 32;
    if (walkFour(root, page) !== page + shift) wrong++;
  }
  return (wrong << 32) | state;
}

/**
 * Do all 512 entries of a table at `level` continue one another, with equal attributes, so that one leaf of the next
 * size could stand for them? Returns -1 if not, else their A and D bits ORed (hardware sets those one by one).
 *
 * Plain vector loads are enough: the caller is the only one who changes entries, and what walkers may set meanwhile
 * are two bits of one byte, which no tearing can mix with anything.
 */
export function uniformTable(table: u32, level: i32): i32 {
  const first = load<u64>(table);
  const stride: u64 = (<u64>4096) << (9 * level);
  if (level > 1 || !isPresent(first) || !isLeaf(first, level)) return -1;
  if ((first & FRAME & ((stride << 9) - 1)) !== 0) return -1;
  const start = first & ~(ACCESSED | DIRTY);
  const relevant = v128.splat<u64>(~(ACCESSED | DIRTY));
  const step = v128.splat<u64>(stride << 1);
  let expected = i64x2.replace_lane(v128.splat<u64>(start), 1, start + stride);
  let seen = v128.splat<u64>(0);
  let at: usize = table;
  const end: usize = at + 4096;
  while (at < end) {
    let differs = v128.splat<u64>(0);
    for (const group: usize = at + 512; at < group; at += 64) {
      const a = v128.load(at);
      const b = v128.load(at, 16);
      const c = v128.load(at, 32);
      const d = v128.load(at, 48);
      const expectedB = i64x2.add(expected, step);
      const expectedC = i64x2.add(expectedB, step);
      const expectedD = i64x2.add(expectedC, step);
      differs = v128.or(differs, v128.and(v128.xor(a, expected), relevant));
      differs = v128.or(differs, v128.and(v128.xor(b, expectedB), relevant));
      differs = v128.or(differs, v128.and(v128.xor(c, expectedC), relevant));
      differs = v128.or(differs, v128.and(v128.xor(d, expectedD), relevant));
      seen = v128.or(seen, v128.or(v128.or(a, b), v128.or(c, d)));
      expected = i64x2.add(expectedD, step);
    }
    if (v128.any_true(differs)) return -1;
  }
  const bits: u64 = v128.extract_lane<u64>(seen, 0) | v128.extract_lane<u64>(seen, 1);
  return i32(bits & (ACCESSED | DIRTY));
}
