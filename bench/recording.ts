import { type CheckInput, check, type ReaderInput } from "../src/check/index.ts";
import { CACHES_ALL, EditScript, type MapRun, type Step } from "../src/edit-script/index.ts";
import { iovaPfn, PAGES_PER_2M, type Pfn, pfn } from "../src/units/index.ts";
import { expectOutcome, type Goal, type Row } from "./row.ts";
import { repeating } from "./sampling.ts";
import type { BenchVmm, PreparedMap } from "./vmm.ts";

/** 4 GiB: above the window of interrupt messages, which no map may contain. */
export const FIRST_PAGE = 2 ** 20;

/** A script that the kernel made and ran, with what the checker needs to know of the moment before. */
export interface Recording {
  readonly input: CheckInput | ReaderInput;
  /** Entries stored, in tables nobody reached and in live ones. */
  readonly stores: number;
}

/** One whose maps are listed. */
interface ListedRecording extends Recording {
  readonly input: CheckInput;
}

/** Frame runs of pages [FIRST_PAGE, FIRST_PAGE + pages) as the tables translate them now. */
function translations(vmm: BenchVmm, pages: number): MapRun[] {
  const domain = vmm.kernel.iommu.domains[0]!;
  return vmm.kernel.iommu
    .physicalRuns(domain, iovaPfn(FIRST_PAGE), pages)
    .map(({ iovaPfn, pages, pfn, rights }) => ({ iovaPfn, pages, pfn, rights }));
}

/** Brings the first map into force, then records the change to the second. */
export function record(
  vmm: BenchVmm,
  before: PreparedMap,
  after: PreparedMap,
  pages: number,
): ListedRecording {
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

/**
 * What a driver invalidates, and when: a range behind all stores; behind each store its page, that with the links to it, the whole
 * domain, or page and domain in turn, the page with the links to it or without.
 */
export type Invalidating =
  | "together"
  | "each page"
  | "each page with its links"
  | "all for each page"
  | "all for every other page"
  | "each page with its links, all for every other";

/** An entry that translates one page, where it stands, and what it holds before the script. */
export interface Leaf {
  readonly page: number;
  readonly frame: number;
  readonly table: Pfn;
  readonly index: number;
  readonly entry: bigint;
}

/** Those of all pages of the old map. Pre: no leaf is larger than a page. */
export function leavesOf({ oldMap, domains, tables }: CheckInput): Leaf[] {
  const [{ root, levels }] = domains as [(typeof domains)[number]];
  return oldMap.flatMap(pagesOf).map(([page, frame]) => {
    let table: number = root;
    const indexAt = (level: number): number => Math.floor(page / 512 ** level) % 512;
    for (let level = levels - 1; level > 0; level--)
      table = Number((tables.entry(pfn(table), indexAt(level)) & FRAME_BITS) >> 12n);
    const index = indexAt(0);
    return { page, frame, table: pfn(table), index, entry: tables.entry(pfn(table), index) };
  });
}

/** A leaf given another value, by a plain store or by one that carries over what walkers have set. */
export function written({ table, index, entry: expected }: Leaf, entry: bigint, how: Writing): Step {
  const at = { update: 0, table, index, entry } as const;
  return how === "store" ? { op: "store", ...at } : { op: "exchange", ...at, expected };
}
export type Writing = "store" | "exchange";

/** Drops what caches hold of some pages. */
export const invalidation = (domain: number, start: number, pages: number): Step => {
  return { op: "invalidate", domain, scope: "leaf", caches: CACHES_ALL, iovaPfn: iovaPfn(start), pages };
};

/**
 * The same change as a driver makes it that stores entry by entry in the tables there are, and as a recorder lists it: a line for
 * each entry and for each frame that is given back. Pre: both maps have the same pages, each on a frame of its own.
 */
export function inPlace(
  { input }: { readonly input: CheckInput },
  invalidating: Invalidating = "together",
  how: Writing = "store",
): ListedRecording {
  const { oldMap, newMap, domains } = input;
  const [{ id: domain, levels }] = domains as [(typeof domains)[number]];
  const frameAt = new Map(
    newMap.flatMap((run) => pagesOf(run).map(([page, frame]) => [page, frame] as const)),
  );
  const steps: Step[] = [];
  const unpins: Step[] = [];
  const everything: Step = { ...invalidation(domain, 0, 512 ** levels), scope: "nonLeaf" } as Step;
  const leaves = leavesOf(input);
  for (const [i, leaf] of leaves.entries()) {
    const { page, frame, entry } = leaf;
    steps.push(written(leaf, (entry & ~FRAME_BITS) | (BigInt(frameAt.get(page)!) << 12n), how));
    const unpin: Step = { op: "unpin", pfn: pfn(frame), pages: 1 };
    if (invalidating === "together") unpins.push(unpin);
    else {
      const own = invalidationFor(invalidating, i, invalidation(domain, page, 1), everything);
      steps.push({ op: "barrier" }, own, { op: "wait", drain: true }, unpin);
    }
  }
  if (invalidating === "together") {
    const [first, last] = [oldMap[0]!, oldMap.at(-1)!];
    const range = invalidation(domain, first.iovaPfn, last.iovaPfn + last.pages - first.iovaPfn);
    steps.push({ op: "barrier" }, range, { op: "wait", drain: true });
  }
  return { input: { ...input, script: EditScript.from([...steps, ...unpins]) }, stores: leaves.length };
}

/** What is invalidated behind the store of the `i`-th page. */
function invalidationFor(
  invalidating: Exclude<Invalidating, "together">,
  i: number,
  page: Step,
  everything: Step,
): Step {
  const links = { ...page, scope: "nonLeaf" } as Step;
  const isOther = i % 2 === 1;
  const byMode: Readonly<Record<Exclude<Invalidating, "together">, Step>> = {
    "each page": page,
    "each page with its links": links,
    "all for each page": everything,
    "all for every other page": isOther ? everything : page,
    "each page with its links, all for every other": isOther ? everything : links,
  };
  return byMode[invalidating];
}

/** Entries that a script stores, in tables nobody reaches and in live ones. */
export function storesIn(script: EditScript): number {
  let stores = 0;
  for (const step of script) {
    if (step.op === "gather") stores += step.entries.length;
    else if (step.op === "fill" || step.op === "storeRun") stores += step.count;
    else if (step.op === "store" || step.op === "exchange") stores++;
  }
  return stores;
}

/** Address bits of a VT-d second-stage entry. */
const FRAME_BITS = 0x000f_ffff_ffff_f000n;

const pagesOf = ({ iovaPfn, pages, pfn }: MapRun): [page: number, frame: number][] =>
  Array.from({ length: pages }, (_, i) => [iovaPfn + i, pfn + i]);

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
    isApart: true,
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
