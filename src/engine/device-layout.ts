/**
 * One device's block in shared memory (constants only; read by TypeScript and AssemblyScript).
 *
 *     0        line written by kernel and harness: queue tail, progress target, control
 *     64       line written by the device: queue head, acknowledged wait, status
 *     128      progress in the current epoch
 *     192      configuration, written by the harness before the device runs
 *     256      private to the device thread: generator, scratch of the access in hand
 *     512      outcome histogram, then statistics
 *     1024     invalidation queue
 *     9216     samples of violations
 *     13312    accesses translated but not yet performed
 *     ...      pattern hints, last-seen table, IOTLB, ATC, walk cache
 */
export const DEVICE_BYTES = 65536;

export const DEV_QUEUE_TAIL = 0;
export const DEV_TARGET = 4;
export const DEV_CONTROL = 8;
export const DEV_QUEUE_HEAD = 64;
export const DEV_ACKED = 68;
export const DEV_STATUS = 72;

export const CONTROL_STOP = 0;
export const CONTROL_RUN = 1;

export const STATUS_IDLE = 0;
export const STATUS_RUNNING = 1;

/** Invalidation queue: records of 32 bytes {kind|flags u32, domain/sequence u32, caches u32, -, start u64, end u64}. */
export const DEV_QUEUE = 1024;
export const QUEUE_SLOTS = 256;
export const QUEUE_RECORD = 32;
export const Q_KIND = 0;
export const Q_TAG = 4;
export const Q_CACHES = 8;
export const Q_START = 16;
export const Q_END = 24;

export const QUEUE_INVALIDATE = 1;
export const QUEUE_WAIT = 2;
/** Flag in Q_KIND: non-leaf scope of an invalidation, drain of a wait. */
export const QUEUE_FLAG = 256;
