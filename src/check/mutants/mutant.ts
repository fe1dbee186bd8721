import type { Capability, EditScript, MapRun, PinRun } from "../../edit-script/index.ts";
import type { IovaPfn, Pfn, Rights } from "../../units/index.ts";
import type { MemoryMode } from "../input.ts";
import type { ViolationClass as DecidedClass } from "../rules/violation-class.ts";

/**
 * What can go wrong, by the catalogue's stable ids: the classes that are decided on one script, and those that concern
 * failed calls (V14), concurrent calls (V17) or cost alone (V18).
 */
export type ViolationClass = DecidedClass | "V14" | "V17" | "V18";

/** What a mutant may ask of the entries it moves about. */
export interface EntryReader {
  isPresent(entry: bigint): boolean;
  /** True iff a present entry points to a child table. */
  isTable(entry: bigint): boolean;
  /** Frame of a present leaf, or of the child table. */
  pfnOf(entry: bigint): Pfn;
  rightsOf(entry: bigint): Rights;
  /** The entry with exactly these rights; with none it is not present and keeps its frame. */
  withRights(entry: bigint, rights: Rights): bigint;
  /** A leaf of a table at `level`. */
  leaf(level: number, frame: Pfn, rights: Rights): bigint;
}

/** Where a table stands: which domain, which level its entries are, which IOVA page entry 0 translates. */
export interface TablePlace {
  readonly domain: number;
  readonly level: number;
  readonly base: IovaPfn;
}

/** The machine a script is about to run on. */
export interface MutantContext {
  readonly capability: Capability;
  readonly entries: EntryReader;
  /** Entry of a live table before the script runs. */
  entryAt(table: Pfn, index: number): bigint;
  /** Place of a table that is live or reserved for this script; null for any other page. */
  placeOf(table: Pfn): TablePlace | null;
  /** The entry that points to a table before the script runs; null for a root, and for what no walker can reach. */
  linkTo(table: Pfn): { readonly table: Pfn; readonly index: number } | null;
}

/** What every entry of the catalogue says about itself. */
export interface MutantFacts {
  /** Stable public id, M01 to M42. */
  readonly id: string;
  /** What the broken kernel does, as the end of a sentence that begins with "a kernel that". */
  readonly title: string;
  /** The real bug it is modelled on, or "common". */
  readonly source: string;
  readonly expected: ViolationClass;
  /** Built-in scenario in which the expected class, and only it, shows. */
  readonly scenario: string;
  /** How the map is changed: edits in place unless told otherwise, or a switch of the root. */
  readonly strategy?: "set-map" | "epoch";
  /** After each change user space asks which pages are dirty, and that is what breaks. */
  readonly reports?: boolean;
  /** IOMMUs that the container's devices have to be behind, each with domains of its own; default 1. */
  readonly iommus?: number;
  /** Profile the scenario has to run on; default: any, `vtd-ss-48` unless told otherwise. */
  readonly format?: string;
  /** Device threads can see it; the others only the exhaustive checker or the journal can. */
  readonly seenByThreads: boolean;
  /** Why no tool can tell this kernel from a correct one on such hardware, decided in such a mode; null where one can. */
  equivalent?(capability: Capability, mode: MemoryMode): string | null;
}

/**
 * A known-broken kernel: rewrites each edit script the planner makes into the one a kernel with this bug would run.
 * A tool that finds the bug reports `expected` and nothing else in `scenario`.
 */
export interface Mutant extends MutantFacts {
  /** Returns a new script, or `script` itself where the bug does not bite. */
  rewrite(script: EditScript, context: MutantContext): EditScript;
}

/** What one call does to the machine: the script, what it pins beforehand, and the answer it gives. */
export interface CallRecord {
  /** 0, or the -errno that the call returns. */
  readonly errno: number;
  readonly script: EditScript;
  /** Pins that the call takes before its script runs. */
  readonly pinned: readonly PinRun[];
  readonly oldMap: readonly MapRun[];
  /** What the caller asks for. */
  readonly newMap: readonly MapRun[];
}

/**
 * A kernel whose bug is not in the order of its stores but in what surrounds them: pins, failure paths, locking. It
 * rewrites whole calls.
 */
export interface CallMutant extends MutantFacts {
  /**
   * The map changes it acts on, as positions in the scenario: from one map to another, or, for calls that run at the
   * same time, to several. Absent: every change of the scenario, one call at a time.
   */
  readonly calls?: { readonly from: number; readonly to: readonly number[] };
  /** What the broken kernel makes of correct calls planned on the same map; null where the bug does not bite. */
  rewriteCalls(calls: readonly CallRecord[], context: MutantContext): CallRecord | null;
}

/** True iff the mutant rewrites whole calls, which no running kernel can be made to do. */
export const isCallMutant = (mutant: Mutant | CallMutant | null): mutant is CallMutant =>
  mutant !== null && "rewriteCalls" in mutant;

/** An entry of the catalogue that this project's hardware cannot have; ids stay taken. */
export interface NotCarried {
  readonly id: string;
  readonly title: string;
  readonly source: string;
  readonly expected: ViolationClass;
  /** What the profiles here lack. */
  readonly reason: string;
}
