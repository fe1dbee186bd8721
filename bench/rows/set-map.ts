import { VFIO_IOMMU_SET_MAP_FLAG_EPOCH } from "../../src/uapi/index.ts";
import { expectOutcome, type Figure, type Row, type Sampler } from "../row.ts";
import { repeating } from "../sampling.ts";
import { BenchVmm, type PreparedMap } from "../vmm.ts";

const PAGE_BYTES = 4096;
/** Above the window of interrupt messages below 4 GiB, which no map may contain. */
const FIRST_IOVA = 2 ** 32;
const grouped = (n: number): string => n.toLocaleString("en-US");

/** The lists of the C yardstick: `count` regions of one page with a page between, and the same with one backed elsewhere. */
function oneOfMany(
  count: number,
  changed = count >> 1,
  flags = 0,
): { vmm: BenchVmm; maps: readonly [PreparedMap, PreparedMap] } {
  const vmm = new BenchVmm({
    dmaEntryLimit: 1 << 21,
    ramFrames: 1 << 22,
    tablePages: 1 << 14,
  });
  const backing = Number(vmm.allocate((count + 1) * PAGE_BYTES));
  const elsewhere = backing + count * PAGE_BYTES;
  const list = (vaddrOfChanged: number): PreparedMap =>
    vmm.prepare(
      count,
      (i) => ({
        iova: FIRST_IOVA + 2 * i * PAGE_BYTES,
        size: PAGE_BYTES,
        vaddr: i === changed ? vaddrOfChanged : backing + i * PAGE_BYTES,
      }),
      flags,
    );
  const maps = [list(backing + changed * PAGE_BYTES), list(elsewhere)] as const;
  for (const map of [...maps, maps[0]]) vmm.setMap(map);
  return { vmm, maps };
}

/**
 * Issues the two maps in turn: each call changes one page, stores one entry and invalidates once. With EPOCH in `flags` the
 * one store switches the root, and the old tag is flushed in two steps.
 */
function changingSampler(count: number, changed?: number, flags = 0): () => number {
  const { vmm, maps } = oneOfMany(count, changed, flags);
  const invalidationsPerCall = (flags & VFIO_IOMMU_SET_MAP_FLAG_EPOCH) === 0 ? 1 : 2;
  const { engine } = vmm.kernel;
  let calls = 0;
  const take = repeating(() => vmm.setMap(maps[++calls & 1]!), 1);
  return () => {
    const before = calls;
    engine.resetCounters();
    const ns = take();
    const { entryStores, invalidations } = engine.counters;
    expectOutcome(
      entryStores === calls - before && invalidations === (calls - before) * invalidationsPerCall,
      `set-map: ${calls - before} calls made ${entryStores} stores and ${invalidations} invalidations`,
    );
    const report = vmm.setMapWithReport(maps[++calls & 1]!);
    expectOutcome(
      report.bytes_changed === BigInt(PAGE_BYTES) &&
        report.bytes_kept === BigInt((count - 1) * PAGE_BYTES) &&
        report.bytes_added + report.bytes_removed === 0n,
      `set-map: one of ${count} regions changed, reported ${report.bytes_changed} bytes`,
    );
    return ns;
  };
}

/** Issues the map in force again. */
function idleSampler(count: number): () => number {
  const { vmm, maps } = oneOfMany(count);
  const { engine } = vmm.kernel;
  const take = repeating(() => vmm.setMap(maps[0]), 1);
  return () => {
    engine.resetCounters();
    const ns = take();
    const { entryStores, privateStores, invalidations, waits } = engine.counters;
    expectOutcome(
      entryStores + privateStores + invalidations + waits === 0,
      "set-map: a call that changes nothing did something",
    );
    return ns;
  };
}

function changeRow(count: number, atMost: number): Row {
  return {
    group: "set-map",
    yardstick: `diff ${count}`,
    figures: [
      {
        name: `set-map, 1 of ${grouped(count)} regions changed`,
        unit: "ns/call",
        yardstickAnswer: 0,
        goal: { kind: "ratio", atMost },
      },
    ],
    prepare(): Sampler {
      const take = changingSampler(count);
      return { sample: () => [take()] };
    },
  };
}

const noChangeRow: Row = {
  group: "set-map",
  yardstick: null,
  figures: [
    {
      name: "set-map that changes nothing, 1,000 regions",
      unit: "us/call",
      yardstickAnswer: null,
      goal: { kind: "value", atMost: 20 },
    },
  ],
  prepare(): Sampler {
    const take = idleSampler(1000);
    return { sample: () => [take() / 1000] };
  },
};

const scaling: Figure = {
  name: "1 of 100,000 changed / 1 of 1,000, reading the list apart",
  unit: "times",
  yardstickAnswer: null,
  goal: { kind: "value", atMost: 3 },
};

/**
 * What a call costs beyond one that changes nothing: it must not grow with the map. The last region changes, so that both
 * calls read their lists in the same way.
 */
const scalingRow: Row = {
  group: "set-map",
  yardstick: null,
  figures: [scaling],
  prepare(): Sampler {
    const beyondReading = [100_000, 1000].map((count) => {
      const changing = changingSampler(count, count - 1);
      const idle = idleSampler(count);
      return () => changing() - idle();
    });
    return { sample: () => [beyondReading[0]!() / beyondReading[1]!()] };
  },
};

/** The same change edited in place and by a switch of the root, in one alternating run. */
const epochRow: Row = {
  group: "set-map",
  yardstick: null,
  figures: [
    {
      name: "1 of 1,000 regions changed, epoch mode",
      unit: "us/call",
      yardstickAnswer: null,
      goal: { kind: "none", why: "C has no counterpart: the next figure compares it" },
    },
    {
      name: "1 of 1,000 regions changed, epoch mode / edits in place",
      unit: "times",
      yardstickAnswer: null,
      goal: {
        kind: "none",
        why: "it is the price of one instant for the whole map: four tables copied and freed",
      },
    },
  ],
  prepare(): Sampler {
    const inPlace = changingSampler(1000);
    const epoch = changingSampler(1000, undefined, VFIO_IOMMU_SET_MAP_FLAG_EPOCH);
    return {
      sample: () => {
        const ns = epoch();
        return [ns / 1000, ns / inPlace()];
      },
    };
  },
};

export const setMapRows: readonly Row[] = [
  changeRow(1000, 3),
  changeRow(100_000, 1),
  changeRow(1_000_000, 1),
  noChangeRow,
  scalingRow,
  epochRow,
];
