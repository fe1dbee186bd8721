import { setFlagsFromString } from "node:v8";
import { createContext, runInContext } from "node:vm";
import type { DecidedChange } from "../../src/harness/index.ts";
import { READ, WRITE } from "../../src/units/index.ts";
import { allMoved, changesOf, fewProtected, secondChange } from "../changes.ts";
import { checkRow, FIRST_PAGE, inPlace, type Recording, record, storesIn } from "../recording.ts";
import { expectOutcome, type Row, SAMPLE_MS } from "../row.ts";
import { nowNs } from "../sampling.ts";
import { BenchVmm } from "../vmm.ts";

const PAGE_BYTES = 4096;
export const PAGES = 204_800;
const options = { ramFrames: 1 << 22, tablePages: 1 << 13, dmaEntryLimit: 1 << 20 };

const boot = (): BenchVmm => new BenchVmm(options);
const scattered = (vmm: BenchVmm, seed: number): number =>
  Number(vmm.allocate(PAGES * PAGE_BYTES, "pop", { layout: { kind: "fragmented", seed } }));
/** Contiguous, but out of step with the IOVA, so that no leaf can be larger than a page. */
const unaligned = (vmm: BenchVmm): number => Number(vmm.allocate((PAGES + 1) * PAGE_BYTES)) + PAGE_BYTES;
const part = (vaddr: number, start: number, end: number) => ({
  iova: (FIRST_PAGE + start) * PAGE_BYTES,
  size: (end - start) * PAGE_BYTES,
  vaddr: vaddr + start * PAGE_BYTES,
});

/** Pages on scattered frames come, in one region. */
function coming(): Recording {
  const vmm = boot();
  const vaddr = scattered(vmm, 1);
  const nothing = vmm.prepare(0, () => part(0, 0, 0));
  return record(
    vmm,
    nothing,
    vmm.prepare(1, () => part(vaddr, 0, PAGES)),
    PAGES,
  );
}

/** Every page moves from one scattered frame to another. */
export function moving(capability = "vtd-ss-48"): ReturnType<typeof record> {
  const vmm = new BenchVmm({ ...options, capability });
  const maps = [1, 2].map((seed) => {
    const vaddr = scattered(vmm, seed);
    return vmm.prepare(1, () => part(vaddr, 0, PAGES));
  });
  return record(vmm, maps[0]!, maps[1]!, PAGES);
}

/** Every other page goes, each a store, an invalidation and an unpin of its own. */
function everyOtherGoes(): Recording {
  const vmm = boot();
  const vaddr = unaligned(vmm);
  const whole = vmm.prepare(1, () => part(vaddr, 0, PAGES));
  const holed = vmm.prepare(PAGES / 2, (i) => part(vaddr, 2 * i, 2 * i + 1));
  return record(vmm, whole, holed, PAGES);
}

/** Every other page gets another frame. */
function everyOtherMoves(): Recording {
  const vmm = boot();
  const [here, there] = [unaligned(vmm), unaligned(vmm)];
  const before = vmm.prepare(1, () => part(here, 0, PAGES));
  const after = vmm.prepare(PAGES, (i) => part(i % 2 === 0 ? here : there, i, i + 1));
  return record(vmm, before, after, PAGES);
}

/** Every other page of scattered memory loses its write access, by an exchange that carries what walkers have set. */
function everyOtherProtected(): Recording {
  const vmm = new BenchVmm({ ...options, capability: "vtd-ss-48-ad" });
  const vaddr = scattered(vmm, 1);
  const writable = vmm.prepare(1, () => part(vaddr, 0, PAGES));
  const mixed = vmm.prepare(PAGES, (i) => ({
    ...part(vaddr, i, i + 1),
    rights: i % 2 === 0 ? READ : READ | WRITE,
  }));
  return record(vmm, writable, mixed, PAGES);
}

/** All scattered memory is replaced in one instant. */
function replacedAtOnce(): Recording {
  const { input } = secondChange(changesOf("epoch", "vtd-ss-48", allMoved(PAGES), 2));
  return { input, stores: storesIn(input.script) };
}

/** Many more changes than a sample takes. */
const onePageOf = (pages: number): Generator<DecidedChange> =>
  changesOf("set-map", "vtd-ss-48", fewProtected(pages, 1), 100_000);

