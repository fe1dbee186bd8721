import { ENGINE_WASM_BASE64 } from "./engine-bytes.ts";
import { EngineBug } from "./types.ts";

/** The few parts of the WebAssembly interface in use; the library typings for Node do not declare it. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object;
  Memory: new (limits: { initial: number; maximum: number; shared: true }) => SharedMemory;
  Instance: new (module: object, imports: { env: { memory: SharedMemory } }) => { exports: unknown };
}
declare const WebAssembly: WebAssemblyApi;

export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** The exports of assembly/index.ts; `m` is the offset of the control block, table arguments are offsets. */
export interface EngineExports {
  claimTable(m: number, table: number): void;
  tableLife(m: number, table: number): number;
  readTable(m: number, table: number): number;
  takeFound(m: number, table: number): number;
  entryLow(m: number, table: number, index: number): number;
  entryHigh(m: number): number;
  walkPage(m: number, root: number, levels: number, page: number): number;
  pinFrames(m: number, first: number, pages: number): number;
  unpinFrames(m: number, first: number, pages: number): number;
  framePins(m: number, frame: number): number;
  execute(m: number, words: number): number;
  setContext(m: number, device: number, domain: number, root: number, levels: number): void;
  checkedWalks(root: number, pages: number, count: number, delta: number, seed: number): bigint;
  uniformTable(table: number, level: number): number;
  /** The device's loop; on the device's thread only. runDevice returns 0 when the device is to stop. */
  enterDevice(m: number, device: number): void;
  runDevice(m: number, device: number, accesses: number): number;
  leaveDevice(m: number, device: number): void;
  fetch32(at: number): number;
  publish32(at: number, value: number): void;
  addAndFetch(at: number, value: number): number;
  waitWhile(at: number, value: number, nanoseconds: number): void;
  notify(at: number): void;
}

let compiled: object | undefined;

/** The engine's module, compiled once per thread. */
export function engineModule(): object {
  compiled ??= new WebAssembly.Module(Uint8Array.from(atob(ENGINE_WASM_BASE64), (c) => c.charCodeAt(0)));
  return compiled;
}

const WASM_PAGE_BYTES = 65536;
/** The largest memory a 32-bit module can have: 4 GiB. */
export const MAX_MEMORY_BYTES = 65536 * WASM_PAGE_BYTES;

/** Shared memory at its full size, never grown; pages are committed on first touch. */
export function createMemory(bytes: number): SharedMemory {
  const pages = Math.ceil(bytes / WASM_PAGE_BYTES);
  if (pages * WASM_PAGE_BYTES > MAX_MEMORY_BYTES)
    throw new EngineBug(
      `createMemory: ${bytes} bytes do not fit 4 GiB; ask for less ramFrames or tablePages`,
    );
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

export function instantiate(module: object, memory: SharedMemory): EngineExports {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as EngineExports;
}
