import type { Capability, EditScript } from "../../edit-script/index.ts";
import type { Pfn, Rights } from "../../units/index.ts";

/** What can go wrong, by the catalogue's stable ids. `V01b` is a gap on a changed range. */
export type ViolationClass =
  | "V01"
  | "V01b"
  | "V02"
  | "V03"
  | "V04"
  | "V05"
  | "V06"
  | "V07"
  | "V08"
  | "V09"
  | "V10"
  | "V11"
  | "V12"
  | "V13"
  | "V14"
  | "V15"
  | "V16"
  | "V17"
  | "V18";

/** What a mutant may ask of the entries it moves about. */
export interface EntryReader {
  isPresent(entry: bigint): boolean;
  /** True iff a present entry points to a child table. */
  isTable(entry: bigint): boolean;
  /** Frame of a present leaf, or of the child table. */
  pfnOf(entry: bigint): Pfn;
  rightsOf(entry: bigint): Rights;
}

/** The machine a script is about to run on. */
export interface MutantContext {
  readonly capability: Capability;
  readonly entries: EntryReader;
  /** Entry of a live table before the script runs. */
  entryAt(table: Pfn, index: number): bigint;
}

/**
 * A known-broken kernel: rewrites each edit script the planner makes into the one a kernel with this bug would run.
 * A tool that finds the bug reports `expected` and nothing else in `scenario`.
 */
export interface Mutant {
  /** Stable public id, M01 to M42. */
  readonly id: string;
  /** What the broken kernel does. */
  readonly title: string;
  /** The real bug it is modelled on, or "common". */
  readonly source: string;
  readonly expected: ViolationClass;
  /** Built-in scenario in which the expected class, and only it, shows. */
  readonly scenario: string;
  /** Device threads can see it; the others only the exhaustive checker or the journal can. */
  readonly seenByThreads: boolean;
  /** Returns a new script, or `script` itself where the bug does not bite. */
  rewrite(script: EditScript, context: MutantContext): EditScript;
}