function next(changes: Generator<DecidedChange>): void {
  const { value } = changes.next() as IteratorYieldResult<DecidedChange>;
  expectOutcome(value.findings.length === 0, "check: a violation in what the kernel does");
  expectOutcome(value.results[0]!.stats.stores === 1, "check: the change is not one store");
}

export const grouped = (n: number): string => n.toLocaleString("en-US");
const forScale = { kind: "none", why: "the row after the last of these is judged" } as const;

/** How the cost of one changed page grows with the map: made by the kernel and decided, time and heap. */
function scaleRow(counts: readonly number[]): Row {
  setFlagsFromString("--expose-gc");
  const collect = runInContext("gc", createContext()) as () => void;
  return {
    group: "check",
    yardstick: null,
    isApart: true,
    figures: [
      ...counts.map((n) => ({
        name: `change and decide 1 of ${grouped(n)} scattered pages`,
        unit: "ms",
        yardstickAnswer: null,
        goal: forScale,
      })),
      {
        name: `1 of ${grouped(counts.at(-1)!)} / 1 of ${grouped(counts[0]!)} scattered pages`,
        unit: "times",
        yardstickAnswer: null,
        goal: { kind: "value", atMost: 3 },
      },
      {
        name: `heap that deciding 1 of ${grouped(counts.at(-1)!)} scattered pages takes`,
        unit: "MiB",
        yardstickAnswer: null,
        goal: { kind: "value", atMost: 8 },
      },
    ],
    prepare() {
      const all = counts.map(onePageOf);
      for (const changes of all) for (let i = 0; i < 100; i++) next(changes);
      return {
        sample() {
          const times = all.map((changes) => {
            let done = 0;
            const start = nowNs();
            do {
              next(changes);
              done++;
            } while (nowNs() - start < SAMPLE_MS * 1e6);
            return (nowNs() - start) / 1e6 / done;
          });
          collect();
          const before = process.memoryUsage();
          next(all.at(-1)!);
          const after = process.memoryUsage();
          const taken = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
          return [...times, times.at(-1)! / times[0]!, taken / 2 ** 20];
        },
        close() {
          for (const changes of all) changes.return(undefined);
        },
      };
    },
  };
}

export const atLeastAMillion = { kind: "value", atLeast: 1 } as const;

export const fragmentedRow = (name: string, make: () => Recording): Row =>
  checkRow(name, "M stores/s", atLeastAMillion, () => {
    const recording = make();
    expectOutcome(recording.stores >= 100_000, `check: only ${recording.stores} stores`);
    return recording;
  });

export const scatteredCheckRows: readonly Row[] = [
  fragmentedRow(`decide ${grouped(PAGES)} scattered leaves mapped`, coming),
  fragmentedRow(`decide ${grouped(PAGES)} scattered leaves remapped`, moving),
  fragmentedRow(`decide ${grouped(PAGES)} scattered leaves remapped, recorded line by line`, () =>
    inPlace(moving()),
  ),
  fragmentedRow(`decide ${grouped(PAGES / 2)} leaves unmapped, every other one`, everyOtherGoes),
  fragmentedRow(`decide ${grouped(PAGES / 2)} leaves remapped, every other one`, everyOtherMoves),
  fragmentedRow(
    `decide ${grouped(PAGES / 2)} scattered leaves protected, with dirty bits, every other one`,
    everyOtherProtected,
  ),
  fragmentedRow(`decide ${grouped(PAGES)} scattered leaves replaced in one instant`, replacedAtOnce),
  fragmentedRow(`decide ${grouped(PAGES)} scattered leaves remapped page by page`, () =>
    inPlace(moving(), "each page"),
  ),
  fragmentedRow(`decide ${grouped(PAGES)} of them, each invalidated with the links to it`, () =>
    inPlace(moving(), "each page with its links"),
  ),
  fragmentedRow(`decide ${grouped(PAGES)} of them, each with a flush of the whole domain`, () =>
    inPlace(moving(), "all for each page"),
  ),
  fragmentedRow(`decide ${grouped(PAGES)} of them, every other one with such a flush`, () =>
    inPlace(moving(), "all for every other page"),
  ),
  fragmentedRow(
    `decide ${grouped(PAGES)} of them, each with its links or, every other one, with such a flush`,
    () => inPlace(moving(), "each page with its links, all for every other"),
  ),
  scaleRow([1000, 100_000, 1_000_000]),
];
