import { decodeStep } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import { LEAF } from "../entries/entry-kind.ts";
import type { InterleavingEvent } from "../finding.ts";
import type { Group } from "../rules/groups.ts";
import { leafMet, leafText, type RawViolation } from "../rules/violations.ts";
import { NEVER } from "../script/positions.ts";
import { explainLost } from "./explain-lost.ts";
import { explainRelapse } from "./explain-relapse.ts";
import { explainRoot, explainTornRoot, rootOf } from "./explain-root.ts";
import { explainSizes } from "./explain-sizes.ts";
import { inOrder, kernelEvents, loadEvents } from "./interleaving.ts";
import { kernelEvent } from "./kernel-event.ts";
import { leafAnswer, type Path, pathsOf, underWayUntil, usableUntil } from "./page-paths.ts";

/** A minimal interleaving that shows a violation: kernel steps that matter, the loads of one walk, what caches keep. */
export function explain(decision: Decision, group: Group, how: DecideOptions): InterleavingEvent[] {
  return withCause(decision, group, interleaving(decision, group, how));
}

/** What is wrong with an invalidation may be that it does not reach the page: it is shown all the same. */
function withCause(
  decision: Decision,
  { cause, causeStep, domain }: Group,
  events: InterleavingEvent[],
): InterleavingEvent[] {
  const { words, records } = decision.log;
  const step = causeStep === 0 ? null : decodeStep(words, records[causeStep - 1]!);
  if (step?.op !== "invalidate") return events;
  const isOwn = decision.rootsOf(domain).some(({ tag }) => tag === step.domain);
  if (!isOwn && cause !== "wrong-tag") return events;
  if (events.some((event) => event.who === "kernel" && event.step === causeStep)) return events;
  const place = events.findIndex((event) => event.step >= causeStep);
  return place < 0 ? events : events.toSpliced(place, 0, kernelEvent(decision, causeStep));
}

function interleaving(decision: Decision, group: Group, how: DecideOptions): InterleavingEvent[] {
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
  const mode = group.class === "V15" ? how.mode : "strong";
  const strong = bestPath(decision, group, mode);
  // What strong order shows on the page may be another entry's doing than what was found first.
  const found =
    strong?.isShowing || mode === how.mode ? strong : (bestPath(decision, group, how.mode) ?? strong);
  if (found === null) return withoutPath(decision, group);
  const { path, times } = found;
  const events = [
    ...kernelEvents(decision, path, example.start, [...times, example.from]),
    ...deviceEvents(decision, group, path, times),
  ];
  // A path that ends in a table nobody touches does not name the frame that goes.
  if (group.shows === "V06" && !events.some((e) => e.who === "kernel" && e.step === example.from))
    events.push(kernelEvent(decision, example.from));
  const end = events.reduce((last, event) => (event.who === "kernel" ? last : Math.max(last, event.step)), 0);
  const shown = events.filter((event) => event.step <= end);
  const backAt = group.gap?.backAt ?? 0;
  if (backAt > end) shown.push(kernelEvent(decision, backAt));
  return inOrder(shown);
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
  let fallback: ShownPath | null = null;
  for (const path of pathsOf(decision, domain, example.start, mode)) {
    const last = path.loads[path.loads.length - 1]!;
    if (last.table !== example.table || last.index !== example.index || last.version.step !== example.step)
      continue;
    if (last.version.kind === LEAF && !isMet(decision, path, example)) continue;
    for (const at of [last.from, last.to - 1]) {
      const position = Math.min(at, decision.log.steps);
      const times = path.loads.map((load, i) => (i === path.loads.length - 1 ? position : load.from));
      fallback ??= { path, times, isShowing: false };
      if (until(decision, path, at) > lasts) return { path, times, isShowing: true };
    }
  }
  return fallback;
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
  const at = Math.max(times[times.length - 1]!, lastsUntil(group) === 0 ? 0 : end);
  const when = at === log.steps ? "after the return" : `after step ${at}`;
  events.push({ who: "device", step: at, text: `meets ${group.example.met}, ${when}` });
  return events;
}
