import { describe, expect, it } from "vitest";
import { MUTANTS, type MutantContext } from "../../src/check/mutants/index.ts";
import { CACHES_ALL, CAPABILITIES, EditScript, type Step } from "../../src/edit-script/index.ts";
import { entryReader } from "../../src/harness/stress/entry-reader.ts";
import { FORMATS } from "../../src/kernel/iommu/formats/index.ts";
import { iovaPfn, pfn, READ, WRITE } from "../../src/units/index.ts";

const format = FORMATS.get("vtd-ss")!;
const join = ({ lo, hi }: { lo: number; hi: number }): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
const ROOT = pfn(0x10_0000);
const CHILD = pfn(0x10_0001);
const A = pfn(0x100_0000);
const B = pfn(0x280_0000);
const leaf = (level: number, frame: number, rights = READ | WRITE): bigint =>
  join(format.leaf(level, pfn(frame), rights));
const link = join(format.table(CHILD));
const live = new Map<number, bigint>();

const context: MutantContext = {
  capability: CAPABILITIES.get("vtd-ss-39")!,
  entries: entryReader(format, { tablePages: 64 }),
  entryAt: (table, index) => live.get(table * 512 + index) ?? 0n,
  placeOf: () => null,
  linkTo: () => null,
};
/** The mutants these small scripts are about. */
const FIRST = ["M01", "M02", "M13", "M18", "M21", "M25"];
const setLive = (entries: readonly [number, number, bigint][]): void => {
  live.clear();
  for (const [table, index, entry] of entries) live.set(table * 512 + index, entry);
};
const invalidate = (scope: "leaf" | "nonLeaf"): Step => ({
  op: "invalidate",
  domain: 1,
  scope,
  caches: CACHES_ALL,
  iovaPfn: iovaPfn(0),
  pages: 512,
});
const wait: Step = { op: "wait", drain: true };
const barrier: Step = { op: "barrier" };
const store = (update: number, index: number, entry: bigint): Step => ({
  op: "store",
  update,
  table: ROOT,
  index,
  entry,
});
const rewrite = (id: string, steps: Step[]): Step[] => [
  ...MUTANTS.get(id)!.rewrite(EditScript.from(steps), context),
];
const ops = (steps: Step[]): string => steps.map((step) => step.op).join(" ");

/** A 2 MiB leaf becomes a table of 4 KiB leaves. */
const stride = join(format.leafStride(0));
const split: Step[] = [
  { op: "fill", update: 1, table: CHILD, index: 0, count: 512, first: leaf(0, A), stride },
  barrier,
  store(1, 3, link),
  barrier,
  invalidate("nonLeaf"),
  wait,
];

describe("mutants of the edit script", () => {
  it("leave a script alone in which their bug does not bite", () => {
    setLive([[ROOT, 3, leaf(1, A, READ)]]);
    const script = EditScript.from([store(1, 3, leaf(1, A)), barrier, invalidate("leaf"), wait]);
    for (const id of FIRST) expect(MUTANTS.get(id)!.rewrite(script, context)).toBe(script);
  });

  it("M01 links the child empty and fills it with live stores", () => {
    setLive([[ROOT, 3, leaf(1, A)]]);
    const steps = rewrite("M01", split);
    expect(ops(steps)).toBe("fill barrier store storeRun barrier invalidate wait");
    expect(steps[0]).toMatchObject({ table: CHILD, index: 0, count: 512, first: 0n, stride: 0n });
    expect(steps[3]).toMatchObject({ table: CHILD, count: 512, first: leaf(0, A), stride });
  });

  it("M01 also delays gathered entries", () => {
    setLive([[ROOT, 3, leaf(1, A)]]);
    const gather: Step = {
      op: "gather",
      update: 1,
      table: CHILD,
      index: 4,
      entries: [leaf(0, A), 0n, leaf(0, B)],
    };
    const steps = rewrite("M01", [gather, ...split.slice(1)]);
    expect(ops(steps)).toBe("fill barrier store store store barrier invalidate wait");
    expect(steps.slice(3, 5)).toMatchObject([
      { table: CHILD, index: 4, entry: leaf(0, A) },
      { table: CHILD, index: 6, entry: leaf(0, B) },
    ]);
  });

  it("M02 clears the slot before a leaf becomes a table or a table a leaf", () => {
    setLive([[ROOT, 3, leaf(1, A)]]);
    const steps = rewrite("M02", split);
    expect(ops(steps)).toBe("fill barrier store store barrier invalidate wait");
    expect(steps[2]).toMatchObject({ table: ROOT, index: 3, entry: 0n });
    setLive([[ROOT, 3, link]]);
    expect(rewrite("M02", [store(1, 3, leaf(1, A))])).toMatchObject([{ entry: 0n }, { entry: leaf(1, A) }]);
  });

  it("M02 leaves stores that keep the size of a leaf alone", () => {
    setLive([[ROOT, 3, leaf(1, A)]]);
    const script = EditScript.from([store(1, 3, leaf(1, B))]);
    expect(MUTANTS.get("M02")!.rewrite(script, context)).toBe(script);
  });

  it("M13 drops the leaf invalidation after rights were taken away, and no other", () => {
    setLive([[ROOT, 3, leaf(1, A)]]);
    const narrow = [store(1, 3, leaf(1, A, READ)), barrier, invalidate("leaf"), wait];
    expect(ops(rewrite("M13", narrow))).toBe("store barrier wait");
    const other = [store(2, 4, leaf(1, A)), barrier, invalidate("leaf"), wait];
    expect(ops(rewrite("M13", [...narrow, ...other]))).toBe(
      "store barrier wait store barrier invalidate wait",
    );
    setLive([[ROOT, 3, leaf(1, A, READ)]]);
    const widen = EditScript.from([store(1, 3, leaf(1, A)), barrier, invalidate("leaf"), wait]);
    expect(MUTANTS.get("M13")!.rewrite(widen, context)).toBe(widen);
  });

  it("M18 unpins after the stores and before the first invalidation", () => {
    setLive([[ROOT, 3, leaf(1, A)]]);
    const unpin: Step = { op: "unpin", pfn: A, pages: 512 };
    const steps = rewrite("M18", [store(1, 3, leaf(1, B)), barrier, invalidate("leaf"), wait, unpin]);
    expect(ops(steps)).toBe("store barrier unpin invalidate wait");
  });

  it("M21 frees the table right after the store that detaches it", () => {
    setLive([[ROOT, 3, link]]);
    const free: Step = { op: "freeTable", table: CHILD };
    const steps = rewrite("M21", [store(1, 3, leaf(1, A)), barrier, invalidate("nonLeaf"), wait, free]);
    expect(ops(steps)).toBe("store freeTable barrier invalidate wait");
  });

  it("M25 writes two halves of one update, and only where both halves change", () => {
    setLive([[ROOT, 3, leaf(1, A)]]);
    const to = leaf(1, B + 512);
    const half = (leaf(1, A) & ~0xffff_ffffn) | (to & 0xffff_ffffn);
    const far = rewrite("M25", [store(7, 3, to)]);
    expect(far).toMatchObject([
      { op: "store", update: 7, table: ROOT, index: 3, entry: half },
      { op: "store", update: 7, table: ROOT, index: 3, entry: to },
    ]);
    const near = EditScript.from([store(7, 3, leaf(1, pfn(A + 512)))]);
    expect(MUTANTS.get("M25")!.rewrite(near, context)).toBe(near);
  });
});
