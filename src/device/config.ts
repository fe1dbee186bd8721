import {
  CFG_EVICT,
  CFG_FLAGS,
  CFG_HOLD,
  CFG_KEEP,
  CFG_PAUSE_ONE_IN,
  CFG_PAUSE_SPINS,
  CFG_SEED,
  CFG_WRITES,
  FLAG_ATC,
  FLAG_DIRTY,
  FLAG_IOTLB,
  FLAG_NOT_PRESENT,
  FLAG_WALK_CACHE,
} from "../engine/device-layout.ts";
import { type Engine, EngineBug } from "../engine/index.ts";
import { blockOf, type DeviceBlock } from "./block.ts";

/** One device: what it caches and how it behaves. Probabilities are within 0 and 1. Plain data. */
export interface DeviceConfig {
  readonly seed: number;
  /** Cache of leaves. */
  readonly iotlb: boolean;
  /** Cache of table pointers at every level. */
  readonly walkCache: boolean;
  /** Device-side cache of leaves (ATS), dropped only by invalidations that name it. */
  readonly atc: boolean;
  /** Faults are cached too (VT-d caching mode). */
  readonly cachesNotPresent: boolean;
  /** The walker sets A and D bits. */
  readonly setsDirty: boolean;
  /** Probability that a loaded fact is kept in a cache, and that a cached one is forgotten instead of used. */
  readonly keep: number;
  readonly evict: number;
  /** Probability that a translated access is performed later, as posted writes are. */
  readonly hold: number;
  /** Share of writes. */
  readonly writes: number;
  /** Pauses between walk levels and between translation and DMA: once in `oneIn`, up to `maxSpins`. */
  readonly pause: { readonly oneIn: number; readonly maxSpins: number } | null;
}

/** No caches, no pauses: every access walks. The fastest device. */
export const BARE_DEVICE: DeviceConfig = {
  seed: 1,
  iotlb: false,
  walkCache: false,
  atc: false,
  cachesNotPresent: false,
  setsDirty: false,
  keep: 0,
  evict: 0,
  hold: 0,
  writes: 0.5,
  pause: null,
};

/** All caches, held accesses and pauses: the device that finds most. */
export const CACHING_DEVICE: DeviceConfig = {
  ...BARE_DEVICE,
  iotlb: true,
  walkCache: true,
  atc: true,
  keep: 0.5,
  evict: 0.2,
  hold: 0.1,
  pause: { oneIn: 64, maxSpins: 200 },
};

const odds = (name: string, value: number): number => {
  if (!(value >= 0 && value <= 1)) throw new EngineBug(`DeviceConfig.${name} ${value} is not a probability`);
  return Math.round(value * 65536);
};

/** Writes a device's configuration. Pre: the device is not running. */
export function configureDevice(engine: Engine, device: number, config: DeviceConfig): void {
  const block: DeviceBlock = blockOf(engine, device);
  if (block.isRunning()) throw new EngineBug(`configureDevice: device ${device} is running`);
  const flags =
    (config.iotlb ? FLAG_IOTLB : 0) |
    (config.walkCache ? FLAG_WALK_CACHE : 0) |
    (config.atc ? FLAG_ATC : 0) |
    (config.cachesNotPresent ? FLAG_NOT_PRESENT : 0) |
    (config.setsDirty ? FLAG_DIRTY : 0);
  block.set(CFG_FLAGS, flags);
  block.set(CFG_KEEP, odds("keep", config.keep));
  block.set(CFG_EVICT, odds("evict", config.evict));
  block.set(CFG_HOLD, odds("hold", config.hold));
  block.set(CFG_WRITES, odds("writes", config.writes));
  block.set(CFG_PAUSE_ONE_IN, config.pause?.oneIn ?? 0);
  block.set(CFG_PAUSE_SPINS, config.pause?.maxSpins ?? 0);
  block.set(CFG_SEED, config.seed >>> 0);
  block.set(CFG_SEED + 4, Math.imul(config.seed + 1, 0x9e37_79b1) ^ Math.imul(device + 1, 0x85eb_ca6b));
}
