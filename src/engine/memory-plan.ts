import { DEVICE_BYTES } from "./device-layout.ts";
import {
  CTL_ARENA,
  CTL_ARENA_END,
  CTL_BYTES,
  CTL_CELLS,
  CTL_DEVICES,
  CTL_FOUND,
  CTL_LIFE,
  CTL_MAGIC,
  CTL_MAPS,
  CTL_PATTERNS,
  CTL_PERTURB_STATE,
  CTL_PIN_SINGLES,
  CTL_PIN_UNIFORM,
  CTL_RAM_FRAMES,
  CTL_READ,
  CTL_SCRIPT,
  CTL_TABLE_PAGES,
  CTL_WINDOWS,
  FOUND_BYTES,
  MAGIC,
  MAP_VERSIONS,
  MAX_DEVICES,
  NO_VERSION,
  PATTERN_BYTES,
  SCRIPT_WORDS,
  WINDOW_BYTES,
  WINDOW_SLOTS,
} from "./layout.ts";
import { type EngineOptions, RAM_BASE_PFN, TABLE_WINDOW_PFN } from "./types.ts";
import { MAX_MEMORY_BYTES } from "./wasm.ts";

/** 1 TiB for the machine and 256 GiB to move things to. */
export const DEFAULT_RAM_FRAMES = 2 ** 28 + 2 ** 26;
export const DEFAULT_TABLE_PAGES = 2 ** 18;
const MAX_TABLE_PAGES = 2 ** 19;
/** Smallest and, where the 4 GiB allow, desired oracle arena. */
const MIN_ARENA_BYTES = 1 << 20;
const ARENA_BYTES_PER_FRAME = 8;

/** Where each part of the shared memory starts; `words` are the control-block words that say so. */
export interface MemoryPlan {
  readonly bytes: number;
  readonly control: number;
  readonly words: ReadonlyMap<number, number>;
}

/** Lays the parts out one after the other; throws RangeError when they do not fit 4 GiB. */
export function planMemory(options: EngineOptions): MemoryPlan {
  const ramFrames = options.ramFrames ?? DEFAULT_RAM_FRAMES;
  const tablePages = options.tablePages ?? DEFAULT_TABLE_PAGES;
  if (!Number.isInteger(tablePages) || tablePages < 1 || tablePages > MAX_TABLE_PAGES)
    throw new RangeError(`tablePages ${tablePages} is not within 1 and ${MAX_TABLE_PAGES}`);
  if (!Number.isInteger(ramFrames) || ramFrames < 1)
    throw new RangeError(`ramFrames ${ramFrames} is not a positive integer`);
  const chunks = Math.ceil(ramFrames / 512);
  const words = new Map<number, number>([
    [CTL_MAGIC, MAGIC],
    [CTL_TABLE_PAGES, tablePages],
    [CTL_RAM_FRAMES, ramFrames],
  ]);
  let at = tablePages * 4096;
  const place = (word: number, bytes: number): void => {
    words.set(word, at);
    at += Math.ceil(bytes / 4096) * 4096;
  };
  place(CTL_LIFE, tablePages * 4);
  place(CTL_FOUND, tablePages * FOUND_BYTES);
  place(CTL_PIN_UNIFORM, chunks * 4);
  place(CTL_PIN_SINGLES, chunks * 2048);
  place(CTL_CELLS, ramFrames * 4);
  place(CTL_WINDOWS, WINDOW_SLOTS * WINDOW_BYTES);
  place(CTL_DEVICES, MAX_DEVICES * DEVICE_BYTES);
  place(CTL_PATTERNS, MAP_VERSIONS * PATTERN_BYTES);
  place(CTL_SCRIPT, SCRIPT_WORDS * 4);
  place(CTL_READ, 4096);
  const room = MAX_MEMORY_BYTES - CTL_BYTES - at;
  if (room < MIN_ARENA_BYTES)
    throw new RangeError(
      `ramFrames ${ramFrames} and tablePages ${tablePages} do not fit 4 GiB of bookkeeping`,
    );
  const arena = Math.min(room, Math.max(64 * MIN_ARENA_BYTES, ramFrames * ARENA_BYTES_PER_FRAME));
  place(CTL_ARENA, arena - (arena % 4096));
  const control = Math.ceil(at / 65536) * 65536;
  words.set(CTL_ARENA_END, at);
  return { bytes: control + CTL_BYTES, control, words };
}

/** Writes the control block of a fresh, all-zero memory. */
export function formatMemory(buffer: SharedArrayBuffer, plan: MemoryPlan): void {
  const control = new Uint32Array(buffer, plan.control, CTL_BYTES / 4);
  for (const [word, value] of plan.words) control[word / 4] = value;
  control[CTL_PERTURB_STATE / 4] = 0x9e37_79b9;
  for (let i = 0; i < MAP_VERSIONS; i++) control[CTL_MAPS / 4 + 4 * i] = NO_VERSION;
}

/** Is this frame one of the machine's table pages? */
export const isTableFrame = (frame: number, tablePages: number): boolean =>
  frame >= TABLE_WINDOW_PFN && frame < TABLE_WINDOW_PFN + tablePages;

/** Index of a RAM frame's cell, or -1 when it is no RAM. */
export const ramFrameIndex = (frame: number, ramFrames: number): number =>
  frame >= RAM_BASE_PFN && frame < RAM_BASE_PFN + ramFrames ? frame - RAM_BASE_PFN : -1;
