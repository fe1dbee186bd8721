import {
  Errno,
  encode,
  VFIO_IOMMU_DIRTY_PAGES,
  VFIO_IOMMU_MAP_DMA,
  vfio_iommu_type1_dirty_bitmap,
  vfio_iommu_type1_dirty_bitmap_get,
  vfio_iommu_type1_dma_map,
} from "../../uapi/index.ts";
import { dirtyIoctl } from "./dma-operations.ts";
import { DIRTY_FLAGS } from "./script.ts";
import type { ExtentsWindow, Session } from "./session.ts";

type Run = readonly [start: bigint, end: bigint];

/** A page no process can map: MAP_DMA fails behind its overlap check, so that asking changes nothing. */
const UNMAPPED = 0x10_0000n;

/**
 * What a window shows from outside, found with calls that must fail or have no effect: `occ=` runs that overlap a mapping
 * (MAP_DMA answers EEXIST), and on version 2 `ext=` single mappings (DIRTY_PAGES GET refuses a range that cuts one).
 */
export function extentFields(session: Session, window: ExtentsWindow): string[] {
  const occupied = occupiedRuns(session, window);
  const fields = [`occ=${print(occupied)}`];
  if (session.version === "v2") fields.push(`ext=${print(singleMappings(session, window, occupied))}`);
  return fields;
}

const print = (runs: readonly Run[]): string =>
  runs.length === 0
    ? "none"
    : runs.map(([start, end]) => `${start.toString(16)}-${(end - 1n).toString(16)}`).join(",");

function occupiedRuns(session: Session, { low, high, step, container }: ExtentsWindow): Run[] {
  const probe = encode(vfio_iommu_type1_dma_map, {
    argsz: 32,
    flags: 3,
    vaddr: UNMAPPED,
    iova: 0n,
    size: step,
  });
  const view = new DataView(probe.buffer);
  const runs: [bigint, bigint][] = [];
  for (let at = low; at < high; at += step) {
    view.setBigUint64(vfio_iommu_type1_dma_map.offsets.iova, at, true);
    const address = session.memory.put(probe, undefined);
    if (session.ioctl(container, VFIO_IOMMU_MAP_DMA, address) !== -Errno.EEXIST) continue;
    const last = runs[runs.length - 1];
    if (last !== undefined && last[1] === at) last[1] = at + step;
    else runs.push([at, at + step]);
  }
  return runs;
}

function singleMappings(session: Session, window: ExtentsWindow, occupied: readonly Run[]): Run[] {
  const { container, step } = window;
  const isTracking = session.tracking.has(container);
  if (!isTracking) dirtyIoctl(session, container, DIRTY_FLAGS["START"]!);
  const runs: Run[] = [];
  for (const [low, high] of occupied) {
    let start = low;
    for (let at = low + step; at < high; at += step)
      if (!isCut(session, container, start, at)) {
        runs.push([start, at]);
        start = at;
      }
    runs.push([start, high]);
  }
  if (!isTracking) dirtyIoctl(session, container, DIRTY_FLAGS["STOP"]!);
  return runs;
}

/** Does DIRTY_PAGES GET refuse [start, end) because it cuts a mapping? */
function isCut(session: Session, container: string, start: bigint, end: bigint): boolean {
  const size = end - start;
  const bitmap = { pgsize: 4096n, size: ((size / 4096n + 63n) / 64n) * 8n, data: session.memory.scratch };
  const data = encode(vfio_iommu_type1_dirty_bitmap_get, { iova: start, size, bitmap });
  const struct = encode(vfio_iommu_type1_dirty_bitmap, { argsz: 48, flags: DIRTY_FLAGS["GET"]!, data });
  const address = session.memory.put(struct, undefined);
  return session.ioctl(container, VFIO_IOMMU_DIRTY_PAGES, address) === -Errno.EINVAL;
}
