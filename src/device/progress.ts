import { DEV_STATUS, DEV_TARGET, STATUS_IDLE } from "../engine/device-layout.ts";
import { machineOf } from "../engine/engine.ts";
import { type Engine, EngineBug } from "../engine/index.ts";
import { CTL_YIELD } from "../engine/layout.ts";
import { wordChanged } from "../engine/wait-async.ts";
import { blockOf, type DeviceBlock } from "./block.ts";

/** Resolves when the device's thread runs accesses. Does not block the calling thread. */
export function whenRunning(engine: Engine, device: number): Promise<void> {
  return wordChanged(machineOf(engine).buffer, blockOf(engine, device).at(DEV_STATUS), STATUS_IDLE);
}

/** One sleep; only the granularity at which a vanished device is noticed. */
const SLICE_MILLISECONDS = 100;

/**
 * Blocks until each device has made at least `minAccesses` accesses in the current epoch, so that a verdict about this
 * epoch rests on something. Throws EngineBug when a device stops, or makes no progress for `timeoutMilliseconds`.
 */
export function awaitProgress(
  engine: Engine,
  devices: readonly number[],
  minAccesses: number,
  timeoutMilliseconds = 60_000,
): void {
  if (minAccesses < 1) return;
  const blocks = devices.map((d) => blockOf(engine, d));
  const { wasm, control } = machineOf(engine);
  for (const block of blocks) block.signal(DEV_TARGET, minAccesses);
  wasm.publish32(control + CTL_YIELD, 1);
  try {
    for (const block of blocks) awaitTarget(block, minAccesses, timeoutMilliseconds);
  } finally {
    for (const block of blocks) block.signal(DEV_TARGET, 0);
    wasm.publish32(control + CTL_YIELD, 0);
    wasm.notify(control + CTL_YIELD);
  }
}

function awaitTarget(block: DeviceBlock, minAccesses: number, timeoutMilliseconds: number): void {
  for (let waited = 0; block.fetch(DEV_TARGET) !== 0; waited += SLICE_MILLISECONDS) {
    if (!block.isRunning()) throw new EngineBug(`awaitProgress: device ${block.device} is not running`);
    if (waited >= timeoutMilliseconds)
      throw new EngineBug(
        `awaitProgress: device ${block.device} made no ${minAccesses} accesses in ${waited} ms`,
      );
    block.sleepWhile(DEV_TARGET, minAccesses, SLICE_MILLISECONDS);
  }
}
