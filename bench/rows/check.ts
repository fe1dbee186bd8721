import { type CheckInput, check } from "../../src/check/index.ts";
import { EditScript, type MapRun, type Step } from "../../src/edit-script/index.ts";
import { iovaPfn, PAGES_PER_2M, type Pfn, READ, WRITE } from "../../src/units/index.ts";
import { expectOutcome, type Goal, type Row } from "../row.ts";
import { repeating } from "../sampling.ts";
import { BenchVmm, type PreparedMap } from "../vmm.ts";

const PAGE_BYTES = 4096;
const FIRST_PAGE = 2 ** 20;

/** A script that the kernel made and ran, with what the checker needs to know of the moment before. */
interface Recording {
  readonly input: CheckInput;
  /** Entries stored, in tables nobody reached and in live ones. */
  readonly stores: number;
}

/** Frame runs of pages [FIRST_PAGE, FIRST_PAGE + pages) as the tables translate them now. */
function translations(vmm: BenchVmm, pages: number): MapRun[] {
  const domain = vmm.kernel.iommu.domains[0]!;
  return vmm.kernel.iommu
    .physicalRuns(domain, iovaPfn(FIRST_PAGE), pages)
    .map((run) => ({ iovaPfn: run.iovaPfn, pages: run.pages, pfn: run.pfn, rights: READ | WRITE }));
}

/** Brings the first map into force, then records the change to the second. */
function record(vmm: BenchVmm, before: PreparedMap, after: PreparedMap, pages: number): Recording {
  const { engine, iommu } = vmm.kernel;
  vmm.setMap(before);
  const domain = iommu.domains[0]!;
  const contents = new Map(
    iommu.pool.tables().map((table) => [table as number, vmm.kernel.tableWords(table)]),
  );
  const oldMap = translations(vmm, pages);
  const root = domain.root;
  engine.resetCounters();
  vmm.setMap(after);
  const { entryStores, privateStores } = engine.counters;
  const script = EditScript.from(vmm.kernel.lastScripts.flatMap((part) => [...part]));
  const input: CheckInput = {
    capability: domain.capability,
    domains: [{ id: domain.id, root, levels: domain.levels }],
    tables: {
      isTable: (table: Pfn) => contents.has(table),
      entry: (table, index) => contents.get(table)?.[index] ?? 0n,
    },
    script,
    oldMap,
    newMap: translations(vmm, pages),
  };
  return { input, stores: entryStores + privateStores };
}

const bootOptions = { ramFrames: 1 << 22, tablePages: 4096, dmaEntryLimit: 1 << 16 };

/** `leaves` leaves of 2 MiB, each of which loses one page: as many splits in one call. */
function holes(leaves: number): Recording {
  const vmm = new BenchVmm(bootOptions);
  const pages = leaves * PAGES_PER_2M;
  const vaddr = Number(vmm.allocate(pages * PAGE_BYTES, "huge2m"));
  const part = (start: number, end: number) => ({
    iova: (FIRST_PAGE + start) * PAGE_BYTES,
    size: (end - start) * PAGE_BYTES,
    vaddr: vaddr + start * PAGE_BYTES,
  });
  const hole = 100;
  const before = vmm.prepare(1, () => part(0, pages));
  const after = vmm.prepare(leaves + 1, (i) =>
    part(i === 0 ? 0 : (i - 1) * PAGES_PER_2M + hole + 1, i === leaves ? pages : i * PAGES_PER_2M + hole),
  );
  return record(vmm, before, after, pages);
}

/** Every one of `pages` 4 KiB leaves gets another frame; the frames are out of step with the IOVA, so that no larger leaf fits. */
function remap(pages: number): Recording {
  const vmm = new BenchVmm(bootOptions);
  const [here, there] = [0, 1].map(() => Number(vmm.allocate((pages + 1) * PAGE_BYTES)) + PAGE_BYTES);
  const map = (vaddr: number) => ({ iova: FIRST_PAGE * PAGE_BYTES, size: pages * PAGE_BYTES, vaddr });
  return record(
    vmm,
    vmm.prepare(1, () => map(here!)),
    vmm.prepare(1, () => map(there!)),
    pages,
  );
}

/** The script with each invalidation 2 MiB short. */
function invalidatingTooLittle(script: EditScript): EditScript {
  return EditScript.from(
    [...script].flatMap((step): Step[] => {
      if (step.op !== "invalidate") return [step];
      return step.pages > PAGES_PER_2M ? [{ ...step, pages: step.pages - PAGES_PER_2M }] : [];
    }),
  );
}

/** A checker that finds nothing in anything is fast: it must find fault with the same script once it invalidates too little. */
function expectBoth({ input }: Recording): void {
  expectOutcome(check(input).verdict === "clean", "check: a violation in what the kernel does");
  const broken = check({ ...input, script: invalidatingTooLittle(input.script) });
  expectOutcome(broken.verdict === "violation", "check: no violation although stale entries stay cached");
}

function checkRow(name: string, unit: "M stores/s" | "ms", goal: Goal, makeRecording: () => Recording): Row {
  return {
    group: "check",
    yardstick: null,
    figures: [{ name, unit, yardstickAnswer: null, goal }],
    prepare() {
      const recording = makeRecording();
      expectBoth(recording);
      let findings = 0;
      let stores = 0;
      const take = repeating(() => {
        const result = check(recording.input);
        findings += result.findings.length;
        stores = result.stats.stores;
      }, 1);
      return {
        sample() {
          const ns = take();
          expectOutcome(findings === 0, `check: ${findings} findings in what the kernel does`);
          expectOutcome(
            stores === recording.stores,
            `check: looked at ${stores} stores of ${recording.stores}`,
          );
          return [unit === "ms" ? ns / 1e6 : (recording.stores / ns) * 1000];
        },
      };
    },
  };
}

const SPLITS = 200;
const REMAPPED_PAGES = 1 << 17;

export const checkRows: readonly Row[] = [
  checkRow(`decide ${SPLITS} splits in one call`, "M stores/s", { kind: "value", atLeast: 1 }, () => {
    const recording = holes(SPLITS);
    expectOutcome(recording.stores >= 100_000, `check: only ${recording.stores} stores`);
    return recording;
  }),
  checkRow("decide 131,072 leaves remapped", "M stores/s", { kind: "value", atLeast: 1 }, () => {
    const recording = remap(REMAPPED_PAGES);
    expectOutcome(recording.stores >= 100_000, `check: only ${recording.stores} stores`);
    return recording;
  }),
  checkRow("decide one 2 MiB split, warm", "ms", { kind: "value", atMost: 1 }, () => {
    const recording = holes(1);
    expectOutcome(recording.stores >= 512, `check: only ${recording.stores} stores`);
    return recording;
  }),
];
