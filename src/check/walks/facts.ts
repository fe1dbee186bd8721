import type { PlainRules } from "../rules/plain-rules.ts";
import type { StoredEntries } from "../script/stored-entries.ts";

/**
 * What devices may come to know, as the walk analysis reports it. Times are positions in the script, as pairs
 * [from, to, from, to, …] ascending; `to` is NEVER for what is still true after the call has returned.
 */
export type Spans = readonly number[];

/** Where a fact was read. */
export interface Origin {
  readonly table: number;
  readonly index: number;
  readonly level: number;
  /** First page that entry `index` translates, and pages of one entry: Infinity where it stands for all there are. */
  readonly at: number;
  readonly span: number;
  /** Step that wrote the entry, 0 for what was there before. */
  readonly step: number;
  /** Step that overwrites it, or NEVER. */
  readonly until: number;
}

/** What a walk finds at its end. */
interface Answer extends Origin {
  /** Entries further up that the walk read as steps of the script have stored them. */
  readonly above: readonly StoredEntries[];
}

/** Some cache or walk may hold a leaf for these pages; frames rise with pages. */
export interface LeafFact extends Answer {
  readonly start: number;
  readonly end: number;
  readonly frame: number;
  /** Rights after ANDing those of the tables above, where the format does. */
  readonly rights: number;
  readonly attributes: number;
  /** A write through it makes walkers set a bit in the entry, in whatever the page is used for by then. */
  readonly setsDirty: boolean;
  /** Step that frees the table it is in, or NEVER. */
  readonly freedAt: number;
  readonly alive: Spans;
  /** Where it outlives the call: the IOTLB keeps it under its tag, and not a device's own cache alone. */
  readonly isInIotlb: boolean;
  /** Position by which every access that used it has been performed. */
  readonly drained: number;
  /** It is what the final tables say. */
  readonly isCurrent: boolean;
}

/** Accesses to these pages may find nothing: at these positions. */
export interface FaultFact extends Answer {
  readonly start: number;
  readonly end: number;
  readonly alive: Spans;
}

/** An untouched subtree of the old tables may be reached: whatever the old map says, in leaves at `level` or below. */
export interface SubtreeFact extends Answer {
  readonly start: number;
  readonly end: number;
  readonly alive: Spans;
  /** When its absent pages can be met. */
  readonly absent: Spans;
  /** True iff all its leaves have these attributes, or nothing is told of any: then it is what the old map says of them. */
  readonly hasAttributes: (attributes: number) => boolean;
  readonly isInIotlb: boolean;
  readonly drained: number;
  readonly isCurrent: boolean;
}

/** Some cache or walk may hold a pointer to a table for these pages. */
export interface PointerFact extends Origin {
  readonly start: number;
  readonly end: number;
  /** The table pointed to, and the step that frees it (or NEVER). */
  readonly child: number;
  readonly freedAt: number;
  readonly alive: Spans;
  readonly isCurrent: boolean;
}

/** An entry no walker should ever be able to read. */
export interface BadEntryFact extends Origin {
  readonly start: number;
  readonly end: number;
  readonly what: "malformed" | "torn" | "unpublished" | "plain";
  readonly from: number;
  /** Where it says that there is nothing: when it can be loaded, as a fault might be meant then; null for any other. */
  readonly absentAt: Spans | null;
  readonly reason: string;
}

/** Takes the facts of one domain, or accepts plain entries without them where it has `plain` rules. Between `open` and `close` all facts belong to pages of one entry that changes. */
export interface FactSink {
  leaf(fact: LeafFact): void;
  fault(fact: FaultFact): void;
  subtree(fact: SubtreeFact): void;
  pointer(fact: PointerFact): void;
  badEntry(fact: BadEntryFact): void;
  open(): void;
  /**
   * False asks for the same facts again, with untouched subtrees read leaf by leaf; or first with nothing accepted
   * without them, if `plain` is undecided.
   */
  close(): boolean;
  readonly plain?: PlainRules;
}

/** Adds [from, to) to ascending spans, joining where they meet. Pre: `from` does not lie before the last `from`. */
export function addSpan(spans: number[], from: number, to: number): void {
  const last = spans.length - 1;
  if (last > 0 && from <= spans[last]!) spans[last] = Math.max(spans[last]!, to);
  else spans.push(from, to);
}

/** True iff two lists of spans have a position in common. */
export function spansMeet(a: Spans, b: Spans): boolean {
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i]! < b[j + 1]! && b[j]! < a[i + 1]!) return true;
    if (a[i + 1]! <= b[j + 1]!) i += 2;
    else j += 2;
  }
  return false;
}

/** The first position two lists of spans have in common, or -1. */
export function firstCommon(a: Spans, b: Spans): number {
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const at = Math.max(a[i]!, b[j]!);
    if (at < a[i + 1]! && at < b[j + 1]!) return at;
    if (a[i + 1]! <= b[j + 1]!) i += 2;
    else j += 2;
  }
  return -1;
}

/** End of the last span: NEVER when the fact outlives the call. */
export const aliveUntil = (spans: Spans): number => spans[spans.length - 1] ?? 0;
