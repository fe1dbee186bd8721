import { decodeStep, OP } from "../edit-script/index.ts";
import { callAt } from "./between-calls.ts";
import type { DecideOptions, Decision } from "./decide.ts";
import { explainLost } from "./dirty/explain-lost.ts";
import { LEAF, TABLE } from "./entry-kind.ts";
import type { InterleavingEvent } from "./finding.ts";
import type { Group } from "./groups.ts";
import { kernelEvent } from "./kernel-event.ts";
import { type Load, type Path, pathsOf } from "./page-paths.ts";
import { NEVER } from "./positions.ts";

const TWO32 = 0x1_0000_0000;
/** What writes entries of a table, or reads or cleans them. */
const WRITES: ReadonlySet<number> = new Set([
  ...[OP.store, OP.storeRun, OP.exchange, OP.fill, OP.gather, OP.clean, OP.collect],
]);

const hexEntry = (lo: number, hi: number): string =>
  "0x" + ((BigInt(hi) << 32n) | BigInt(lo)).toString(16).padStart(16, "0");
const address = (page: number): string => "0x" + (page * 4096).toString(16);
const slot = (load: Load): string => `${address(load.table)}[${load.index}]`;

/** A minimal interleaving that shows a violation: kernel steps that matter, the loads of one walk, what caches keep. */
export function explain(decision: Decision, group: Group, how: DecideOptions): InterleavingEvent[] {
  const { example } = group;
  if (group.ranges.length === 0 || group.class === "V12") return [];
  if (group.shows === "V10") return explainLost(decision, group, how);
  const mode = group.class === "V15" ? how.mode : "strong";
  const found = bestPath(decision, group, mode) ?? bestPath(decision, group, how.mode);
  if (found === null) return withoutPath(decision, group);
  const { path, times } = found;
  const events = [
    ...kernelEvents(decision, path, example.start),
    ...deviceEvents(decision, group, path, times),
  ];
  // A path that ends in a table nobody touches does not name the frame that goes.
  if (group.shows === "V06" && !events.some((e) => e.who === "kernel" && e.step === example.from))
    events.push(kernelEvent(decision, example.from));
  const rank = { kernel: 0, device: 1, caches: 2 };
  const end = events.reduce((last, event) => (event.who === "kernel" ? last : Math.max(last, event.step)), 0);
  const shown = events.filter((event) => event.step <= end);
  const backAt = group.gap?.backAt ?? 0;
  if (backAt > end) shown.push(kernelEvent(decision, backAt));
  return shown
    .map((event, i) => ({ event, i }))
    .sort((a, b) => a.event.step - b.event.step || rank[a.event.who] - rank[b.event.who] || a.i - b.i)
    .map(({ event }) => event);
}

/** What is met below entries that no step writes: the tables say it all the time. */
function withoutPath(decision: Decision, { example, shows }: Group): InterleavingEvent[] {
  const { from, met } = example;
  const isRelease = shows === "V06" && from > 0;
  return [
    ...(isRelease ? [kernelEvent(decision, from)] : []),
    { who: "device", step: from, text: "walks tables that still say what the old map says" },
    { who: "device", step: from, text: `meets ${met}` },
  ];
}

/** The path that ends in the entry of the violation, with a position for each load. */
function bestPath(
  decision: Decision,
  group: Group,
  mode: "strong" | "weak",
): { path: Path; times: number[] } | null {
  const { example, domain } = group;
  const lasts = lastsUntil(group);
  let fallback: { path: Path; times: number[] } | null = null;
  for (const path of pathsOf(decision, domain, example.start, mode)) {
    const last = path.loads[path.loads.length - 1]!;
    if (last.table !== example.table || last.index !== example.index || last.version.step !== example.step)
      continue;
    for (const at of [last.from, last.to - 1]) {
      const position = Math.min(at, decision.log.steps);
      const times = path.loads.map((load, i) => (i === path.loads.length - 1 ? position : load.from));
      fallback ??= { path, times };
      if (remainsUntil(decision, path, at) > lasts) return { path, times };
    }
  }
  return fallback;
}

