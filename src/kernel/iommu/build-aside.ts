import type { Pfn } from "../../units/index.ts";
import { ABSENT, type Entry, marked } from "./format.ts";
import type { PlanContext } from "./plan-context.ts";
import { NO_FRAME } from "./run-list.ts";

/*
 * Subtrees built where no walker can see them: plain stores, linked later by one live store of the entry returned here.
 *
 * Where walkers set A and D, those that still hold what stood there before may set them until it has left the caches, and
 * nobody would look there again: leaves that replace something begin with both bits set.
 */

/** With more pieces than this a list of entries is shorter than a list of arithmetic runs. */
const MAX_FILLS = 8;

/**
 * The entry that gives the slot at `start` the translation of the runs [from, to); pages no run mentions are absent. Leaves
 * begin with the hardware bits `bits`: none for what was absent.
 */
export function buildSlot(
  plan: PlanContext,
  update: number,
  level: number,
  start: number,
  from: number,
  to: number,
  bits: number,
): Entry {
  if (plan.runs.allAbsent(from, to)) return ABSENT;
  const leaf = plan.singleLeaf(level, start, from, to);
  if (leaf !== null) {
    plan.counts.leavesStored++;
    return marked(leaf, bits);
  }
  const table = plan.alloc(level - 1, start);
  if (level === 1) fillLeaves(plan, update, table, start, from, to, bits);
  else
    fillEntries(plan, update, table, (index) => {
      const childStart = plan.slotStart(level - 1, start, index);
      const a = plan.runs.firstEndingAfter(childStart, from, to);
      const b = plan.runs.firstStartingAt(childStart + plan.span(level - 1), a, to);
      return a === b ? ABSENT : buildSlot(plan, update, level - 1, childStart, a, b, bits);
    });
  return plan.format.table(table);
}

/** Fills a table of 4 KiB leaves straight from the runs. */
function fillLeaves(
  plan: PlanContext,
  update: number,
  table: Pfn,
  start: number,
  from: number,
  to: number,
  bits: number,
): void {
  const { runs, format } = plan;
  const script = plan.change.build;
  const stride = format.leafStride(0);
  if (to - from > MAX_FILLS) {
    const { words, at } = script.gather(update, table, 0, 512);
    for (let i = from; i < to; i++) {
      if (runs.pfns[i] === NO_FRAME) continue;
      const first = Math.max(runs.starts[i]!, start);
      const end = Math.min(runs.ends[i]!, start + 512);
      for (let page = first; page < end; page++) {
        const entry = marked(format.leaf(0, runs.frameAt(i, page), runs.rights[i]!), bits);
        words[at + 2 * (page - start)] = entry.lo;
        words[at + 2 * (page - start) + 1] = entry.hi;
      }
      plan.counts.leavesStored += end - first;
    }
    return;
  }
  let filled = 0;
  for (let i = from; i < to; i++) {
    if (runs.pfns[i] === NO_FRAME) continue;
    const first = Math.max(runs.starts[i]!, start) - start;
    const end = Math.min(runs.ends[i]!, start + 512) - start;
    if (first > filled) script.fill(update, table, filled, first - filled, 0, 0, 0, 0);
    const entry = marked(format.leaf(0, runs.frameAt(i, start + first), runs.rights[i]!), bits);
    script.fill(update, table, first, end - first, entry.lo, entry.hi, stride.lo, stride.hi);
    plan.counts.leavesStored += end - first;
    filled = end;
  }
  if (filled < 512) script.fill(update, table, filled, 512 - filled, 0, 0, 0, 0);
}

/** Fills all 512 entries of a table no walker can reach, as few arithmetic runs where that is shorter. */
export function fillEntries(
  plan: PlanContext,
  update: number,
  table: Pfn,
  entryAt: (index: number) => Entry,
): void {
  const words = new Uint32Array(1024);
  for (let index = 0; index < 512; index++) {
    const entry = entryAt(index);
    words[2 * index] = entry.lo;
    words[2 * index + 1] = entry.hi;
  }
  emitEntries(plan, update, table, words);
}

