import { decodeStep } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import { LEAF } from "../entries/entry-kind.ts";
import type { InterleavingEvent } from "../finding.ts";
import type { MemoryMode } from "../input.ts";
import type { Group } from "../rules/groups.ts";
import { leafMet, leafText, type RawViolation } from "../rules/violations.ts";
import { NEVER } from "../script/positions.ts";
import { explainLost } from "./explain-lost.ts";
import { explainRelapse } from "./explain-relapse.ts";
import { explainRoot, explainTornRoot, rootOf } from "./explain-root.ts";
import { explainSizes } from "./explain-sizes.ts";
import { inOrder, inTurn, kernelEvents, loadEvents } from "./interleaving.ts";
import { kernelEvent } from "./kernel-event.ts";
import {
  iotlbKeepsUntil,
  type Load,
  leafAnswer,
  type Path,
  pathsOf,
  underWayUntil,
  usableUntil,
} from "./page-paths.ts";

/**
 * A minimal interleaving that shows a violation: kernel steps that matter, the loads of one walk, what caches keep. `mode`: the memory
 * order that shows it.
 */
export function explain(
  decision: Decision,
  group: Group,
  how: DecideOptions,
  mode: MemoryMode,
): InterleavingEvent[] {
  return withCause(decision, group, interleaving(decision, group, how, mode));
}

/** What is wrong with an invalidation, or a store, may be that it does not reach the page: it is shown all the same. */
function withCause(
  decision: Decision,
  { cause, causeStep, domain }: Group,
  events: InterleavingEvent[],
): InterleavingEvent[] {
  const { words, records } = decision.log;
  const step = causeStep === 0 ? null : decodeStep(words, records[causeStep - 1]!);
  if (step === null || events.length === 0) return events;
  if (step.op === "invalidate") {
    const isOwn = decision.rootsOf(domain).some(({ tag }) => tag === step.domain);
    if (!isOwn && cause !== "wrong-tag") return events;
  } else if (cause !== "plan") return events;
  if (events.some((event) => event.who === "kernel" && event.step === causeStep)) return events;
  const place = events.findIndex((event) => event.step >= causeStep);
  return place < 0 ? events : events.toSpliced(place, 0, kernelEvent(decision, causeStep));
}

function interleaving(
  decision: Decision,
  group: Group,
  how: DecideOptions,
  mode: MemoryMode,
): InterleavingEvent[] {
  const { example } = group;
  if (group.ranges.length === 0 || group.class === "V12") return [];
  if (group.shows === "V10") return explainLost(decision, group, how);
  if (group.shows === "V11") return explainRelapse(decision, group, how);
  if (group.shows === "V09") {
    const both = explainSizes(decision, group, how);
    if (both.length > 0) return both;
  }
  const torn = explainTornRoot(decision, group);
  if (torn !== null) return torn;
  const root = rootOf(decision, group, how);
  if (root !== null) return explainRoot(decision, group, root);
  const strong = bestPath(decision, group, mode);
  // What strong order shows on the page may be another entry's doing than what was found first.
  const found =
    strong?.isShowing || mode === how.mode ? strong : (bestPath(decision, group, how.mode) ?? strong);
  if (found === null) return withoutPath(decision, group);
  const { path, times } = found;
  const devices = deviceEvents(decision, group, path, times);
  const end = devices.reduce((last, event) => Math.max(last, event.step), 0);
  const steps = kernelEvents(decision, path, example.start, [...times, example.from]);
  const kernel = steps.filter(({ step }) => step <= end);
  // A path that ends in a table nobody touches does not name the frame that goes.
  const isRelease = group.shows === "V06" && !kernel.some(({ step }) => step === example.from);
  if (isRelease) kernel.push(kernelEvent(decision, example.from));
  const events = inTurn(inOrder(kernel), devices);
  const backAt = group.gap?.backAt ?? 0;
  return backAt > end ? [...events, kernelEvent(decision, backAt)] : events;
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

interface ShownPath {
  readonly path: Path;
  readonly times: number[];
  /** What it loads last lives long enough to show the violation. */
  readonly isShowing: boolean;
}

/** The path that ends in the entry of the violation, with a position for each load. */
function bestPath(decision: Decision, group: Group, mode: "strong" | "weak"): ShownPath | null {
  const { example, domain } = group;
  const lasts = lastsUntil(group);
  // What was unpinned harms accesses that are under way; nothing stale is used by those that come after the return.
  const until = group.shows === "V06" ? underWayUntil : usableUntil;
  // Only an access that begins behind the return has to find the new map.
  const isMissing = group.shows === "V05";
  let fallback: ShownPath | null = null;
  for (const path of pathsOf(decision, domain, example.start, mode)) {
    const last = path.loads[path.loads.length - 1]!;
    if (!isLoadOf(last, example)) continue;
    if (last.version.kind === LEAF && !isMet(decision, path, example)) continue;
    for (const at of isMissing ? [last.to - 1, last.from] : [last.from, last.to - 1]) {
      const position = Math.min(at, decision.log.steps);
      const times = isMissing ? latest(path, position) : earliest(path, position);
      fallback ??= { path, times, isShowing: false };
      if (until(decision, path, at) > lasts) return { path, times, isShowing: true };
    }
  }
  return fallback;
}

/** True iff a load reads the entry that was met, at its level: a table may be reached as one of several. */
const isLoadOf = ({ table, level, index, version }: Load, example: RawViolation): boolean =>
  table === example.table &&
  level === example.level &&
  index === example.index &&
  version.step === example.step;

/** Positions of the loads of a path that ends with one at `position`: as soon as they can be, */
const earliest = ({ loads }: Path, position: number): number[] =>
  loads.map((load, i) => (i === loads.length - 1 ? position : load.from));

/** and as late as they can be. */
function latest({ loads }: Path, position: number): number[] {
  const times: number[] = [];
  let next = position;
  for (const load of loads.toReversed()) times.push((next = Math.min(next, load.to - 1)));
  return times.reverse();
}

/** True iff a path gives the leaf that was met; another one to the same entry may have other rights on its way. */
function isMet(decision: Decision, path: Path, { start, met }: RawViolation): boolean {
  if (!met.startsWith("frame ")) return true;
  const { frame, rights } = leafAnswer(decision, path, start);
  return leafText(leafMet(frame, rights)) === met;
}

/** Position that what was loaded must outlive to show the violation. */
function lastsUntil({ shows, example }: Group): number {
  if (shows === "V04" || shows === "V04b" || shows === "V05") return NEVER - 1;
  return shows === "V06" || shows === "V07" ? example.from : 0;
}

function deviceEvents(
  decision: Decision,
  group: Group,
  path: Path,
  times: readonly number[],
): InterleavingEvent[] {
  const events = loadEvents(decision, path, times);
  const { log } = decision;
  const end = group.shows === "V06" || group.shows === "V07" ? group.example.from : log.steps;
  const loaded = times[times.length - 1]!;
  const at = Math.max(loaded, lastsUntil(group) === 0 ? 0 : end);
  if (path.loads.at(-1)!.version.kind === LEAF) {
    const dropped = iotlbKeepsUntil(decision, path, loaded);
    const isKept = dropped <= at && usableUntil(decision, path, loaded) > dropped;
    if (isKept) events.push({ who: "caches", step: dropped, text: "IOTLB drops it, the ATC keeps it" });
  }
  const when = at === log.steps ? "after the return" : `after step ${at}`;
  events.push({ who: "device", step: at, text: `meets ${group.example.met}, ${when}` });
  return events;
}
