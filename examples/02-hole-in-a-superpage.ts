import { ExampleContainer } from "./container.ts";

/*
 * A dry run tells what a call would do, then the call does it: 16 KiB leave the middle of a 2 MiB leaf. The table of smaller
 * leaves is filled while no walker can reach it and linked with one store; the rest of the 2 MiB never stops translating.
 *
 *     npm run build && node dist/examples/02-hole-in-a-superpage.js
 *
 * Expected output:
 *     dry run: 0, would keep 2080768 bytes, remove 16384, split 1 leaf, store 1 entry; scripts run: 0
 *     call:    0
 *     fill -> fill -> fill -> barrier -> store -> barrier -> invalidate -> wait -> unpin
 */
const DRY_RUN = 1;
const container = new ExampleContainer();
const ram = container.process.mmap(2 << 20, "thp");
container.setMap([{ iova: 0n, size: 0x200000n, vaddr: ram }]);

const holed = [
  { iova: 0n, size: 0xc0000n, vaddr: ram },
  { iova: 0xc4000n, size: 0x200000n - 0xc4000n, vaddr: ram + 0xc4000n },
];
const dryRun = container.setMap(holed, DRY_RUN);
const { bytes_kept, bytes_removed, leaves_split, entry_stores } = container.report;
const scripts = container.kernel.lastScripts.length;
console.log(
  `dry run: ${dryRun}, would keep ${bytes_kept} bytes, remove ${bytes_removed}, split ${leaves_split} leaf, ` +
    `store ${entry_stores} entry; scripts run: ${scripts}`,
);
console.log(`call:    ${container.setMap(holed)}`);
for (const script of container.kernel.lastScripts)
  console.log([...script].map((step) => step.op).join(" -> "));
