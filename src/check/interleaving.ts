import { decodeStep, OP, type Step } from "../edit-script/index.ts";
import { callAt } from "./between-calls.ts";
import type { Decision } from "./decide.ts";
import { LEAF, TABLE } from "./entry-kind.ts";
import type { InterleavingEvent } from "./finding.ts";
import { kernelEvent } from "./kernel-event.ts";
import { OrderSteps, onlyOrders } from "./order-steps.ts";
import type { Load, Path } from "./page-paths.ts";
import type { ScriptLog } from "./script-log.ts";

/** What reads or cleans entries of a table. */
const ON_ENTRIES: ReadonlySet<number> = new Set([OP.clean, OP.collect]);
const RANK = { kernel: 0, device: 1, caches: 2 };

const hexEntry = (lo: number, hi: number): string =>
  "0x" + ((BigInt(hi) << 32n) | BigInt(lo)).toString(16).padStart(16, "0");
/** Address of a page. */
export const address = (page: number): string => "0x" + (page * 4096).toString(16);
const slot = (load: Load): string => `${address(load.table)}[${load.index}]`;

/** Events by position; at one position the kernel comes first, then what devices do, then what caches keep of it. */
export const inOrder = (events: readonly InterleavingEvent[]): InterleavingEvent[] =>
  events
    .map((event, i) => ({ event, i }))
    .sort((a, b) => a.event.step - b.event.step || RANK[a.event.who] - RANK[b.event.who] || a.i - b.i)
    .map(({ event }) => event);

/** Steps that write the entries of the path, reach its pages, or give back what it leads to. */
export function kernelEvents(decision: Decision, path: Path, page: number): InterleavingEvent[] {
  const { log } = decision;
  const events: InterleavingEvent[] = [];
  const frames = new Set<number>();
  const tables = new Set<number>();
  for (const load of path.loads) {
    const frame = decision.decoder.frame(load.version.lo, load.version.hi);
    if (load.version.kind === TABLE) tables.add(frame);
    else frames.add(frame + (page % decision.geometry.span(load.level)));
  }
  const { calls } = decision.input;
  const callOf = (step: number): number => (calls ? callAt(calls, step).number : 0);
  const loaded = new Set(path.loads.map((load) => load.table));
  const reached = [...frames];
  const reaching = path.coverage.reachingSteps();
  /** What the others order does not matter. */
  const acting = new Set<number>();
  const matters = (step: Step, number: number): boolean => {
    if (step.op === "freeTable") return tables.has(step.table);
    if (step.op === "unpin") return reached.some((f) => step.pfn <= f && f < step.pfn + step.pages);
    if (step.op === "invalidate") return reaching.has(number);
    if (!("table" in step)) return step.op === "setRoot" || step.op === "window";
    const load = path.loads.find((l) => l.table === step.table);
    const count = "count" in step ? step.count : step.op === "gather" ? step.entries.length : 1;
    return load !== undefined && step.index <= load.index && load.index < step.index + count;
  };
  const order = new OrderSteps();
  for (const k of stepsOn(log, loaded, reached)) {
    const at = log.records[k]!;
    if (onlyOrders(log.words[at]! & 0xff)) {
      if (order.orders(log.words, at)) events.push(kernelEvent(decision, k + 1));
      continue;
    }
    if (!matters(decodeStep(log.words, at), k + 1)) continue;
    order.follow();
    acting.add(callOf(k + 1));
    events.push(kernelEvent(decision, k + 1));
  }
  const isKept = ({ step }: InterleavingEvent): boolean =>
    !onlyOrders(log.words[log.records[step - 1]!]! & 0xff) || acting.has(callOf(step));
  return calls ? events.filter(isKept) : events;
}

/** Steps, less 1 and ascending, that may have to do with some tables and frames: few of a long script. */
function stepsOn(log: ScriptLog, tables: ReadonlySet<number>, frames: readonly number[]): number[] {
  const { words, records, unpins } = log;
  const found: number[] = [];
  for (const own of log.logs())
    if (tables.has(own.table)) for (let k = 0; k < own.writes; k++) found.push(own.step(k) - 1);
  for (const frame of frames)
    for (let i = 0; i < unpins.steps.length; i++)
      if (unpins.starts[i]! <= frame && frame < unpins.ends[i]!) found.push(unpins.steps[i]! - 1);
  for (let i = 0, unpin = 0; i < log.pauses.length; i++) {
    const k = log.pauses[i]! - 1;
    if (unpins.steps[unpin] === k + 1) unpin++;
    else if (!ON_ENTRIES.has(words[records[k]!]! & 0xff) || tables.has(words[records[k]! + 2]!))
      found.push(k);
  }
  return [...new Set(found)].sort((a, b) => a - b);
}

/** The loads of a walk, each at its position, and what caches keep of the last. */
export function loadEvents(
  { decoder }: Decision,
  { loads }: Path,
  times: readonly number[],
): InterleavingEvent[] {
  const events: InterleavingEvent[] = [];
  loads.forEach((load, i) => {
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
