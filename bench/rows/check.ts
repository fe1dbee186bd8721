import { PAGES_PER_2M } from "../../src/units/index.ts";
import { checkRow, FIRST_PAGE, type Recording, record } from "../recording.ts";
import { expectOutcome, type Row } from "../row.ts";
import { BenchVmm } from "../vmm.ts";

const PAGE_BYTES = 4096;

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
