import fc from "fast-check";
import { CAPABILITIES, type Step } from "../../src/edit-script/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";

export const page = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(pfn);
const wide = fc.integer({ min: 0, max: 2 ** 44 });
const pages = fc.integer({ min: 1, max: 2 ** 40 });
const entry = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const update = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const at = fc
  .tuple(fc.nat(511), fc.nat(511))
  .map(([a, b]) => ({ index: Math.min(a, b), count: Math.abs(a - b) + 1 }));
/** A run whose addresses stay within their bits, ascending or descending. */
const run = fc
  .record({ at, first: entry, end: fc.bigInt({ min: 0n, max: (1n << 52n) - 1n }) })
  .map(({ at, first, end }) => {
    const span = end - BigInt.asUintN(52, first);
    return { ...at, first, stride: BigInt.asUintN(64, at.count > 1 ? span / BigInt(at.count - 1) : span) };
  });
const op = <const T extends string>(name: T) => fc.constant(name);
/** It begins within the IOVA space of every profile, and may reach past it. */
const range = { iovaPfn: fc.nat(2 ** 27 - 1).map(iovaPfn), pages };
/** Any step of domains 1 and 5. */
export const anyStep = fc.oneof(
  fc
    .record({ op: fc.constantFrom("fill", "storeRun"), update, table: page, run })
    .map(({ run, ...s }) => ({ ...s, ...run })),
  fc
    .record({
      op: op("gather"),
      update,
      table: page,
      at,
      entries: fc.array(entry, { minLength: 1, maxLength: 9 }),
    })
    .map(({ at: { index, count }, ...s }) => ({ ...s, index, entries: s.entries.slice(0, count) })),
  fc.constant({ op: "barrier" }),
  fc
    .record({ op: fc.constantFrom("clean", "collect"), table: page, at })
    .map(({ at, ...s }) => ({ ...s, ...at })),
  fc.record({ op: op("store"), update, table: page, index: fc.nat(511), entry }),
  fc.record({ op: op("exchange"), update, table: page, index: fc.nat(511), entry, expected: entry }),
  fc.record({
    op: op("invalidate"),
    domain: fc.constantFrom(1, 5),
    scope: fc.constantFrom("leaf", "nonLeaf"),
    caches: fc.nat(7),
    ...range,
  }),
  fc.record({ op: op("wait"), drain: fc.boolean() }),
  fc.record({ op: op("wait"), drain: fc.boolean(), iommu: fc.constantFrom(0, 7) }),
  fc.record({ op: op("freeTable"), table: page }),
  fc.record({ op: op("unpin"), pfn: wide.map(pfn), pages }),
  fc.record({
    op: op("window"),
    state: fc.constantFrom("open", "close"),
    domain: fc.constantFrom(1, 5),
    ...range,
  }),
  fc
    .record({
      op: op("setRoot"),
      update,
      domain: fc.constantFrom(1, 5),
      root: page,
      levels: fc.integer({ min: 1, max: 3 }),
    })
    // Whether a new tag is free depends on what stands above.
    .map((step) => ({ ...step, tag: step.domain })),
) as fc.Arbitrary<Step>;
/** Lets each window that closes be one that a step before it has opened; where there is none it opens. */
function closingWhatIsOpen(steps: readonly Step[]): Step[] {
  const open: Step[] = [];
  return steps.map((step) => {
    if (step.op !== "window") return step;
    const last = step.state === "close" ? open.pop() : undefined;
    if (last !== undefined) return { ...last, state: "close" } as Step;
    const opened: Step = { ...step, state: "open" };
    open.push(opened);
    return opened;
  });
}

/** A map without overlap. */
export const anyMap = fc
  .array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 1000 }), wide, fc.constantFrom(1, 2, 3)))
  .map((list) => {
    let start = 0;
    return list.map(([gap, count, frame, rights]) => {
      const run = { iovaPfn: iovaPfn(start + gap), pages: count, pfn: pfn(frame), rights };
      start += gap + count;
      return run;
    });
  });

export const anyPins = fc.array(fc.record({ pfn: wide.map(pfn), pages, count: fc.nat(9) }));
export const anySteps = fc.array(anyStep, { maxLength: 30 }).map(closingWhatIsOpen);
/** Names of the calls that a driver may be told to make. */
export const anyLabel = fc.constantFrom("", "map", "iommu_unmap iova=0x1000 size=4096", "ioctl 3 (MAP_DMA)");
/** Steps, and which of several ioctls ran them: the first runs the first, and some may run none. */
export const anyIoctls = fc
  .record({ steps: anySteps, labels: fc.array(anyLabel, { maxLength: 4 }), starts: fc.array(fc.nat(30)) })
  .map(({ steps, labels, starts }) => {
    const sorted = starts.map((start) => Math.min(start, steps.length) + 1).sort((a, b) => a - b);
    return { steps, ioctls: labels.map((label, i) => ({ label, step: i === 0 ? 1 : (sorted[i] ?? 1) })) };
  })
  .filter(({ ioctls }) => ioctls.every(({ step }, i) => i === 0 || step >= ioctls[i - 1]!.step));

/** What there is before the first step. */
export const anyBefore = fc
  .record({
    capability: fc.constantFrom(...CAPABILITIES.values()),
    domains: fc.constant([
      { id: 1, root: pfn(0x100000), levels: 2 },
      { id: 5, root: pfn(0x100007), levels: 3, iommu: 7 },
    ]),
    // A table is given once: two runs of one table must not contradict each other.
    tables: fc.uniqueArray(
      fc.record({ table: page, run }).map(({ run, ...t }) => ({ ...t, ...run })),
      { selector: (run) => run.table },
    ),
    keptTables: fc.array(page),
    freedTables: fc.uniqueArray(page),
    oldMap: anyMap,
    pins: fc.option(fc.array(fc.record({ pfn: wide.map(pfn), pages, count: fc.nat(9) }))),
    deviceCaches: fc.nat(15),
    isEpoch: fc.boolean(),
  })
  // A page with entries, or with a root, is not freed.
  .map((before) => {
    const held = new Set<number>([
      ...before.domains.map((d) => d.root),
      ...before.tables.map((t) => t.table),
    ]);
    return { ...before, freedTables: before.freedTables.filter((table) => !held.has(table)) };
  });
