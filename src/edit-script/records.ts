import { iovaPfn, pfn } from "../units/index.ts";
import { type Step, waitStep } from "./steps.ts";

/**
 * The binary edit script: the one artefact the engine executes, the checker decides, mutators rewrite and printers show.
 *
 * A record is RECORD_WORDS 32-bit words; 64-bit values are two words, low first:
 *
 *     word 0   op | flags << 8
 *     word 1   update id
 *     word 2   table frame, or domain of invalidate, window and setRoot, or IOMMU of a wait that is for one
 *     word 3   index | count << 16, or scope/caches, or levels
 *     word 4,5 entry / first / iovaPfn / pfn / root
 *     word 6,7 stride / expected / pages / new tag
 *
 * A gather is followed by `count` entries of two words each. The engine reads this layout from shared memory as it is.
 */
export const RECORD_WORDS = 8;

export const OP = {
  fill: 1,
  gather: 2,
  barrier: 3,
  clean: 4,
  store: 5,
  storeRun: 6,
  exchange: 7,
  invalidate: 8,
  wait: 9,
  freeTable: 10,
  unpin: 11,
  window: 12,
  setRoot: 13,
  collect: 14,
} as const;

const OP_NAMES: readonly (Step["op"] | undefined)[] = Object.entries(OP).reduce<Step["op"][]>(
  (names, [name, op]) => names.with(op, name as keyof typeof OP),
  new Array(1 + Math.max(...Object.values(OP))).fill(undefined),
);

/** What the record at `at` does. Pre: `at` is the start of a record. */
export function opAt(words: Uint32Array, at: number): Step["op"] {
  const op = words[at]! & 0xff;
  return OP_NAMES[op] ?? unknown(op, at);
}

function unknown(op: number, at: number): never {
  throw new RangeError(`edit script: unknown op ${op} at word ${at}`);
}

/**
 * Flags in word 0: `wait` with drain, `wait` for one IOMMU; `window` open; `invalidate` of non-leaf scope. The engine waits for
 * all devices whatever the IOMMU: no kernel here asks it for less.
 */
export const FLAG_DRAIN = 1;
export const FLAG_ONE_IOMMU = 2;
export const FLAG_OPEN = 1;
export const FLAG_NON_LEAF = 1;

const TWO32 = 0x1_0000_0000;

/** Words of the record at `at`, payload included. */
export const recordLength = (words: Uint32Array, at: number): number =>
  (words[at]! & 0xff) === OP.gather ? RECORD_WORDS + 2 * (words[at + 3]! >>> 16) : RECORD_WORDS;

const pair = (words: Uint32Array, at: number): bigint => (BigInt(words[at + 1]!) << 32n) | BigInt(words[at]!);
const wide = (words: Uint32Array, at: number): number => words[at + 1]! * TWO32 + words[at]!;

/** Decodes the record at `at` into a step object. Pre: `at` is the start of a record. */
export function decodeStep(words: Uint32Array, at: number): Step {
  const op = words[at]! & 0xff;
  const flags = words[at]! >>> 8;
  const update = words[at + 1]!;
  const table = pfn(words[at + 2]!);
  const domain = words[at + 2]!;
  const index = words[at + 3]! & 0xffff;
  const count = words[at + 3]! >>> 16;
  const first = pair(words, at + 4);
  switch (op) {
    case OP.fill:
      return { op: "fill", update, table, index, count, first, stride: pair(words, at + 6) };
    case OP.gather:
      return {
        op: "gather",
        update,
        table,
        index,
        entries: Array.from({ length: count }, (_, i) => pair(words, at + RECORD_WORDS + 2 * i)),
      };
    case OP.barrier:
      return { op: "barrier" };
    case OP.clean:
      return { op: "clean", table, index, count };
    case OP.collect:
      return { op: "collect", table, index, count };
    case OP.store:
      return { op: "store", update, table, index, entry: first };
    case OP.storeRun:
      return { op: "storeRun", update, table, index, count, first, stride: pair(words, at + 6) };
    case OP.exchange:
      return { op: "exchange", update, table, index, entry: first, expected: pair(words, at + 6) };
    case OP.invalidate:
      return {
        op: "invalidate",
        domain,
        scope: flags & FLAG_NON_LEAF ? "nonLeaf" : "leaf",
        caches: words[at + 3]!,
        iovaPfn: iovaPfn(wide(words, at + 4)),
        pages: wide(words, at + 6),
      };
    case OP.wait:
      return waitStep((flags & FLAG_DRAIN) !== 0, flags & FLAG_ONE_IOMMU ? domain : undefined);
    case OP.freeTable:
      return { op: "freeTable", table };
    case OP.unpin:
      return { op: "unpin", pfn: pfn(wide(words, at + 4)), pages: wide(words, at + 6) };
    case OP.window:
      return {
        op: "window",
        state: flags & FLAG_OPEN ? "open" : "close",
        domain,
        iovaPfn: iovaPfn(wide(words, at + 4)),
        pages: wide(words, at + 6),
      };
    case OP.setRoot:
      return {
        op: "setRoot",
        update,
        domain,
        root: pfn(wide(words, at + 4)),
        levels: words[at + 3]!,
        tag: words[at + 6]!,
      };
    default:
      return unknown(op, at);
  }
}
