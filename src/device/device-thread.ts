import { machineOf } from "../engine/engine.ts";
import { type Engine, openEngine } from "../engine/index.ts";

/** What a device thread is given once, when it starts: the machine. */
export interface DeviceThreadData {
  readonly module: object;
  readonly memory: { readonly buffer: SharedArrayBuffer };
}

/* About a millisecond: the control word is read between batches, and compiled code is swapped in there. */
const BATCH_ACCESSES = 4096;

/** Runs a device on the calling thread until its control word says stop; always leaves it idle. */
export function serveDevice(engine: Engine, device: number): void {
  const { wasm, control } = machineOf(engine);
  wasm.enterDevice(control, device);
  try {
    while (wasm.runDevice(control, device, BATCH_ACCESSES) !== 0);
  } finally {
    wasm.leaveDevice(control, device);
  }
}

/** Runs `accesses` accesses on the calling thread, with nobody changing anything meanwhile: for tests and benchmarks. */
export function runAlone(engine: Engine, device: number, accesses: number): void {
  const { wasm, control } = machineOf(engine);
  wasm.enterDevice(control, device);
  try {
    wasm.runDevice(control, device, accesses);
  } finally {
    wasm.leaveDevice(control, device);
  }
}

/** The machine of the thread that sent `data`. */
export const openMachine = (data: DeviceThreadData): Engine => openEngine(data.module, data.memory);
