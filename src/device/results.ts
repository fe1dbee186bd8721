import {
  DEV_ACCESSES,
  DEV_BACK_PAGE,
  DEV_OUTCOMES,
  DEV_SAMPLES,
  DEV_STATS,
  FIRST_VIOLATION,
  OUTCOME_COUNT,
  SAMPLE_ACCESS,
  SAMPLE_BYTES,
  SAMPLE_ENTRY,
  SAMPLE_EPOCH_AFTER,
  SAMPLE_EPOCH_BEFORE,
  SAMPLE_FRAME,
  SAMPLE_LEVEL,
  SAMPLE_NEW,
  SAMPLE_OLD,
  SAMPLE_PAGE,
  SAMPLE_PINS,
  SAMPLE_RIGHTS,
  SAMPLE_SOURCE,
  SAMPLE_STATE,
  SAMPLE_WRITE,
  SAMPLES_PER_CLASS,
} from "../engine/device-layout.ts";
import type { Engine } from "../engine/index.ts";
import type { IovaPfn, Pfn, Rights } from "../units/index.ts";
import { blockOf, type DeviceBlock } from "./block.ts";
import { OUTCOME_IDS, type OutcomeId } from "./outcomes.ts";

/** What a map answers for one page; null = not mapped. */
export type Answer = { readonly pfn: Pfn; readonly rights: Rights } | null;

const STATES = ["hit", "not-present", "bad-pointer", "reserved", "beyond", "blocked"] as const;
const SOURCES = ["walk", "walk-cache", "iotlb", "atc"] as const;

/** One forbidden access, in full. */
export interface ViolationSample {
  readonly outcome: OutcomeId;
  readonly device: number;
  /** Number of the access in the device's run: with the seed it tells where the run was. */
  readonly access: number;
  readonly iovaPfn: IovaPfn;
  readonly write: boolean;
  /** How the translation ended and where it came from. */
  readonly state: (typeof STATES)[number];
  readonly source: (typeof SOURCES)[number];
  readonly pfn: Pfn;
  readonly rights: Rights;
  /** Level of the leaf, or where the walk ended. */
  readonly level: number;
  /** Last entry loaded, as it was in memory. */
  readonly entry: bigint;
  readonly pinned: boolean;
  /** Epoch before and after the access; maps epochBefore >> 1 to (epochAfter + 1) >> 1 were allowed. */
  readonly epochBefore: number;
  readonly epochAfter: number;
  /** Answers of the first and the last of those maps; undefined = no longer known. */
  readonly oldAnswer: Answer | undefined;
  readonly newAnswer: Answer | undefined;
}

/** Names of the statistics in the order of the device's counters. */
export const STATISTICS = [
  "writes",
  "faults",
  "iotlbHits",
  "atcHits",
  "walkCacheHits",
  "invalidations",
  "waits",
  "dropped",
  "held",
  "duringChange",
  "backToOld",
] as const;
export type Statistic = (typeof STATISTICS)[number];

/** Result of one device's run, plain data. */
export interface DeviceResult {
  readonly device: number;
  readonly accesses: number;
  readonly outcomes: Readonly<Record<OutcomeId, number>>;
  readonly statistics: Readonly<Record<Statistic, number>>;
  /** Page of the first access that went back to the old map; null when there was none. */
  readonly backToOldPage: IovaPfn | null;
  /** For each class the first three violations and the latest. */
  readonly samples: readonly ViolationSample[];
}

const UNKNOWN = 0xffff_ffff_ffff_ffffn;

function answer(word: bigint): Answer | undefined {
  if (word === UNKNOWN) return undefined;
  return word === 0n ? null : { pfn: Number(word >> 2n) as Pfn, rights: Number(word & 3n) };
}

function sample(block: DeviceBlock, outcome: OutcomeId, at: number): ViolationSample {
  return {
    outcome,
    device: block.device,
    access: block.get64(at + SAMPLE_ACCESS),
    iovaPfn: block.get64(at + SAMPLE_PAGE) as IovaPfn,
    write: block.get(at + SAMPLE_WRITE) !== 0,
    state: STATES[block.get(at + SAMPLE_STATE)]!,
    source: SOURCES[block.get(at + SAMPLE_SOURCE)]!,
    pfn: block.get64(at + SAMPLE_FRAME) as Pfn,
    rights: block.get(at + SAMPLE_RIGHTS),
    level: block.get(at + SAMPLE_LEVEL),
    entry: block.big(at + SAMPLE_ENTRY),
    pinned: block.get(at + SAMPLE_PINS) !== 0,
    epochBefore: block.get(at + SAMPLE_EPOCH_BEFORE),
    epochAfter: block.get(at + SAMPLE_EPOCH_AFTER),
    oldAnswer: answer(block.big(at + SAMPLE_OLD)),
    newAnswer: answer(block.big(at + SAMPLE_NEW)),
  };
}

/** Reads a device's counters and samples; exact when the device has stopped, a moving picture while it runs. */
export function readResult(engine: Engine, device: number): DeviceResult {
  const block = blockOf(engine, device);
  const counts = OUTCOME_IDS.map((_, i) => block.get64(DEV_OUTCOMES + 8 * i));
  const samples: ViolationSample[] = [];
  for (let i = FIRST_VIOLATION; i < OUTCOME_COUNT; i++)
    for (let n = 0; n < Math.min(counts[i]!, SAMPLES_PER_CLASS); n++) {
      const slot = (i - FIRST_VIOLATION) * SAMPLES_PER_CLASS + n;
      samples.push(sample(block, OUTCOME_IDS[i]!, DEV_SAMPLES + slot * SAMPLE_BYTES));
    }
  const statistics = Object.fromEntries(
    STATISTICS.map((name, i) => [name, block.get64(DEV_STATS + 8 * i)]),
  ) as Record<Statistic, number>;
  return {
    device,
    accesses: block.get64(DEV_ACCESSES),
    outcomes: Object.fromEntries(OUTCOME_IDS.map((id, i) => [id, counts[i]!])) as Record<OutcomeId, number>,
    statistics,
    backToOldPage: statistics.backToOld === 0 ? null : (block.get64(DEV_BACK_PAGE) as IovaPfn),
    samples,
  };
}
