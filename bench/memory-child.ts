import { iovaPfn, pageToBytes } from "../src/units/index.ts";
import { expectOutcome } from "./row.ts";
import { nowNs } from "./sampling.ts";
import { BenchVmm } from "./vmm.ts";

/**
 * Maps one huge region in a process of its own, so that the peak of its memory is the peak of this one thing.
 * `memory-child huge1g 1024` or `memory-child scattered 64`, the size in GiB. Prints one line of JSON.
 */
const PAGES_PER_GIB = 2 ** 18;
/** 4 GiB: above the window of interrupt messages, which no map may contain. */
const FIRST_PAGE = 2 ** 20;
const kind = process.argv[2] === "huge1g" ? "huge1g" : "pop";
const gib = Number(process.argv[3]);
const pages = gib * PAGES_PER_GIB;
const leaves = kind === "huge1g" ? gib : pages;

const vmm = new BenchVmm({});
const { engine, iommu } = vmm.kernel;
const vaddr = vmm.allocate(
  pages * 4096,
  kind,
  kind === "pop" ? { layout: { kind: "fragmented", seed: 1 } } : {},
);
const whole = vmm.prepare(1, () => ({
  iova: FIRST_PAGE * 4096,
  size: pages * 4096,
  vaddr: Number(vaddr),
}));
const nothing = vmm.prepare(0, () => ({ iova: 0, size: 0, vaddr: 0 }));

const start = nowNs();
const report = vmm.setMapWithReport(whole);
const mapped = nowNs();

expectOutcome(report.leaves_stored === BigInt(leaves), `${report.leaves_stored} leaves instead of ${leaves}`);
expectOutcome(report.pages_pinned === BigInt(pages), `${report.pages_pinned} pages pinned`);
const domain = iommu.domains[0]!;
for (let page = 0; page < pages; page += 65_537) {
  const [run] = [...vmm.process.mm.pagemap((Number(vaddr) / 4096 + page) as never, 1)];
  const at = engine.walk(domain.root, domain.levels, iovaPfn(FIRST_PAGE + page));
  expectOutcome(
    at !== null && at.pfn === run?.pfn && engine.framePins(at.pfn) === 1,
    `page ${pageToBytes(page)} does not lead to its frame`,
  );
}

const beforeUnmap = nowNs();
const emptied = vmm.setMapWithReport(nothing);
const unmapped = nowNs();
expectOutcome(
  engine.walk(domain.root, domain.levels, iovaPfn(FIRST_PAGE)) === null,
  "the first page is still mapped",
);
expectOutcome(emptied.pages_unpinned === BigInt(pages), "pins are left");

console.log(
  JSON.stringify({
    mapSeconds: (mapped - start) / 1e9,
    unmapSeconds: (unmapped - beforeUnmap) / 1e9,
    peakGiB: process.resourceUsage().maxRSS / 2 ** 20,
  }),
);