/** The same, of entries given as words (low, high). */
export function emitEntries(plan: PlanContext, update: number, table: Pfn, words: Uint32Array): void {
  const script = plan.change.build;
  const pieces = arithmeticPieces(words);
  if (pieces.length <= MAX_FILLS) {
    for (const piece of pieces)
      script.fill(
        update,
        table,
        piece.index,
        piece.count,
        words[2 * piece.index]!,
        words[2 * piece.index + 1]!,
        piece.strideLo,
        piece.strideHi,
      );
  } else {
    const payload = script.gather(update, table, 0, 512);
    payload.words.set(words, payload.at);
  }
}

interface Piece {
  index: number;
  count: number;
  strideLo: number;
  strideHi: number;
}

/** Cuts 512 entries into runs of constant 64-bit difference; stops counting once a list of entries is shorter anyway. */
function arithmeticPieces(words: Uint32Array): Piece[] {
  const pieces: Piece[] = [];
  let index = 0;
  while (index < 512 && pieces.length <= MAX_FILLS) {
    const piece: Piece = { index, count: 1, strideLo: 0, strideHi: 0 };
    while (index + piece.count < 512) {
      const at = 2 * (index + piece.count);
      const strideLo = (words[at]! - words[at - 2]!) >>> 0;
      const strideHi = (words[at + 1]! - words[at - 1]! - (words[at]! < words[at - 2]! ? 1 : 0)) >>> 0;
      if (piece.count === 1) {
        piece.strideLo = strideLo;
        piece.strideHi = strideHi;
      } else if (strideLo !== piece.strideLo || strideHi !== piece.strideHi) break;
      piece.count++;
    }
    pieces.push(piece);
    index += piece.count;
  }
  return pieces;
}

/**
 * A leaf cut into the shape that the runs [from, to) will need, with the leaf's own translation: the first half of
 * replacing a leaf by smaller ones. Pages that go are absent at once. `bits` are the hardware bits of the old leaf. Pre: the
 * runs cover the slot.
 */
export function buildIdentical(
  plan: PlanContext,
  update: number,
  level: number,
  start: number,
  frame: Pfn,
  rights: number,
  bits: number,
  from: number,
  to: number,
): Entry {
  if (plan.runs.allAbsent(from, to)) return ABSENT;
  if (level === 0 || plan.singleLeaf(level, start, from, to) !== null)
    return marked(plan.format.leaf(level, frame, rights), bits);
  const table = plan.alloc(level - 1, start);
  fillEntries(plan, update, table, (index) => {
    const childStart = plan.slotStart(level - 1, start, index);
    const a = plan.runs.firstEndingAfter(childStart, from, to);
    const b = plan.runs.firstStartingAt(childStart + plan.span(level - 1), a, to);
    const childFrame = (frame + (childStart - start)) as Pfn;
    return buildIdentical(plan, update, level - 1, childStart, childFrame, rights, bits, a, b);
  });
  return plan.format.table(table);
}

/**
 * A new leaf's translation in the shape of the table that stands there: the first half of replacing smaller leaves by one
 * large leaf with other frames. Where the old table has nothing the largest leaf of that level serves.
 */
export function buildInShapeOf(
  plan: PlanContext,
  update: number,
  level: number,
  start: number,
  old: Pfn,
  frame: Pfn,
  rights: number,
): Entry {
  const { format } = plan;
  const words = plan.engine.readTable(old).slice();
  const table = plan.alloc(level - 1, start);
  fillEntries(plan, update, table, (index) => {
    const lo = words[2 * index]!;
    const hi = words[2 * index + 1]!;
    const childFrame = (frame + index * plan.span(level - 1)) as Pfn;
    const isPresent = format.isPresent(lo, hi);
    if (isPresent && format.isTable(level - 1, lo, hi))
      return buildInShapeOf(
        plan,
        update,
        level - 1,
        plan.slotStart(level - 1, start, index),
        format.pfnOf(lo, hi),
        childFrame,
        rights,
      );
    plan.counts.leavesStored++;
    return marked(format.leaf(level - 1, childFrame, rights), isPresent ? plan.hardwareBits : 0);
  });
  return format.table(table);
}