/** Position that what was loaded must outlive to show the violation. */
function lastsUntil({ shows, example }: Group): number {
  if (shows === "V04" || shows === "V04b" || shows === "V05") return NEVER - 1;
  return shows === "V06" || shows === "V07" ? example.from : 0;
}

function remainsUntil(decision: Decision, { loads, generation, coverage }: Path, at: number): number {
  const { version, level } = loads[loads.length - 1]!;
  if (version.kind === TABLE) return coverage.deaths[generation]!;
  if (version.kind !== LEAF) return loads[loads.length - 1]!.to;
  const span = decision.geometry.span(level);
  const base = loads.reduce((sum, load) => sum + load.index * decision.geometry.span(load.level), 0);
  return coverage.drained(coverage.leafDeath(generation, at, base, base + span));
}

/** Steps that write the entries of the path, reach its pages, or give back what it leads to. */
function kernelEvents(decision: Decision, path: Path, page: number): InterleavingEvent[] {
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
  const loaded = new Set(path.loads.map((load) => load.table));
  for (let k = 0; k < log.steps; k++) {
    if (isElsewhere(log.words, log.records[k]!, loaded, frames)) continue;
    const step = decodeStep(log.words, log.records[k]!);
    const written =
      "table" in step && step.op !== "freeTable" ? path.loads.find((l) => l.table === step.table) : null;
    let matters = false;
    if (written) {
      const index = "index" in step ? step.index : 0;
      const count = "count" in step ? step.count : step.op === "gather" ? step.entries.length : 1;
      matters = index <= written.index && written.index < index + count;
    } else if (step.op === "freeTable") matters = tables.has(step.table);
    else if (step.op === "unpin")
      matters = [...frames].some((f) => step.pfn <= f && f < step.pfn + step.pages);
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
  tables: ReadonlySet<number>,
  frames: ReadonlySet<number>,
): boolean {
  const op = words[at]! & 0xff;
  if (op === OP.unpin) {
    const start = words[at + 5]! * TWO32 + words[at + 4]!;
    const end = start + words[at + 7]! * TWO32 + words[at + 6]!;
    for (const frame of frames) if (start <= frame && frame < end) return false;
    return true;
  }
  return WRITES.has(op) && !tables.has(words[at + 2]!);
}

function deviceEvents(
  decision: Decision,
  group: Group,
  path: Path,
  times: readonly number[],
): InterleavingEvent[] {
  const events: InterleavingEvent[] = [];
  const { log, decoder } = decision;
  path.loads.forEach((load, i) => {
    const { version } = load;
    const age = version.step === 0 ? "as before the script" : `stored by step ${version.step}`;
    const stale = version.until <= times[i]! ? ", overwritten but still readable" : "";
    const value = `${hexEntry(version.lo, version.hi)} (${age}${stale})`;
    events.push({
      who: "device",
      step: times[i]!,
      text: `loads level ${load.level} ${slot(load)}: ${value}`,
    });
    const frame = decoder.frame(version.lo, version.hi);
    if (version.kind === TABLE && i === path.loads.length - 1)
      events.push({ who: "caches", step: times[i]!, text: `walk cache keeps table ${address(frame)}` });
    else if (version.kind === LEAF)
      events.push({ who: "caches", step: times[i]!, text: `IOTLB keeps the leaf at ${address(frame)}` });
  });
  const end = group.shows === "V06" || group.shows === "V07" ? group.example.from : log.steps;
  const at = Math.max(times[times.length - 1]!, lastsUntil(group) === 0 ? 0 : end);
  const when = at === log.steps ? "after the return" : `after step ${at}`;
  events.push({ who: "device", step: at, text: `meets ${group.example.met}, ${when}` });
  return events;
}
