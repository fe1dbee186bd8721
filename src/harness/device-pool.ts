import { Piscina } from "piscina";
import {
  abandonDevice,
  awaitProgress,
  configureDevice,
  type DeviceConfig,
  type DeviceResult,
  readResult,
  setControl,
  whenRunning,
} from "../device/index.ts";
import type { Engine } from "../engine/index.ts";
import { workerEntry } from "./worker-entry.ts";

/** A device's thread failed, or ended although nobody had stopped it. */
export class DeviceThreadError extends Error {
  override name = "DeviceThreadError";
}

/**
 * N devices, each one long task on a thread of its own. Device i of the pool is device slot i.
 *
 * Life: `start` → any number of map changes, with `awaitProgress` between them → `stop` → maybe `start` again → `destroy`.
 * While the devices run, the thread that executes scripts waits for their acknowledgements.
 */
export class DevicePool {
  readonly #engine: Engine;
  readonly #configs: readonly DeviceConfig[];
  readonly #pool: Piscina;
  #tasks: Promise<void>[] = [];
  #stopping = false;

  constructor(engine: Engine, configs: readonly DeviceConfig[]) {
    if (configs.length === 0) throw new RangeError("DevicePool: 0 devices; at least 1 is needed");
    this.#engine = engine;
    this.#configs = configs;
    this.#pool = new Piscina({
      ...workerEntry("dma-device"),
      minThreads: configs.length,
      maxThreads: configs.length,
      concurrentTasksPerWorker: 1,
      recordTiming: false,
      workerData: { module: engine.module, memory: engine.memory },
    });
  }

  /** Slots of the pool's devices. */
  get devices(): readonly number[] {
    return this.#configs.map((_, device) => device);
  }

  /** Configures the devices and resolves when every one of them performs accesses. Rejects when a thread fails. */
  async start(): Promise<void> {
    if (this.#tasks.length > 0) throw new DeviceThreadError("DevicePool.start: the devices run already");
    this.#stopping = false;
    this.#configs.forEach((config, device) => {
      configureDevice(this.#engine, device, config);
      setControl(this.#engine, device, true);
    });
    this.#tasks = this.devices.map((device) => this.#runTask(device));
    /* Failures are reported by start and stop; this only keeps them from counting as unhandled in between. */
    for (const task of this.#tasks) task.catch(() => {});
    const running = Promise.all(this.devices.map((device) => whenRunning(this.#engine, device)));
    await Promise.race([running, Promise.all(this.#tasks)]);
  }

  async #runTask(device: number): Promise<void> {
    try {
      await this.#pool.run({ device });
    } catch (cause) {
      abandonDevice(this.#engine, device);
      throw new DeviceThreadError(`device ${device}: ${String(cause)}`, { cause });
    }
    if (!this.#stopping) throw new DeviceThreadError(`device ${device} ended although nobody stopped it`);
  }

  /** Blocks until each device has made `minAccesses` accesses in the current epoch. Throws when one cannot. */
  awaitProgress(minAccesses: number, timeoutMilliseconds?: number): void {
    awaitProgress(this.#engine, this.devices, minAccesses, timeoutMilliseconds);
  }

  /** Results so far; a moving picture while the devices run. */
  results(): DeviceResult[] {
    return this.devices.map((device) => readResult(this.#engine, device));
  }

  /** Stops all devices and resolves to their results. Rejects with DeviceThreadError when a thread had failed. */
  async stop(): Promise<DeviceResult[]> {
    this.#stopping = true;
    for (const device of this.devices) setControl(this.#engine, device, false);
    const ends = await Promise.allSettled(this.#tasks);
    this.#tasks = [];
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    return this.results();
  }

  /** Ends the threads. Post: the pool cannot be used again. */
  async destroy(): Promise<void> {
    this.#stopping = true;
    for (const device of this.devices) setControl(this.#engine, device, false);
    await Promise.allSettled(this.#tasks);
    this.#tasks = [];
    await this.#pool.destroy();
  }
}
