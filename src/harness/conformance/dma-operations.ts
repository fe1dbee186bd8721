import {
  encode,
  type ValueOf,
  VFIO_IOMMU_DIRTY_PAGES,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_UNMAP_DMA,
  vfio_bitmap,
  vfio_iommu_type1_dirty_bitmap,
  vfio_iommu_type1_dirty_bitmap_get,
  vfio_iommu_type1_dma_map,
  vfio_iommu_type1_dma_unmap,
} from "../../uapi/index.ts";
import { hex } from "../../units/index.ts";
import { type BitRuns, bitRuns, dirtyFields } from "./bit-runs.ts";
import { roomy } from "./container-operations.ts";
import type { Outcome } from "./row.ts";
import { DIRTY_FLAGS, MAP_FLAGS, type Operation, UNMAP_FLAGS } from "./script.ts";
import type { Session } from "./session.ts";

/* MAP_DMA, UNMAP_DMA and DIRTY_PAGES. */

export const locked = (session: Session): string => `lck=${session.process.mm.lockedVm}`;

export function map(session: Session, operation: Operation): Outcome {
  return { result: mapOnce(session, operation, 0n), fields: [locked(session)] };
}

/** One MAP_DMA with the operation's values, the IOVA `offset` further on. */
function mapOnce(session: Session, operation: Operation, offset: bigint, size = 0n): number {
  const bytes = encode(vfio_iommu_type1_dma_map, {
    argsz: session.key32(operation, "argsz", 32),
    flags: session.flags(operation, MAP_FLAGS, 3),
    vaddr: session.key(operation, "vaddr", 0n),
    iova: BigInt.asUintN(64, session.key(operation, "iova", 0n) + offset),
    size: session.key(operation, "size", size),
  });
  const address = session.memory.put(roomy(bytes), operation.keys.get("place"));
  return session.ioctl(session.container(operation), VFIO_IOMMU_MAP_DMA, address);
}

export function mapMany(session: Session, operation: Operation): Outcome {
  const count = Number(session.key(operation, "n", 0n));
  const step = session.key(operation, "step", 4096n);
  let mapped = 0;
  let result = 0;
  for (; mapped < count; mapped++) {
    result = mapOnce(session, operation, BigInt(mapped) * step, 4096n);
    if (result < 0) break;
  }
  return { result, fields: [`mapped=${mapped}`, locked(session)] };
}

/** UNMAP_DMA of all three spellings; `unmap-all` and `unmap-dirty` only have other defaults. */
export function unmap(session: Session, operation: Operation): Outcome {
  const withBitmap = operation.name === "unmap-dirty";
  const defaultFlags = withBitmap ? UNMAP_FLAGS["GET_DIRTY"]! : operation.name === "unmap-all" ? 2 : 0;
  const size = session.key(operation, "size", 0n);
  const bitmap = withBitmap ? bitmapOf(session, operation, size) : null;
  const bytes = encode(vfio_iommu_type1_dma_unmap, {
    argsz: session.key32(operation, "argsz", withBitmap ? 48 : 24),
    flags: session.flags(operation, UNMAP_FLAGS, defaultFlags),
    iova: session.key(operation, "iova", 0n),
    size,
    data: bitmap === null ? new Uint8Array() : encode(vfio_bitmap, bitmap.struct),
  });
  const address = session.memory.put(roomy(bytes), operation.keys.get("place"));
  const result = session.ioctl(session.container(operation), VFIO_IOMMU_UNMAP_DMA, address);
  const sizeAt = address + BigInt(vfio_iommu_type1_dma_unmap.offsets.size);
  const field = session.memory.peek(sizeAt, 8);
  const left = field.readable < 8 ? 0n : new DataView(field.bytes.buffer).getBigUint64(0, true);
  const dirty = result === 0 && bitmap !== null ? bitmap.read() : undefined;
  return {
    result,
    fields: [`size=${hex(left)}`, ...(dirty === undefined ? [] : dirtyFields(dirty)), locked(session)],
    ...(dirty !== undefined && { dirty }),
  };
}

interface UserBitmap {
  readonly struct: ValueOf<typeof vfio_bitmap>;
  read(): BitRuns;
}

/** The struct vfio_bitmap an operation asks for, over a zeroed buffer unless `bptr` says otherwise. */
function bitmapOf(session: Session, operation: Operation, size: bigint): UserBitmap {
  const needed = (((size + 4095n) / 4096n + 63n) / 64n) * 8n;
  const bytes = session.key(operation, "bsize", needed);
  const number = (text: string): bigint => session.number(operation, text);
  const data = session.memory.bitmap(operation.keys.get("bptr") ?? "buf", bytes, number);
  const struct = { pgsize: session.key(operation, "pgsize", 4096n), size: bytes, data };
  return {
    struct,
    /* A kernel that accepted the call wrote no further than the range needs. */
    read: () => bitRuns(session.memory.peek(data, Number(needed < bytes ? needed : bytes)).bytes),
  };
}

/** DIRTY_PAGES with the header alone. */
export function dirty(session: Session, operation: Operation): Outcome {
  const flags = session.flags(operation, DIRTY_FLAGS, 0);
  const container = session.container(operation);
  const result = dirtyIoctl(session, container, flags, session.key32(operation, "argsz", 8), operation);
  if (result === 0) noteTracking(session, container, flags);
  return { result };
}

function noteTracking(session: Session, container: string, flags: number): void {
  if (flags === DIRTY_FLAGS["START"]) session.tracking.add(container);
  if (flags === DIRTY_FLAGS["STOP"]) session.tracking.delete(container);
}

/** DIRTY_PAGES without data. */
export function dirtyIoctl(
  session: Session,
  container: string,
  flags: number,
  argsz = 8,
  operation?: Operation,
): number {
  const bytes = encode(vfio_iommu_type1_dirty_bitmap, { argsz, flags, data: new Uint8Array() });
  const address = session.memory.put(roomy(bytes), operation?.keys.get("place"));
  return session.ioctl(container, VFIO_IOMMU_DIRTY_PAGES, address);
}

export function dirtyGet(session: Session, operation: Operation): Outcome {
  const iova = session.key(operation, "iova", 0n);
  const size = session.key(operation, "size", 0n);
  const flags = session.flags(operation, DIRTY_FLAGS, DIRTY_FLAGS["GET"]!);
  const bitmap = bitmapOf(session, operation, size);
  const range = { iova, size, bitmap: bitmap.struct };
  const data = encode(vfio_iommu_type1_dirty_bitmap_get, range);
  const bytes = encode(vfio_iommu_type1_dirty_bitmap, {
    argsz: session.key32(operation, "argsz", 48),
    flags,
    data,
  });
  const address = session.memory.put(roomy(bytes), operation.keys.get("place"));
  const result = session.ioctl(session.container(operation), VFIO_IOMMU_DIRTY_PAGES, address);
  if (result < 0) return { result };
  noteTracking(session, session.container(operation), flags);
  const dirty = bitmap.read();
  return { result, fields: dirtyFields(dirty), dirty };
}
