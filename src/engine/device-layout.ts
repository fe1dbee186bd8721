/**
 * One device's block in shared memory (constants only; read by TypeScript and AssemblyScript).
 *
 *     0        line written by kernel and harness: queue tail, progress target, control
 *     64       line written by the device: queue head, acknowledged wait, status
 *     128      configuration, written by the harness before the device runs
 *     256      private to the device thread: generator, counts
 *     320      the access in hand
 *     512      outcome histogram and statistics
 *     1024     invalidation queue
 *     9216     samples of violations
 *     16384    accesses translated but not yet performed
 *     18432    per pattern range: where the oracle was found last
 *     20480    pages seen during the change under way
 *     24576    IOTLB, ATC, walk cache
 */
export const DEVICE_BYTES = 65536;

export const DEV_QUEUE_TAIL = 0;
/** Accesses wanted in the current epoch; the device clears it and notifies when it has made them. */
export const DEV_TARGET = 4;
export const DEV_CONTROL = 8;
export const DEV_QUEUE_HEAD = 64;
export const DEV_ACKED = 68;
export const DEV_STATUS = 72;

export const CONTROL_STOP = 0;
export const CONTROL_RUN = 1;

export const STATUS_IDLE = 0;
export const STATUS_RUNNING = 1;

/** Configuration; probabilities are n in 65536. */
export const CFG_FLAGS = 128;
export const CFG_KEEP = 132;
export const CFG_EVICT = 136;
export const CFG_HOLD = 140;
export const CFG_WRITES = 144;
export const CFG_PAUSE_ONE_IN = 148;
export const CFG_PAUSE_SPINS = 152;
export const CFG_SEED = 160;

export const FLAG_IOTLB = 1;
export const FLAG_WALK_CACHE = 2;
export const FLAG_ATC = 4;
/** Translations that fault are cached as well (VT-d caching mode). */
export const FLAG_NOT_PRESENT = 8;
/** The walker sets A and D in leaves. */
export const FLAG_DIRTY = 16;
export const FLAGS_CACHES = 7;

export const DEV_RANDOM = 256;
/** Epoch of the last access, and accesses made in it. */
export const DEV_EPOCH = 264;
export const DEV_IN_EPOCH = 268;
export const DEV_HELD = 272;
export const DEV_NUMBER = 276;
export const DEV_ACCESSES = 280;
/** Change during which the new map has answered, and number of the first access that began after that. */
export const DEV_SWITCHED_IN = 288;
export const DEV_SWITCHED_AT = 292;
/** Page of the first access that STAT_BACK_TO_OLD counts. */
export const DEV_BACK_PAGE = 296;

/** An access, in hand or held. */
export const DEV_ACCESS = 320;
export const ACC_BYTES = 128;
export const ACC_PAGE = 0;
export const ACC_FRAME = 8;
/** Last entry the walk loaded. */
export const ACC_ENTRY = 16;
export const ACC_EPOCH = 24;
/** Event clock before the walk, and when the pointer to the walk's first table was loaded. */
export const ACC_CLOCK = 28;
export const ACC_RIGHTS = 36;
export const ACC_LEVEL = 40;
export const ACC_TOP = 44;
export const ACC_WRITE = 48;
export const ACC_STATE = 52;
export const ACC_DOMAIN = 56;
export const ACC_TAINT = 60;
export const ACC_HINT = 64;
export const ACC_SOURCE = 68;
/** Tables of the walk by level, valid from ACC_LEVEL to ACC_TOP. */
export const ACC_TABLES = 72;
export const ACC_USED = 96;
/** Clock of table frees when the pointer to each of those tables was loaded. */
export const ACC_CLOCKS = 100;
/** Number of a held access: how many had begun before it. */
export const ACC_NUMBER = 120;

/** How a translation ended. */
export const STATE_HIT = 0;
export const STATE_NOT_PRESENT = 1;
export const STATE_BAD_POINTER = 2;
export const STATE_RESERVED = 3;
export const STATE_BEYOND = 4;
export const STATE_BLOCKED = 5;

/** Where a translation came from. */
export const SOURCE_WALK = 0;
export const SOURCE_WALK_CACHE = 1;
export const SOURCE_IOTLB = 2;
export const SOURCE_ATC = 3;

