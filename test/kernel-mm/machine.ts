import { RAM_BASE_PFN } from "../../src/engine/types.ts";
import { FaultInjector } from "../../src/kernel/fault-injection.ts";
import { ProcessMemory } from "../../src/kernel/mm/address-space.ts";
import { FrameAllocator } from "../../src/kernel/mm/frames.ts";
import type { PinnedRun } from "../../src/kernel/mm/types.ts";
import type { Personality } from "../../src/kernel/personality.ts";
import { type Pfn, pfn, type Rights, vaddrPfn } from "../../src/units/index.ts";

/** Pin counts a page at a time, as naive as can be: what the engine keeps in shared memory. */
export class PinBook {
  readonly ramFrames: number;
  readonly counts = new Map<number, number>();

  constructor(ramFrames: number) {
    this.ramFrames = ramFrames;
  }

  framePins(frame: Pfn): number {
    return this.counts.get(frame) ?? 0;
  }

  pinFrames(first: Pfn, pages: number): void {
    for (let f: number = first; f < first + pages; f++) {
      if (f < RAM_BASE_PFN || f >= RAM_BASE_PFN + this.ramFrames)
        throw new Error(`pin of frame ${f} outside RAM`);
      this.counts.set(f, (this.counts.get(f) ?? 0) + 1);
    }
  }

  unpinFrames(first: Pfn, pages: number): void {
    for (let f: number = first; f < first + pages; f++) {
      const count = this.counts.get(f) ?? 0;
      if (count === 0) throw new Error(`frame ${f} has no pin`);
      if (count === 1) this.counts.delete(f);
      else this.counts.set(f, count - 1);
    }
  }

  /** Pins over all frames. */
  get total(): number {
    return [...this.counts.values()].reduce((a, b) => a + b, 0);
  }
}

/** A machine with nothing but memory. */
export interface MemoryMachine {
  readonly pins: PinBook;
  readonly frames: FrameAllocator;
  readonly faults: FaultInjector;
  readonly newMemory: () => ProcessMemory;
}

export function makeMachine(personality: Personality = "7.3", ramFrames = 1 << 22): MemoryMachine {
  const pins = new PinBook(ramFrames);
  const frames = new FrameAllocator(pins);
  const faults = new FaultInjector();
  return {
    pins,
    frames,
    faults,
    newMemory: () => new ProcessMemory({ frames, engine: pins, faults, personality }),
  };
}

export const emptyRun = (): PinnedRun => ({ pfn: pfn(0), pages: 0, accounted: false, pinned: false });

/** Pins [start, start + pages) run by run, as a container does; all or nothing. Returns the runs, or -errno. */
export function pinRange(
  mm: ProcessMemory,
  start: number,
  pages: number,
  rights: Rights,
): PinnedRun[] | number {
  const runs: PinnedRun[] = [];
  for (let done = 0; done < pages; ) {
    const run = emptyRun();
    const got = mm.pinRun(vaddrPfn(start + done), pages - done, rights, run);
    if (got < 0) {
      unpinAll(mm, runs);
      return got;
    }
    runs.push(run);
    done += got;
  }
  return runs;
}

export function unpinAll(mm: ProcessMemory, runs: readonly PinnedRun[]): void {
  for (const run of runs) if (run.pinned) mm.unpinRun(run.pfn, run.pages);
}

/** Accounted pages of some runs. */
export const accounted = (runs: readonly PinnedRun[]): number =>
  runs.reduce((sum, run) => sum + (run.accounted ? run.pages : 0), 0);
