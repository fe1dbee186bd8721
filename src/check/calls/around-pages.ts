import type { MapRun, PinRun, ScriptFile, Step, TableRun } from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import { pageHistory } from "../cause/page-history.ts";
import { Decision } from "../decide.ts";
import type { MemoryMode } from "../input.ts";
import type { Ranges } from "../lists/ranges.ts";
import type { OnlyPages } from "../maps/only-pages.ts";
import { inputOf } from "./script-file.ts";

/** What of a script matters to some pages: all that the file says of others is left out. */
export interface AroundPages {
  readonly oldMap: readonly MapRun[];
  readonly newMap: readonly MapRun[];
  readonly tables: readonly TableRun[];
  readonly pins: readonly PinRun[] | null;
  readonly keptTables: readonly Pfn[];
  readonly freedTables: readonly Pfn[];
  /** Steps, each with its number in the file; runs are cut to the entries that walks of the pages load. */
  readonly steps: readonly { readonly step: Step; readonly number: number }[];
}

/** By table: the entries that walks of the pages can load. */
type LoadedEntries = ReadonlyMap<number, ReadonlySet<number>>;

/**
 * The part of a script that is about some pages, to be decided by itself: it may show what the whole shows there, or may not.
 * Null where even that is too long. Errors: CheckInputError.
 */
export function aroundPages(file: ScriptFile, pages: OnlyPages, mode: MemoryMode): AroundPages | null {
  const input = inputOf(file);
  const decision = new Decision(input);
  const how = { mode, collapse: true, skipUntouched: true, journalRules: true, only: null } as const;
  const history = pageHistory(decision, pages, how);
  if (history === null) return null;
  const { entries, frames } = decision.reachedFrom(pages, how);
  const steps = history.steps.flatMap((step, i) =>
    cut(step, entries, frames).map((part) => ({ step: part, number: history.numbers[i]! })),
  );
  return {
    oldMap: mapWithin(file.oldMap, pages),
    newMap: mapWithin(file.newMap, pages),
    tables: [...entries].flatMap(([table, loaded]) => runsOf(input.tables, table as Pfn, loaded)),
    pins:
      file.pins?.flatMap(({ count, ...run }) => framesOf(run, frames).map((part) => ({ ...part, count }))) ??
      null,
    keptTables: file.keptTables.filter((table) => entries.has(table)),
    freedTables: file.freedTables?.filter((table) => entries.has(table)) ?? [],
    steps,
  };
}

/** What of a step concerns the entries and frames: it, a part of it, or nothing. */
function cut(step: Step, entries: LoadedEntries, frames: Ranges): Step[] {
  if (step.op === "unpin") return framesOf(step, frames).map((part) => ({ ...step, ...part }));
  if (!("table" in step)) return [step];
  const loaded = entries.get(step.table);
  if (loaded === undefined) return [];
  if (step.op === "freeTable") return [step];
  const count = "count" in step ? step.count : step.op === "gather" ? step.entries.length : 1;
  const own = [...loaded].filter((index) => step.index <= index && index < step.index + count);
  if (own.length === 0) return [];
  const index = Math.min(...own);
  const end = Math.max(...own) + 1;
  const by = index - step.index;
  if (step.op === "gather") return [{ ...step, index, entries: step.entries.slice(by, end - step.index) }];
  if (step.op === "fill" || step.op === "storeRun") {
    const first = BigInt.asUintN(64, step.first + BigInt(by) * step.stride);
    return [{ ...step, index, count: end - index, first }];
  }
  return "count" in step ? [{ ...step, index, count: end - index }] : [step];
}

/** The parts of a run of frames that are among some frames. */
function framesOf(
  run: { readonly pfn: Pfn; readonly pages: number },
  { starts, ends }: Ranges,
): { pfn: Pfn; pages: number }[] {
  return Array.from(starts, (start, i) => {
    const first = Math.max(start, run.pfn);
    return { pfn: first as Pfn, pages: Math.min(ends[i]!, run.pfn + run.pages) - first };
  }).filter((part) => part.pages > 0);
}

/** The part of a map that is about pages [start, end). */
export const mapWithin = (
  map: readonly MapRun[],
  { start, end }: Pick<OnlyPages, "start" | "end">,
): MapRun[] =>
  map.flatMap((run) => {
    const first = Math.max(start, run.iovaPfn);
    const pages = Math.min(end, run.iovaPfn + run.pages) - first;
    const by = first - run.iovaPfn;
    return pages > 0
      ? [{ ...run, iovaPfn: first as MapRun["iovaPfn"], pages, pfn: (run.pfn + by) as Pfn }]
      : [];
  });

/** What the loaded entries of a table hold; an empty table has one, so that it is known as one. */
function runsOf(
  tables: ReturnType<typeof inputOf>["tables"],
  table: Pfn,
  loaded: ReadonlySet<number>,
): TableRun[] {
  const runs = [...loaded]
    .sort((a, b) => a - b)
    .map((index) => ({ table, index, count: 1, first: tables.entry(table, index), stride: 0n }));
  const held = runs.filter(({ first }) => first !== 0n);
  return held.length > 0 || !tables.isTable(table) ? held : runs.slice(0, 1);
}
