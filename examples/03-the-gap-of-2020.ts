import { ExampleContainer } from "./container.ts";

/*
 * The bug that started it. A guest makes 64 KiB of its low memory read-only; user space says so by deleting the one large
 * range and adding three. Between the calls a device finds nothing at 1 MiB, although both maps have the same RAM there.
 * With one call for the whole map the same watcher sees no gap, after none of the stores.
 *
 *     npm run build && node dist/examples/03-the-gap-of-2020.js
 *
 * Expected output:
 *     delete and add: after unmap absent, after map 1 absent, after map 2 absent, after map 3 present
 *     set map: present after each of 16 stores
 */
const END = 0x4000000n;
const watched = 0x100000n;
const regions = (ram: bigint) => [
  { iova: 0xc0000n, size: 0x30000n, vaddr: ram + 0xc0000n },
  { iova: 0xf0000n, size: 0x10000n, vaddr: ram + 0xf0000n, flags: 1 },
  { iova: 0x100000n, size: END - 0x100000n, vaddr: ram + 0x100000n },
];

const legacy = new ExampleContainer();
const seen: string[] = [];
const look = (after: string) =>
  seen.push(`after ${after} ${legacy.walk(watched) === null ? "absent" : "present"}`);
let ram = legacy.process.mmap(64 << 20, "thp");
legacy.mapDma({ iova: 0xc0000n, size: END - 0xc0000n, vaddr: ram + 0xc0000n });
legacy.unmapDma(0xc0000n, END - 0xc0000n);
look("unmap");
regions(ram).forEach((region, i) => {
  legacy.mapDma(region);
  look(`map ${i + 1}`);
});
console.log(`delete and add: ${seen.join(", ")}`);

const whole = new ExampleContainer();
ram = whole.process.mmap(64 << 20, "thp");
whole.setMap([{ iova: 0xc0000n, size: END - 0xc0000n, vaddr: ram + 0xc0000n }]);
const states = new Set<string>();
let stores = 0;
whole.kernel.iommu.committer.observer = () => {
  stores++;
  states.add(whole.walk(watched) === null ? "absent" : "present");
};
whole.setMap(regions(ram));
console.log(`set map: ${[...states].join(" and ")} after each of ${stores} store${stores === 1 ? "" : "s"}`);
