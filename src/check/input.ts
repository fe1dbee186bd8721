import type { EditScript, MapRun, PinRun, ScriptDomain, TablePart } from "../edit-script/index.ts";
import type { Pfn } from "../units/index.ts";
import type { CheckedCapability } from "./entries/geometry.ts";
import type { MapReader } from "./maps/map-reader.ts";
import type { WeightedRuns } from "./maps/weighted-runs.ts";

/** The tables as they are before the script. */
export interface TablesBefore {
  /**
   * True iff the page holds a table, as each does that walks can get to; a link to any other page is malformed, unless the script
   * wrote that page.
   */
  isTable(table: Pfn): boolean;
  /** True iff the page was one and was given back before the script, whoever still leads to it; false where left out. */
  wasFreed?(table: Pfn): boolean;
  /** True iff earlier calls of a recording have made entries lead to the page, which holds no table; false where left out. */
  isHollow?(table: Pfn): boolean;
  /** True iff an earlier call of a recording has left it a table: where nothing leads to it, that call has lost it. */
  wasLeft?(table: Pfn): boolean;
  /** Entry of a table; 0 where nothing was ever written. */
  entry(table: Pfn, index: number): bigint;
  /** True iff devices may have set the D bit of an entry that is given with D = 0, and nobody was told; false where left out. */
  mayBeDirty?(table: Pfn, index: number): boolean;
  /** True iff more than one entry leads to a table. Where left out, all that the domains reach is looked through. */
  isShared?(table: Pfn): boolean;
  /** The same entries as pairs of 32-bit words, low first, where they are at hand: one bigint an entry is what deciding scattered pages costs. */
  words?(table: Pfn): Uint32Array | null;
  /** The same for tables of which a part is kept, asked first where both are there; `end` is -1 where nothing is at hand. */
  find?(table: Pfn, part: TablePart): void;
}

/** One of the calls that a change is made of. */
export interface CallSpan {
  /** Which call it is, from 1; calls that ran no step have no span. */
  readonly number: number;
  /** The first step it ran, from 1. */
  readonly step: number;
  /** The call in words. */
  readonly name: string;
}

/** The calls of a change that takes several, and which step belongs to which. */
export interface ChangeCalls {
  readonly count: number;
  /** Ascending. */
  readonly spans: readonly CallSpan[];
}

/** A script with everything its verdict depends on, but for the maps. */
export interface CheckedScript {
  readonly capability: CheckedCapability;
  readonly domains: readonly ScriptDomain[];
  readonly tables: TablesBefore;
  readonly script: EditScript;
  /** Where pins are inferred: pages kept that the script unpins are pinned anew on the way, as MAP_DMA after UNMAP_DMA does. */
  readonly isRepinned?: boolean;
  /**
   * By how many pins some frames have more than pages lead to them, or fewer, before the script: an earlier call was told of it, and
   * where it stays so nobody is told again. Where pins are given, it is among them.
   */
  readonly knownDrift?: readonly PinRun[];
  /** Tables that stay allocated although the script detaches them. */
  readonly keptTables?: readonly Pfn[];
  /** The caller was promised that a device which has seen the new map sees the old one no more (epoch mode, V11). */
  readonly isEpoch?: boolean;
  /** Caches there are; leave out CACHE_ATC where no device translates for itself. */
  readonly deviceCaches?: number;
  /** The calls that ran the steps, where there were several: what lies between two calls has its cause in that. */
  readonly calls?: ChangeCalls | null;
}

/** Everything a verdict depends on. */
export interface CheckInput extends CheckedScript {
  /** What the user asked for before and after, as runs sorted by IOVA, free of overlap; all domains share it. */
  readonly oldMap: readonly MapRun[];
  readonly newMap: readonly MapRun[];
  /** Pins when the script starts, every pin of the new map included. Without them pins are inferred and not audited. */
  readonly pins?: readonly PinRun[] | null;
}

/** The same for maps too large to be listed: time and memory follow from what the script touches. */
export interface ReaderInput extends CheckedScript {
  readonly maps: MapReader;
  /**
   * Pins that the change took before the script started, in addition to one for each page of the old map. Without them
   * pins are inferred and not audited.
   */
  readonly pinsTaken?: WeightedRuns | null;
}

/**
 * `strong`: every store is visible to walkers at once, in order. `weak`: what an entry held stays readable until the next
 * barrier, or until the entry is cleaned where walkers do not snoop. Weak outcomes contain the strong ones.
 */
export type MemoryMode = "strong" | "weak";

export interface CheckOptions {
  /** Default `weak`. */
  readonly mode?: MemoryMode;
  /** Decide one page for all that share its history. Default true. */
  readonly collapse?: boolean;
  /** Take subtrees no step touches from the old map instead of reading them. Default true. */
  readonly skipUntouched?: boolean;
  /** Accept pages that are plainly right at sight. Default true. */
  readonly acceptPlain?: boolean;
  /** Leave out the search for what another violation of the same page hides. Default true. */
  readonly skipHidden?: boolean;
  /** Decide one domain for all that share its tables and are invalidated with it, where nothing is wrong. Default true. */
  readonly skipTwins?: boolean;
  /**
   * Name the cause of each violation by replaying the script with one repair. Default true. Without causes, violations of one page
   * that can have the same cause are taken to have it, and the graver one is reported.
   */
  readonly causes?: boolean;
}

/** Input no verdict can be given on; the sentence says what contradicts what. */
export class CheckInputError extends Error {
  override name = "CheckInputError";
}