/** Outcomes, one u64 counter each; device/outcomes.ts says what they mean. */
export const DEV_OUTCOMES = 512;
export const OUT_SERVED = 0;
export const OUT_REFUSED = 1;
export const OUT_KEPT_SERVED = 2;
export const OUT_KEPT_REFUSED = 3;
export const OUT_OLD = 4;
export const OUT_NEW = 5;
export const OUT_OLD_AFTER_NEW = 6;
export const OUT_BOTH_SIZES = 7;
export const OUT_WINDOW = 8;
export const OUT_UNJUDGED = 9;
export const OUT_V01 = 10;
export const OUT_V01B = 11;
export const OUT_V02 = 12;
export const OUT_V03 = 13;
export const OUT_V04 = 14;
export const OUT_V05 = 15;
export const OUT_V06 = 16;
export const OUT_V07 = 17;
export const OUT_V08 = 18;
export const OUTCOME_COUNT = 19;
export const FIRST_VIOLATION = 10;

/** Statistics, one u64 counter each. */
export const DEV_STATS = 704;
export const STAT_WRITES = 0;
export const STAT_FAULTS = 1;
export const STAT_IOTLB_HITS = 2;
export const STAT_ATC_HITS = 3;
export const STAT_WALK_CACHE_HITS = 4;
export const STAT_INVALIDATIONS = 5;
export const STAT_WAITS = 6;
export const STAT_DROPPED = 7;
export const STAT_HELD = 8;
export const STAT_DURING_CHANGE = 9;
/** Accesses that the old map answered although they began after the device had had an answer of the new one. */
export const STAT_BACK_TO_OLD = 10;
export const STAT_COUNT = 11;

/** Invalidation queue: records {kind | flag u32, domain or sequence u32, caches u32, -, start u64, end u64}. */
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

/** Samples: for each violation class the first three and the latest. */
export const DEV_SAMPLES = 9216;
export const SAMPLES_PER_CLASS = 4;
export const SAMPLE_BYTES = 128;
export const SAMPLE_PAGE = 0;
export const SAMPLE_FRAME = 8;
export const SAMPLE_ENTRY = 16;
export const SAMPLE_ACCESS = 24;
export const SAMPLE_OLD = 32;
export const SAMPLE_NEW = 40;
export const SAMPLE_EPOCH_BEFORE = 48;
export const SAMPLE_EPOCH_AFTER = 52;
export const SAMPLE_RIGHTS = 56;
export const SAMPLE_LEVEL = 60;
export const SAMPLE_WRITE = 64;
export const SAMPLE_STATE = 68;
export const SAMPLE_SOURCE = 72;
export const SAMPLE_OUTCOME = 76;
export const SAMPLE_PINS = 80;

/** Accesses translated but held back, as posted writes are. */
export const DEV_HOLDS = 16384;
export const HOLD_SLOTS = 8;

export const DEV_HINTS = 18432;

/** Pages seen during a change: {page u64, epoch u32, seen u32 = new answer seen | (level + 1) << 8}. */
export const DEV_SEEN = 20480;
export const SEEN_SLOTS = 256;
export const SEEN_BYTES = 16;

/** Cached translations: {key u64, entry u64, used u32, level u32, domain u32, rights u32, clock u32, taint u32}. */
export const DEV_IOTLB = 24576;
export const IOTLB_SLOTS = 128;
export const DEV_ATC = 32768;
export const ATC_SLOTS = 64;
/** Cached table pointers, same record: `entry` is the table's offset, `level` the level of that table. */
export const DEV_WALK_CACHE = 36864;
export const WALK_CACHE_SLOTS = 64;
export const CACHE_RECORD = 64;
export const CACHE_KEY = 0;
export const CACHE_ENTRY = 8;
export const CACHE_USED = 16;
export const CACHE_LEVEL = 20;
export const CACHE_DOMAIN = 24;
export const CACHE_RIGHTS = 28;
export const CACHE_CLOCK = 32;
export const CACHE_TAINT = 36;
export const CACHE_STATE = 40;

/** Oracle region: {start u64, end u64, base u64, rights u32, frames u32 = offset of a u32 list or 0, lg2 u32}. */
export const REGION_BYTES = 40;
export const REGION_START = 0;
export const REGION_END = 8;
export const REGION_BASE = 16;
export const REGION_RIGHTS = 24;
export const REGION_FRAMES = 28;
export const REGION_LG2 = 32;
