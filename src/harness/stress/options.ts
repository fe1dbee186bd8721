import type { Mutant } from "../../check/mutants/index.ts";
import type { BackingKind, MapSequence, Strategy } from "../../vmm/index.ts";

/** What a stress run is asked to do. */
export interface StressOptions {
  readonly sequence: MapSequence;
  /** Name or path of the input as the user gave it. */
  readonly input: string;
  /** Run in this order. */
  readonly strategies: readonly Strategy[];
  /** Name of the IOMMU profile. */
  readonly format: string;
  /** Every random choice of kernel, devices and perturbation comes from it. */
  readonly seed: number;
  /** Time for all strategies together; each sees the whole sequence at least once, however long that takes. */
  readonly timeMs: number;
  readonly devices: number;
  /** What guest RAM is made of. */
  readonly backing: BackingKind;
  /** Seeded pauses between script steps and between walk levels, which widen the windows of races. */
  readonly perturb: boolean;
  /** Known-broken kernel to run, or null. */
  readonly mutant: Mutant | null;
  /** The command line that runs one strategy of this case again. */
  readonly replay: (strategy: string) => string;
  /** Decide the same changes with the checker, as the proof beside what threads observe; default false. */
  readonly prove?: boolean;
  /** The command line by which the checker shows what a device saw. */
  readonly decide?: (seen: SeenAt) => string;
  /** Ends the run early with what was seen so far. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: StressProgress) => void;
}

/** What a device saw, and during or after which change. */
export interface SeenAt {
  readonly strategy: string;
  /** Position of the map that the change leads to; null where it is not known. */
  readonly step: number | null;
  /** Which time round, from 1: the metered pass is the first. 1 where it is not known. */
  readonly pass: number;
  readonly class: string;
  readonly iovaPfn: number;
}

/** Where a run is. */
export interface StressProgress {
  readonly strategy: string;
  /** Share of the whole run, 0 to 1. */
  readonly share: number;
  readonly passes: number;
  readonly accesses: number;
  /** Accesses with a forbidden outcome so far. */
  readonly forbidden: number;
}

/** The emulated kernel refused a map of the sequence: the sentence says which, and with what errno. */
export class StressError extends Error {
  override name = "StressError";
}
