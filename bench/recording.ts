import { type CheckInput, check } from "../src/check/index.ts";
import { EditScript, type MapRun, type Step } from "../src/edit-script/index.ts";
import { iovaPfn, PAGES_PER_2M, type Pfn, pfn } from "../src/units/index.ts";
import { expectOutcome, type Goal, type Row } from "./row.ts";
import { repeating } from "./sampling.ts";
import type { BenchVmm, PreparedMap } from "./vmm.ts";

/** 4 GiB: above the window of interrupt messages, which no map may contain. */
export const FIRST_PAGE = 2 ** 20;

/** A script that the kernel made and ran, with what the checker needs to know of the moment before. */
export interface Recording {
  readonly input: CheckInput;
  /** Entries stored, in tables nobody reached and in live ones. */
  readonly stores: number;
}

/** Frame runs of pages [FIRST_PAGE, FIRST_PAGE + pages) as the tables translate them now. */
function translations(vmm: BenchVmm, pages: number): MapRun[] {
  const domain = vmm.kernel.iommu.domains[0]!;
  return vmm.kernel.iommu
    .physicalRuns(domain, iovaPfn(FIRST_PAGE), pages)
    .map(({ iovaPfn, pages, pfn, rights }) => ({ iovaPfn, pages, pfn, rights }));
}

/** Brings the first map into force, then records the change to the second. */
export function record(vmm: BenchVmm, before: PreparedMap, after: PreparedMap, pages: number): Recording {
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
      words(table) {
        const content = contents.get(table);
        return content === undefined ? null : new Uint32Array(content.buffer, content.byteOffset, 1024);
      },
    },
    script,
    oldMap,
    newMap: translations(vmm, pages),
  };
  return { input, stores: entryStores + privateStores };
}

/** The same as a recorder lists it: a line for each entry that is stored in a table in use, and for each frame that is given back. */
export function lineByLine({ input, stores }: Recording): Recording {
  const steps = [...input.script].flatMap((step): Step[] => {
    if (step.op === "unpin")
      return Array.from({ length: step.pages }, (_, i) => ({ ...step, pfn: pfn(step.pfn + i), pages: 1 }));
    if (step.op !== "storeRun") return [step];
    const { update, table, index, first, stride, count } = step;
    return Array.from({ length: count }, (_, i) => {
      const entry = BigInt.asUintN(64, first + BigInt(i) * stride);
      return { op: "store", update, table, index: index + i, entry };
    });
  });
  return { input: { ...input, script: EditScript.from(steps) }, stores };
}

/** The script with each invalidation 2 MiB short, and with no barrier between stores. */
function careless(script: EditScript): EditScript {
  return EditScript.from(
    [...script].flatMap((step): Step[] => {
      if (step.op === "barrier") return [];
      if (step.op !== "invalidate") return [step];
      return step.pages > PAGES_PER_2M ? [{ ...step, pages: step.pages - PAGES_PER_2M }] : [];
    }),
  );
}

/** A checker that finds nothing in anything is fast: it must find fault with the same script once that is careless. */
function expectBoth({ input }: Recording): void {
  expectOutcome(check(input).verdict === "clean", "check: a violation in what the kernel does");
  const broken = check({ ...input, script: careless(input.script) }, { causes: false });
  expectOutcome(broken.verdict === "violation", "check: no violation although a step was left out");
}

/** Decides a recording again and again. */
export function checkRow(
  name: string,
  unit: "M stores/s" | "ms",
  goal: Goal,
  makeRecording: () => Recording,
): Row {
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
