import type { Decision } from "../decide.ts";
import { LEAF, TABLE } from "../entries/entry-kind.ts";
import { hexEntry } from "../entries/entry-words.ts";
import type { InterleavingEvent } from "../finding.ts";
import { callAt } from "../rules/between-calls.ts";
import { contextEvents } from "./context-events.ts";
import { kernelEvent } from "./kernel-event.ts";
import { address } from "./page-address.ts";
import type { Load, Path } from "./page-paths.ts";
import { type Shown, stepsShown } from "./steps-shown.ts";

const RANK = { kernel: 0, device: 1, caches: 2 };

const slot = (load: Load): string => `${address(load.table)}[${load.index}]`;

/** Events by position; at one position the kernel comes first, then what devices do, then what caches keep of it. */
export const inOrder = (events: readonly InterleavingEvent[]): InterleavingEvent[] =>
  events
    .map((event, i) => ({ event, i }))
    .sort((a, b) => a.event.step - b.event.step || RANK[a.event.who] - RANK[b.event.who] || a.i - b.i)
    .map(({ event }) => event);

/** Steps of the kernel, ascending, put between the events of devices, which keep their order where they share a position. */
export function inTurn(
  kernel: readonly InterleavingEvent[],
  devices: readonly InterleavingEvent[],
): InterleavingEvent[] {
  const result: InterleavingEvent[] = [];
  let next = 0;
  const ordered = devices
    .map((event, i) => ({ event, i }))
    .sort((a, b) => a.event.step - b.event.step || a.i - b.i);
  for (const { event } of ordered) {
    while (next < kernel.length && kernel[next]!.step <= event.step) result.push(kernel[next++]!);
    result.push(event);
  }
  return result;
}

/**
 * Steps that write the entries of the path, reach its pages, or give back what it leads to, with what orders them. `marks` are
 * positions at which devices do something.
 */
export function kernelEvents(
  decision: Decision,
  path: Path,
  page: number,
  marks: readonly number[],
): InterleavingEvent[] {
  const { decoder, geometry } = decision;
  const frames = new Set<number>();
  const tables = new Set<number>();
  const entries = new Map<number, Set<number>>();
  for (const { table, level, index, version } of path.loads) {
    const frame = decoder.frame(version.lo, version.hi);
    if (version.kind === TABLE) tables.add(frame);
    else frames.add(frame + (page % geometry.span(level)));
    entries.set(table, (entries.get(table) ?? new Set()).add(index));
  }
  const { coverage } = path;
  return shownEvents(decision, { entries, page, tables, frames: [...frames], coverage, marks });
}

/** The steps that a counterexample shows; of several calls none that only orders what others do. */
export function shownEvents(decision: Decision, shown: Shown): InterleavingEvent[] {
  const steps = stepsShown(decision.log, shown);
  const { calls } = decision.input;
  if (!calls) return steps.map(({ step }) => kernelEvent(decision, step));
  const callOf = (step: number): number => callAt(calls, step).number;
  const acting = new Set(steps.filter(({ orders }) => !orders).map(({ step }) => callOf(step)));
  return steps
    .filter(({ step, orders }) => !orders || acting.has(callOf(step)))
    .map(({ step }) => kernelEvent(decision, step));
}

/**
 * The loads of a walk, each at its position, what it begins with where that is overwritten, and what caches keep of the last; of one that
 * a cached table begins, those from `first` on.
 */
export function loadEvents(
  decision: Decision,
  { loads, root }: Path,
  times: readonly number[],
  first = 0,
): InterleavingEvent[] {
  const { decoder } = decision;
  const events = first === 0 ? contextEvents(decision, root, Math.min(times[0]!, root.beginsUntil - 1)) : [];
  loads.forEach((load, i) => {
    if (i < first) return;
    const { version } = load;
    const age = version.step === 0 ? "as before the script" : `stored by step ${version.step}`;
    const stale = version.until <= times[i]! ? ", overwritten but still readable" : "";
    const value = `${hexEntry(version.lo, version.hi)} (${age}${stale})`;
    const step = times[i]!;
    events.push({ who: "device", step, text: `loads level ${load.level} ${slot(load)}: ${value}` });
    const frame = decoder.frame(version.lo, version.hi);
    if (version.kind === TABLE && i === loads.length - 1)
      events.push({ who: "caches", step, text: `walk cache keeps table ${address(frame)}` });
    else if (version.kind === LEAF)
      events.push({ who: "caches", step, text: `IOTLB keeps the leaf at ${address(frame)}` });
  });
  return events;
}
