import {
  DEV_CONTROL,
  DEV_STATUS,
  DEV_TARGET,
  DEVICE_BYTES,
  STATUS_IDLE,
  STATUS_RUNNING,
} from "../engine/device-layout.ts";
import { machineOf } from "../engine/engine.ts";
import { type Engine, EngineBug } from "../engine/index.ts";
import { CTL_DEVICES, MAX_DEVICES } from "../engine/layout.ts";

/** Typed access to one device's block in shared memory. */
export interface DeviceBlock {
  readonly device: number;
  get(offset: number): number;
  set(offset: number, value: number): void;
  /** A 64-bit value that fits a number. */
  get64(offset: number): number;
  big(offset: number): bigint;
  isRunning(): boolean;
  /** Atomic store, then wake whoever waits for the word. */
  signal(offset: number, value: number): void;
  /** Blocks while the word holds `value`, at most `milliseconds`. */
  sleepWhile(offset: number, value: number, milliseconds: number): void;
  fetch(offset: number): number;
  /** Byte offset of a word in the whole memory. */
  at(offset: number): number;
}

/** The block of a device; throws EngineBug when the machine has no such slot. */
export function blockOf(engine: Engine, device: number): DeviceBlock {
  if (!(Number.isInteger(device) && device >= 0 && device < MAX_DEVICES))
    throw new EngineBug(`device ${device} is not within 0 and ${MAX_DEVICES - 1}`);
  const { wasm, words, controlWord } = machineOf(engine);
  const base = controlWord(CTL_DEVICES) + device * DEVICE_BYTES;
  const get = (offset: number): number => words[(base + offset) / 4]!;
  const big = (offset: number): bigint => (BigInt(get(offset + 4)) << 32n) | BigInt(get(offset));
  return {
    device,
    get,
    set: (offset, value) => {
      words[(base + offset) / 4] = value;
    },
    get64: (offset) => get(offset) + get(offset + 4) * 2 ** 32,
    big,
    isRunning: () => wasm.fetch32(base + DEV_STATUS) === STATUS_RUNNING,
    signal: (offset, value) => {
      wasm.publish32(base + offset, value);
      wasm.notify(base + offset);
    },
    sleepWhile: (offset, value, milliseconds) =>
      wasm.waitWhile(base + offset, value, milliseconds < 0 ? -1 : milliseconds * 1e6),
    fetch: (offset) => wasm.fetch32(base + offset) >>> 0,
    at: (offset) => base + offset,
  };
}

/** Tells a device to run on (true) or to stop after its batch. */
export function setControl(engine: Engine, device: number, run: boolean): void {
  blockOf(engine, device).signal(DEV_CONTROL, run ? 1 : 0);
}

/** Declares a device dead whose thread went away without saying so, so that nobody waits for it. */
export function abandonDevice(engine: Engine, device: number): void {
  const block = blockOf(engine, device);
  block.signal(DEV_STATUS, STATUS_IDLE);
  block.signal(DEV_TARGET, 0);
}
