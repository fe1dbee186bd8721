import type { MemoryMode } from "../../../src/check/index.ts";
import { seededRandom } from "../seeded-random.ts";
import { FAULTS } from "./faults.ts";
import { complaints } from "./planted.ts";
import { DriverAtWork, type RecordedCall } from "./recorded-call.ts";
import { type Random, type Style, styleOf } from "./style.ts";
import { unlikeMap, verdictOn } from "./verdict.ts";

const MODES: readonly MemoryMode[] = ["strong", "weak"];
const CALLS = 4;

/** What a run over some seeds has seen; a complaint says how to see it again. */
export interface Seen {
  calls: number;
  steps: number;
  /** Faults planted, by name. */
  readonly planted: Map<string, number>;
  readonly complaints: string[];
}

/** The calls of one driver: drawn changes, and now and then a whole other map, with other roots or without. */
export function* callsOf(work: DriverAtWork, random: Random): Generator<RecordedCall> {
  for (let i = 0; i < CALLS; i++) {
    const kind = random(6);
    yield kind === 0 ? work.transition() : kind === 1 ? work.switchRoots() : work.call();
  }
}

export const nothingSeen = (): Seen => ({ calls: 0, steps: 0, planted: new Map(), complaints: [] });

/** Legal calls of the drivers with seeds [from, from + count): none is found fault with. */
export function judgeLegal(from: number, count: number): Seen {
  const seen = nothingSeen();
  for (let seed = from; seed < from + count; seed++) {
    const random = seededRandom(seed);
    const work = new DriverAtWork(styleOf(seed), random);
    for (const call of callsOf(work, random)) {
      const label = `seed ${seed}, call ${++seen.calls}`;
      seen.steps += call.steps.length;
      const unlike = unlikeMap(work);
      if (unlike !== null) seen.complaints.push(`${label}: the driver itself is wrong, ${unlike}`);
      for (const mode of MODES)
        for (const text of verdictOn(call.input, mode).slice(0, 3))
          seen.complaints.push(`${label}, ${mode}: ${text}`);
    }
  }
  return seen;
}

/** Which calls faults are planted in. */
export interface Sowing {
  /** Drivers with seeds [from, from + count). */
  readonly from: number;
  readonly count: number;
  /** Habits that drivers are to have, in turn. */
  readonly habits?: readonly Partial<Style>[];
  /** Calls with more steps are passed over. */
  readonly mostSteps?: number;
  /** A fault is planted no more often. */
  readonly most?: number;
}

/** Faults planted in calls: each is found where it does damage, and nowhere else. Every other one is judged in strong order as well. */
export function judgeFaults({ from, count, habits = [{}], mostSteps = 250, most = Infinity }: Sowing): Seen {
  const seen = nothingSeen();
  for (let seed = from; seed < from + count; seed++) {
    const random = seededRandom(seed);
    const draw = seededRandom(seed + 1_000_000);
    const work = new DriverAtWork(styleOf(seed, habits[seed % habits.length]), random);
    let number = 0;
    for (const call of callsOf(work, random)) {
      number++;
      if (call.steps.length > mostSteps) continue;
      seen.calls++;
      for (const [name, fault] of FAULTS) {
        const times = seen.planted.get(name) ?? 0;
        const planted = times < most ? fault(call, draw) : null;
        if (planted === null) continue;
        seen.planted.set(name, times + 1);
        for (const mode of MODES.slice(times % 2)) {
          const lines = complaints(call, planted, mode);
          const label = `${name}, seed ${seed}, call ${number}, ${mode}`;
          if (lines.length > 0) seen.complaints.push(`${label}: ${lines.join("; ")}`);
        }
      }
    }
  }
  return seen;
}
