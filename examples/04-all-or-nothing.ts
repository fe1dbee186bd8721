import { errnoName } from "hitless/uapi";
import { ExampleContainer } from "./container.ts";

/*
 * A call that fails changes nothing, wherever it fails. Here the n-th allocation or pin of one and the same call is made to fail, for
 * n = 1, 2, … until a run meets no injected failure; after each the raw root entries, the pins and the charge are compared.
 *
 *     npm run build && node dist/examples/04-all-or-nothing.js
 *
 * Expected output:
 *     failed at tracking: ENOMEM, unchanged
 *     failed at tracking: ENOMEM, unchanged
 *     failed at pin: ENOMEM, unchanged
 *     failed at account: ENOMEM, unchanged
 *     failed at table: ENOMEM, unchanged
 *     failed at table: ENOMEM, unchanged
 *     succeeded after 6 injected failures
 */
const container = new ExampleContainer();
const ram = container.process.mmap(2 << 20, "thp");
const other = container.process.mmap(2 << 20, "thp");
container.setMap([{ iova: 0n, size: 0x200000n, vaddr: ram }]);
const next = [
  { iova: 0n, size: 0x100000n, vaddr: ram },
  { iova: 0x400000n, size: 0x180000n, vaddr: other },
];

const state = () => {
  const domain = container.kernel.domains()[0]!;
  const pins = [ram, other].map((vaddr) => {
    const [run] = container.process.mm.pagemap(Number(vaddr >> 12n) as never, 512);
    return container.kernel.framePins(run!.pfn);
  });
  return JSON.stringify([
    container.kernel.tableWords(domain.root).join(),
    pins,
    container.process.mm.lockedVm,
  ]);
};
const before = state();
const { faults } = container.kernel;
let failures = 0;
for (let nth = 1; ; nth++) {
  faults.arm(nth);
  const result = container.setMap(next);
  if (faults.hit === null) break;
  failures++;
  console.log(
    `failed at ${faults.hit}: ${errnoName(result)}, ${state() === before ? "unchanged" : "CHANGED"}`,
  );
}
console.log(`succeeded after ${failures} injected failures`);
