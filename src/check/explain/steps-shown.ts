import { CACHE_CONTEXT } from "../../edit-script/index.ts";
import { waitKind } from "../script/order-steps.ts";
import { firstAtOrAfter, NEVER, placeOf } from "../script/positions.ts";
import type { ScriptLog } from "../script/script-log.ts";
import type { Coverage } from "../walks/coverage.ts";

/** What a counterexample is about. */
export interface Shown {
  /** Entries by table. */
  readonly entries: ReadonlyMap<number, ReadonlySet<number>>;
  /** The page that something is met on. */
  readonly page: number;
  /** Tables whose freeing matters, and frames whose unpins do. */
  readonly tables: ReadonlySet<number>;
  readonly frames: readonly number[];
  /** The invalidations that matter are those that reach these pages; null where none do. */
  readonly coverage: Coverage | null;
  /** Where a cached context entry matters: the tag that it carries. */
  readonly contextTag?: number;
  /** Positions at which devices do something. */
  readonly marks: readonly number[];
}

/**
 * Steps of a script, ascending, that a counterexample shows: those that change its entries, give back what it is about, switch roots
 * or declare windows of its page; and of what orders them, which a script that goes page by page has for every page, the first of each kind
 * behind another step or behind something that a device does.
 */
export function stepsShown(
  log: ScriptLog,
  shown: Shown,
): { readonly step: number; readonly orders: boolean }[] {
  const acting = [...new Set(actingSteps(log, shown))].sort((a, b) => a - b);
  const marks = [...new Set([...acting, ...shown.marks])].sort((a, b) => a - b);
  if (shown.coverage !== null) acting.push(...firstInvalidations(log, shown.coverage.reaching(), marks));
  if (shown.contextTag !== undefined)
    acting.push(...firstInvalidations(log, ofContexts(log, shown.contextTag), marks));
  acting.sort((a, b) => a - b);
  return acting.flatMap((step, i) => {
    const behind = orderingSteps(log, step, acting[i + 1] ?? NEVER);
    return [
      { step, orders: false },
      ...behind.sort((a, b) => a - b).map((at) => ({ step: at, orders: true })),
    ];
  });
}

/** So many windows are all shown: one may be what should have had the page in it. */
const FEW_WINDOWS = 4;

function* actingSteps(log: ScriptLog, { entries, page, tables, frames }: Shown): Generator<number> {
  const { unpins } = log;
  for (const own of log.logs()) {
    const indices = [...(entries.get(own.table) ?? [])];
    if (indices.length === 0) continue;
    const isOn = (index: number, count: number): boolean =>
      indices.some((entry) => index <= entry && entry < index + count);
    for (let k = 0; k < own.writes; k++) if (isOn(own.index(k), own.count(k))) yield own.step(k);
    for (const spans of [own.cleans, own.collects])
      for (const { step, index, count } of spans) if (isOn(index, count)) yield step;
  }
  for (const frame of frames)
    for (let i = 0; i < unpins.steps.length; i++)
      if (unpins.starts[i]! <= frame && frame < unpins.ends[i]!) yield unpins.steps[i]!;
  for (const { step, table } of log.frees) if (tables.has(table)) yield step;
  for (const { step } of log.roots) yield step;
  for (const { start, end, open, close } of log.windows) {
    if (log.windows.length > FEW_WINDOWS && (page < start || end <= page)) continue;
    yield open;
    if (close !== NEVER) yield close;
  }
}

/** Positions of what drops cached context entries of a tag and nothing else. */
function* ofContexts({ invalidations }: ScriptLog, tag: number): Generator<number> {
  const { length, domains } = invalidations;
  for (let at = 0; at < length; at++)
    if (domains[at] === tag && invalidations.caches(at) === CACHE_CONTEXT) yield at;
}

/** Of invalidations, given by position, the first of each kind behind each mark. */
function* firstInvalidations(
  log: ScriptLog,
  positions: Iterable<number>,
  marks: readonly number[],
): Generator<number> {
  const { invalidations } = log;
  const kinds = new Set<number>();
  let next = 0;
  for (const at of positions) {
    const step = invalidations.step(at);
    for (; next < marks.length && marks[next]! < step; next++) kinds.clear();
    if (next === 0) continue;
    const kind = 2 * invalidations.caches(at) + (invalidations.isNonLeaf(at) ? 1 : 0);
    if (kinds.has(kind)) continue;
    kinds.add(kind);
    yield step;
  }
}

/** Between two steps the first barrier, and the first wait of each kind. */
function orderingSteps(
  { words, records, barriers, waits }: ScriptLog,
  after: number,
  before: number,
): number[] {
  const barrier = firstAtOrAfter(barriers, after + 1);
  const found = barrier < before ? [barrier] : [];
  const kinds = new Set<number>();
  let last = -1;
  for (let i = placeOf(waits, after + 1); i < waits.length && waits[i]! < before; i++) {
    const kind = waitKind(words, records[waits[i]! - 1]!);
    // Mostly all are of one kind.
    if (kind === last || kinds.has(kind)) continue;
    kinds.add((last = kind));
    found.push(waits[i]!);
  }
  return found;
}
