import { setImmediate } from "node:timers/promises";
import {
  beginChange,
  CACHING_DEVICE,
  type DeviceConfig,
  type DeviceResult,
  endChange,
  publishMap,
  publishPattern,
} from "../../device/index.ts";
import { compareMaps } from "../../model/index.ts";
import type { MapStep } from "../../vmm/index.ts";
import { DevicePool } from "../device-pool.ts";
import { accessPattern } from "./access-pattern.ts";
import { hasAts, type StressMachine } from "./machine.ts";
import type { StressOptions } from "./options.ts";

/** What devices saw of one strategy. */
export interface ThreadedRun {
  /** Whole passes over the sequence. */
  readonly passes: number;
  readonly elapsedMs: number;
  readonly devices: readonly DeviceResult[];
}

/** Accesses every device makes right after a change, when stale answers would show, and again before the next one. */
const SETTLE_ACCESSES = 1000;
/** Pauses between script steps, so that two CPUs are enough to meet inside a window. */
const KERNEL_PAUSE = { oneIn: 4, maxSpins: 10_000 };
const PROGRESS_EVERY_MS = 100;

/**
 * Runs devices against the machine while it goes through its sequence again and again: at least one whole pass, then as
 * many as `budgetMs` allows. An interrupt ends it after the map change in hand.
 *
 * Each change is judged as a whole: the epoch opens before the strategy's first ioctl and closes after its last.
 */
export async function threadedPasses(
  machine: StressMachine,
  options: StressOptions,
  budgetMs: number,
  onProgress: (passes: number, devices: readonly DeviceResult[], elapsedMs: number) => void,
): Promise<ThreadedRun> {
  const { engine } = machine.kernel;
  const { steps } = options.sequence;
  const pool = new DevicePool(engine, deviceConfigs(machine, options));
  const endPfn = 2 * Math.max(1, ...steps.map(({ map }) => lastPage(map.regions)));
  let version = 0;
  let settled = 0;
  const patternTo = (step: MapStep): void => {
    const delta = compareMaps(machine.current.regions, machine.maps.of(step.map).regions);
    publishPattern(engine, accessPattern(delta, endPfn));
  };
  const settle = (): void => pool.awaitProgress((settled += SETTLE_ACCESSES));
  const change = (step: MapStep): void => {
    patternTo(step);
    settle();
    publishMap(engine, ++version, machine.maps.of(step.map).oracle);
    beginChange(engine);
    machine.apply(step);
    endChange(engine);
    settled = 0;
    settle();
  };

  engine.setPerturbation(options.perturb ? { seed: options.seed, ...KERNEL_PAUSE } : null);
  try {
    publishMap(engine, version, machine.current.oracle);
    patternTo(steps[0]!);
    await pool.start();
    const started = performance.now();
    let reported = 0;
    let passes = 0;
    const isOver = async (): Promise<boolean> => {
      await setImmediate();
      const elapsed = performance.now() - started;
      if (elapsed - reported >= PROGRESS_EVERY_MS) {
        reported = elapsed;
        onProgress(passes, pool.results(), elapsed);
      }
      return options.signal?.aborted === true || (passes > 0 && elapsed >= budgetMs);
    };
    for (let next = 1; !(await isOver()); next++) {
      if (steps.length > 1) change(steps[next % steps.length]!);
      else settle();
      if (next % steps.length === steps.length - 1) passes++;
    }
    const elapsedMs = performance.now() - started;
    return { passes, elapsedMs, devices: await pool.stop() };
  } finally {
    engine.setPerturbation(null);
    await pool.destroy();
  }
}

const lastPage = (regions: MapStep["map"]["regions"]): number => {
  const last = regions.at(-1);
  return last === undefined ? 0 : last.iovaPfn + last.pages;
};

export const totalAccesses = (devices: readonly DeviceResult[]): number =>
  devices.reduce((sum, device) => sum + device.accesses, 0);

/** Every device gets its own seed; they differ in how long they keep what they cached. */
function deviceConfigs(machine: StressMachine, options: StressOptions): DeviceConfig[] {
  const { capability } = machine.kernel;
  return Array.from({ length: options.devices }, (_, slot) => ({
    ...CACHING_DEVICE,
    seed: (Math.imul(options.seed, 0x9e37_79b1) + Math.imul(slot + 1, 0x85eb_ca6b)) >>> 0,
    atc: hasAts(machine.strategy),
    cachesNotPresent: capability.cachesNotPresent,
    setsDirty: capability.hardwareDirty,
    keep: slot % 2 === 0 ? CACHING_DEVICE.keep : CACHING_DEVICE.keep / 4,
    pause: options.perturb ? CACHING_DEVICE.pause : null,
  }));
}
