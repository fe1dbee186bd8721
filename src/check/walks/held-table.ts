import { NEVER } from "../script/positions.ts";
import type { StoredEntries } from "../script/stored-entries.ts";
import type { TableLog } from "../script/table-log.ts";
import type { Coverage } from "./coverage.ts";
import type { RootVersion } from "./roots.ts";
import type { Hanging } from "./table-places.ts";

/** Walks whose generations begin before `bound`, and are not dead by `from`: from that position on, or from their begin. */
export interface HeldTime {
  readonly from: number;
  bound: number;
}

/**
 * From when on walks of each generation may hold a table.
 *
 * Two positions say that whatever generations there are: a table behind a link that can be read at [step, until) is held by walks that
 * begin before `until`, from `step` or their begin on, unless they are dead by then; and what holds of each link on the way to it holds of
 * all of them together. Where it is led to several times it takes two positions for each.
 */
export interface Holding extends HeldTime {
  /** Walks hold it whose generation does not end before: no others have met the context entry. */
  readonly begun: number;
  /** First time, and those behind it, ascending; they do not meet. */
  from: number;
  later: HeldTime[] | null;
}

/** "A walk may hold this table." */
export interface HeldTable extends Holding {
  readonly table: number;
  readonly log: TableLog | null;
  /** Rights left after those of the entries that led here. */
  readonly rights: number;
  /**
   * First position at which it hangs where it does, whatever rights lead to it: what was overwritten in it before nobody could read
   * here in time.
   */
  readonly linkedSince: number;
  /** It had been taken away from there, with all that hangs below it. */
  readonly isBack: boolean;
  /** The final tables lead here. */
  isCurrent: boolean;
  /** Reached as it was before the script, so that it says what the old map says. */
  readonly isPristine: boolean;
  /** Steps that store the link and overwrite it. */
  readonly step: number;
  readonly until: number;
  /** Barriers until which entries on the way here linger. */
  readonly lingers: readonly number[];
  /** Entries on the way here that were read as the script has stored them. */
  readonly stored: readonly StoredEntries[];
}

/** True iff walks of any time may hold it, from their begin on. */
export const isEver = ({ begun, from, bound }: Holding): boolean =>
  begun === 0 && from === 0 && bound === NEVER;

/** True iff who may hold one table may hold the other as long. */
export const isHeldLike = (a: Holding, b: Holding): boolean =>
  a.begun === b.begun && a.from === b.from && a.bound === b.bound && a.later === b.later;

/** The first generation whose walks can load a version there that can be read at positions [begin, until); -1 where none can. */
export function firstLoading(state: Holding, coverage: Coverage, begin: number, until: number): number {
  const first = firstIn(state, state.begun, coverage, begin, until);
  if (first >= 0 || state.later === null) return first;
  for (const time of state.later) {
    const next = firstIn(time, state.begun, coverage, begin, until);
    if (next >= 0) return next;
  }
  return -1;
}

/** The same within one of the times. */
export function firstIn(
  { from, bound }: HeldTime,
  begun: number,
  coverage: Coverage,
  begin: number,
  until: number,
): number {
  if (from >= until || begin >= until) return -1;
  let first = coverage.firstAlive(Math.max(from, begin));
  if (begun > 0) first = Math.max(first, coverage.lastBegun(begun + 1));
  return first < coverage.generations && coverage.begins[first]! < Math.min(bound, until) ? first : -1;
}

/** The last generation that can. Pre: there is one. */
export function lastLoading(state: Holding, coverage: Coverage, begin: number, until: number): number {
  if (state.later === null) return coverage.lastBegun(Math.min(state.bound, until));
  let last = 0;
  for (const time of [state, ...state.later])
    if (firstIn(time, state.begun, coverage, begin, until) >= 0)
      last = Math.max(last, coverage.lastBegun(Math.min(time.bound, until)));
  return last;
}

/** First position at which walks of a generation may hold it, NEVER where they cannot. */
export function earliestOf(state: Holding, coverage: Coverage, g: number): number {
  const begin = coverage.begins[g]!;
  if (coverage.begins[g + 1]! <= state.begun) return NEVER;
  const own = (time: HeldTime): boolean => begin < time.bound && coverage.deaths[g]! > time.from;
  const time = own(state) ? state : state.later?.find(own);
  return time === undefined ? NEVER : Math.max(begin, time.from);
}

/**
 * How walks hold what a version leads to that its table, `above`, holds at positions [step, until); null where no walk that holds that one
 * can be in time.
 */
export function heldBehind(above: Holding, step: number, until: number): Holding | null {
  const { begun } = above;
  if (above.later === null)
    return above.from < until ? { begun, ...behind(above, step, until), later: null } : null;
  const [first, ...later] = timesOf(above, step, until);
  return first === undefined ? null : { begun, ...first, later: later.length === 0 ? null : later };
}

/** Takes in that another version leads to it as well, which `above` holds at positions [step, until). */
export function holdAlso(state: Holding, above: Holding, step: number, until: number): void {
  if (above.later === null && above.from >= until) return;
  const time = behind(above, step, until);
  const last = state.later?.at(-1) ?? state;
  // Versions come in their order: mostly it is the last time, of which there are many where a link comes and goes.
  if (above.later === null && time.from >= last.from) {
    if (time.from <= last.bound) last.bound = Math.max(last.bound, time.bound);
    else (state.later ??= []).push(time);
    return;
  }
  const own = [{ from: state.from, bound: state.bound }, ...(state.later ?? [])];
  const [first, ...later] = joined([...own, ...timesOf(above, step, until)]);
  [state.from, state.bound] = [first!.from, first!.bound];
  state.later = later.length === 0 ? null : later;
}

const timesOf = (above: Holding, step: number, until: number): HeldTime[] =>
  joined(
    [above, ...(above.later ?? [])]
      .filter(({ from }) => from < until)
      .map((time) => behind(time, step, until)),
  );

const behind = ({ from, bound }: HeldTime, step: number, until: number): HeldTime => ({
  from: Math.max(from, step),
  bound: Math.min(bound, until),
});

/** Times in their order; two that meet are one. */
function joined(times: readonly HeldTime[]): HeldTime[] {
  const all: { from: number; bound: number }[] = [];
  for (const { from, bound } of times.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last !== undefined && from <= last.bound) last.bound = Math.max(last.bound, bound);
    else all.push({ from, bound });
  }
  return all;
}

/** How walks hold the table that a context entry leads to. */
export const rootHeld = (
  root: RootVersion,
  log: TableLog | null,
  hanging: Hanging,
  rights: number,
): HeldTable => ({
  table: root.table,
  log,
  rights,
  begun: root.step,
  from: root.step,
  bound: root.beginsUntil,
  later: null,
  ...hanging,
  isCurrent: root.isCurrent,
  isPristine: root.step === 0,
  step: root.step,
  until: root.until,
  lingers: [],
  stored: [],
});
