import { decodeStep, OP } from "../edit-script/index.ts";
import { callAt } from "./between-calls.ts";
import type { Decision } from "./decide.ts";
import { LEAF, TABLE } from "./entry-kind.ts";
import type { InterleavingEvent } from "./finding.ts";
import { kernelEvent } from "./kernel-event.ts";
import type { Load, Path } from "./page-paths.ts";

const TWO32 = 0x1_0000_0000;
/** What writes entries of a table, or reads or cleans them. */
const WRITES: ReadonlySet<number> = new Set([
  ...[OP.store, OP.storeRun, OP.exchange, OP.fill, OP.gather, OP.clean, OP.collect],
]);
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
  /** Calls that do something to the page; what the others order does not matter. */
  const acting = new Set<number>();
  const ordering = new Set<number>();
  const loaded = path.loads.map((load) => load.table);
  const reached = [...frames];
  for (let k = 0; k < log.steps; k++) {
    if (isElsewhere(log.words, log.records[k]!, loaded, reached)) continue;
    const step = decodeStep(log.words, log.records[k]!);
    const written =
      "table" in step && step.op !== "freeTable" ? path.loads.find((l) => l.table === step.table) : null;
    let matters = false;
    if (written) {
      const index = "index" in step ? step.index : 0;
      const count = "count" in step ? step.count : step.op === "gather" ? step.entries.length : 1;
      matters = index <= written.index && written.index < index + count;
    } else if (step.op === "freeTable") matters = tables.has(step.table);
    else if (step.op === "unpin") matters = reached.some((f) => step.pfn <= f && f < step.pfn + step.pages);
    else if (step.op === "invalidate") matters = path.coverage.reaching.some((inv) => inv.step === k + 1);
    else if (step.op === "barrier" || step.op === "wait") ordering.add(k + 1);
    else matters = step.op === "setRoot" || step.op === "window";
    if (matters) acting.add(callOf(k + 1));
    if (matters || ordering.has(k + 1)) events.push(kernelEvent(decision, k + 1));
  }
  return events.filter(({ step }) => !ordering.has(step) || calls == null || acting.has(callOf(step)));
}

/** True iff a step plainly has nothing to do with these tables and frames: nearly all of a long script. */
function isElsewhere(
  words: Uint32Array,
  at: number,
  tables: readonly number[],
  frames: readonly number[],
): boolean {
  const op = words[at]! & 0xff;
  if (op === OP.unpin) {
    const start = words[at + 5]! * TWO32 + words[at + 4]!;
    const end = start + words[at + 7]! * TWO32 + words[at + 6]!;
    for (let i = 0; i < frames.length; i++) if (start <= frames[i]! && frames[i]! < end) return false;
    return true;
  }
  return WRITES.has(op) && !tables.includes(words[at + 2]!);
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
