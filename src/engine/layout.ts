/**
 * Where everything lives in the shared linear memory. Read by TypeScript and by AssemblyScript alike, so it holds
 * constants only.
 *
 *     offset                         what                                     who writes
 *     0                              table pages; frame TABLE_WINDOW_PFN + n  kernel (execute), devices set A/D
 *                                    is page n
 *     CTL_LIFE                       one life word per table page             kernel
 *     CTL_FOUND                      FOUND_BYTES per table page: which        kernel (execute, takeFound)
 *                                    entries a collect found dirty
 *     CTL_PIN_UNIFORM                pins held by all 512 frames of a chunk   kernel
 *     CTL_PIN_SINGLES                pins per frame on top of the above       kernel
 *     CTL_CELLS                      one 32-bit cell per RAM frame            devices
 *     CTL_WINDOWS                    ring of declared break windows           kernel
 *     CTL_DEVICES                    MAX_DEVICES blocks of DEVICE_BYTES       queue: kernel; rest: the device
 *     CTL_PATTERNS                   ring of access patterns, one a version   harness
 *     CTL_SCRIPT                     window through which scripts stream in   kernel
 *     CTL_READ                       copy of one table for readTable          kernel
 *     CTL_ARENA .. CTL_ARENA_END     oracle: regions and frame lists          harness
 *     end of memory - CTL_BYTES      the control block (offsets CTL_*)        see there
 *
 * Everything is committed on first touch, so the default machine (1.25 TiB of RAM, 1 GiB of tables) costs only what
 * it uses. A thread finds the control block from the size of the memory.
 */
export const CTL_BYTES = 65536;

export const CTL_MAGIC = 0;
export const CTL_TABLE_PAGES = 4;
export const CTL_RAM_FRAMES = 8;
export const CTL_LIFE = 12;
export const CTL_PIN_UNIFORM = 16;
export const CTL_PIN_SINGLES = 20;
export const CTL_CELLS = 24;
export const CTL_WINDOWS = 28;
export const CTL_DEVICES = 32;
export const CTL_PATTERNS = 36;
export const CTL_SCRIPT = 40;
export const CTL_READ = 44;
export const CTL_ARENA = 48;
export const CTL_ARENA_END = 52;
export const CTL_FOUND = 56;
/** Target of the read-modify-write that serves as full barrier. */
export const CTL_FENCE = 64;
/** Judging epoch: even 2k = map k in force, odd 2k+1 = change k to k+1 under way. */
export const CTL_EPOCH = 128;
/** Event clock: counts freed tables and window openings and closings. */
export const CTL_CLOCK = 192;
/** One u64 per device: root table offset | levels << 32 | domain << 40; 0 = blocked. */
export const CTL_CONTEXTS = 256;
export const CTL_WAIT_SEQUENCE = 768;
export const CTL_WINDOW_NEXT = 772;
/** Executor settings and its seeded generator. */
export const CTL_PERTURB_ONE_IN = 776;
export const CTL_PERTURB_MAX_SPINS = 780;
export const CTL_PERTURB_STATE = 784;
export const CTL_TEAR_STORES = 792;
/** First error of the last execute: code, word offset inside the window, two details. */
export const CTL_ERROR = 800;
export const CTL_ERROR_AT = 804;
export const CTL_ERROR_A = 808;
export const CTL_ERROR_B = 816;
/** Counters, u64 each, in this order. */
export const CTL_ENTRY_STORES = 832;
export const CTL_PRIVATE_STORES = 840;
export const CTL_INVALIDATIONS = 848;
export const CTL_WAITS = 856;
export const CTL_BARRIERS = 864;
export const CTL_TABLES_FREED = 872;
export const CTL_PAGES_UNPINNED = 880;
export const CTL_ENTRIES_COLLECTED = 888;
/**
 * Not 0 while somebody waits for the slowest device. A device that owes nothing then gives its CPU away after some
 * accesses, for there may be more devices than CPUs; who waits wakes it by clearing the word.
 */
export const CTL_YIELD = 960;
/** Oracle ring: MAP_VERSIONS headers of 16 bytes {version, regions, offset, generation}. */
export const CTL_MAPS = 1024;

export const MAGIC = 0x68_69_74_31;
export const MAX_DEVICES = 64;
export const MAP_VERSIONS = 16;
export const NO_VERSION = 0xffff_ffff;

/** Script window: at least one record with the longest gather; the engine consumes whole records. */
export const SCRIPT_WORDS = 131072;

/** What collect steps found dirty in one table page, one bit an entry. */
export const FOUND_BYTES = 64;

/** All 512 entries of a freed table hold this: present, and its frame is in no RAM. */
export const POISON_LOW = 0xdead_d083;
export const POISON_HIGH = 0x000f_dead;

/** Life word of a table page: clock of its last free << 1 | live. */
export const LIFE_LIVE = 1;

/** Declared windows: {start u64, end u64, opened u32, closed u32 (0 = open), domain u32, used u32}. */
export const WINDOW_SLOTS = 4096;
export const WINDOW_BYTES = 32;
export const WIN_START = 0;
export const WIN_END = 8;
export const WIN_OPENED = 16;
export const WIN_CLOSED = 20;
export const WIN_DOMAIN = 24;
export const WIN_USED = 28;

/** Error codes of execute. */
export const ERR_TABLE = 1;
export const ERR_INDEX = 2;
export const ERR_OP = 3;
export const ERR_TRUNCATED = 4;
export const ERR_NOT_PINNED = 5;
export const ERR_NOT_RAM = 6;
export const ERR_TABLE_DEAD = 7;
export const ERR_EXCHANGE = 8;
export const ERR_WINDOWS = 9;
export const ERR_DEVICE = 10;
export const ERR_CONTEXT = 11;

/**
 * Access patterns: a ring of MAP_VERSIONS tables, each PATTERN_SLOTS bytes of range numbers (a range appears as often
 * as its weight says), then up to PATTERN_RANGES ranges {first page u64, pages u64}.
 */
export const PATTERN_SLOTS = 1024;
export const PATTERN_RANGES = 256;
export const PATTERN_BYTES = 8192;
/** Number of the pattern in force; a device uses pattern % MAP_VERSIONS. */
export const CTL_PATTERN = 896;
