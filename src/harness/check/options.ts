import type { MemoryMode } from "../../check/index.ts";
import type { CallMutant, Mutant } from "../../check/mutants/index.ts";
import type { BackingKind, MapSequence, Strategy } from "../../vmm/index.ts";

/** The kernel and the memory that a sequence of maps is decided on. */
export interface CheckCase {
  readonly sequence: MapSequence;
  /** Name of the IOMMU profile. */
  readonly format: string;
  /** Places the frames of scattered memory. */
  readonly seed: number;
  readonly backing: BackingKind;
  /** Known-broken kernel to decide, or null. */
  readonly mutant: Mutant | CallMutant | null;
}

/** What a check run is asked to do. */
export interface CheckRunOptions extends CheckCase {
  /** Name or path of the input as the user gave it. */
  readonly input: string;
  /** Decided in this order. */
  readonly strategies: readonly Strategy[];
  readonly modes: readonly MemoryMode[];
  /** Decide the way from the last map back to the first as well. */
  readonly cyclic?: boolean;
  /** The line that repeats a finding. */
  readonly replay: (found: FoundAt) => string;
  /** Ends the run early with what was decided so far. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CheckProgress) => void;
}

/** Which finding of which change. */
export interface FoundAt {
  readonly strategy: string;
  /** The change into this map of the sequence, from 0. */
  readonly step: number;
  /** Which time round, from 1. */
  readonly pass: number;
  readonly class: string;
  readonly iovaPfn: number;
}

/** Where a run is. */
export interface CheckProgress {
  readonly strategy: string;
  /** Share of the whole run, 0 to 1. */
  readonly share: number;
  readonly changes: number;
  readonly violations: number;
}
