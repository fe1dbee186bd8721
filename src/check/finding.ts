import type { MemoryMode } from "./input.ts";
import type { PageRange } from "./maps/interest.ts";
import type { Cause, ViolationClass } from "./rules/violation-class.ts";

/** One violation: a class of pages that break one rule for one cause. */
export interface Finding {
  readonly class: ViolationClass;
  /** What a V15 shows as; the class itself for all others. */
  readonly shows: ViolationClass;
  readonly cause: Cause | null;
  /** Step the cause is about, from 1; 0 where it is about none. */
  readonly causeStep: number;
  /** The cause in words; null where none is named. */
  readonly causeText: string | null;
  readonly domain: number;
  /** Pages concerned, ascending; none where the finding is about pins or table pages. */
  readonly ranges: readonly PageRange[];
  readonly pages: number;
  /** Frames, by number, that are left with too many pins or too few; none where it is about anything else. */
  readonly frames: readonly PageRange[];
  /** What a device, or the audit, meets. */
  readonly met: string;
  readonly rule: string;
  /** The page shown in `events`, or null. */
  readonly page: number | null;
  readonly access: "read" | "write" | "any";
  /** Weakest memory mode in which it shows. */
  readonly mode: MemoryMode;
  /** A minimal interleaving that shows it, in order. */
  readonly events: readonly InterleavingEvent[];
}

/** One line of an interleaving. */
export interface InterleavingEvent {
  readonly who: "kernel" | "device" | "caches";
  /** Step of the script, from 1, that this is or that it comes after. */
  readonly step: number;
  readonly text: string;
  /** In a change of several calls the one that ran this step of the kernel, in words. */
  readonly call?: string | undefined;
}

export interface CheckStats {
  readonly steps: number;
  /** Steps with every run counted entry by entry. */
  readonly events: number;
  /** Entry stores, those into new tables included. */
  readonly stores: number;
  /** Live stores to entries below which no page changes (V18, a metric). */
  readonly unneededStores: number;
  /** Pages of the declared windows. */
  readonly windowPages: number;
}

export interface CheckResult {
  readonly verdict: "clean" | "violation";
  readonly mode: MemoryMode;
  /** Entry histories decided, each for all pages that share it. */
  readonly classes: number;
  /** Pages looked at; all others keep their tables and their translation. */
  readonly pages: number;
  /** Interleavings of one access with the script that the verdict stands for, summed over pages. */
  readonly schedules: number;
  readonly findings: readonly Finding[];
  /** Where the tables before the script do not say what the old map says, in words; the verdict then means little. */
  readonly mismatch: string | null;
  readonly stats: CheckStats;
}
