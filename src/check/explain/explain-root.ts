import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import type { InterleavingEvent } from "../finding.ts";
import type { Group } from "../rules/groups.ts";
import type { Coverage } from "../walks/coverage.ts";
import type { RootVersion } from "../walks/roots.ts";
import { contextEvents } from "./context-events.ts";
import { inOrder, shownEvents } from "./interleaving.ts";
import { kernelEvent } from "./kernel-event.ts";
import { address } from "./page-address.ts";
import { coverageOf } from "./page-paths.ts";

/** A root that is held when it should not be, and the position at which the walk that holds it begins. */
export interface HeldRoot {
  readonly root: RootVersion;
  readonly coverage: Coverage;
  readonly begins: number;
}

/** The root that a violation is about; null where it is about something below, or about none. */
export function rootOf(decision: Decision, group: Group, how: DecideOptions): HeldRoot | null {
  const { example, domain, shows } = group;
  if (shows !== "V07" && shows !== "V04b") return null;
  for (const mode of group.class === "V15" ? [how.mode] : (["strong", how.mode] as const))
    for (const root of decision.rootsOf(domain, mode)) {
      // A pointer to a root is told with the level above it.
      if (root.table !== example.table || root.levels !== example.level || root.step !== example.step)
        continue;
      const coverage = coverageOf(decision, root, example.start);
      const begins = coverage === null ? -1 : lastBegin(root, coverage, harmAt(decision, group));
      if (begins >= 0) return { root, coverage: coverage!, begins };
    }
  return null;
}

/** Position at which the root does harm: it is freed, or the call is over. */
const harmAt = ({ log }: Decision, { shows, example }: Group): number =>
  shows === "V07" ? example.from : log.steps;

/** The last position at which a walk can begin with a root and still hold it at another one; -1 where none can. */
function lastBegin(root: RootVersion, coverage: Coverage, at: number): number {
  if (root.beginsUntil > at) return at;
  for (let g = coverage.generations - 1; g >= 0; g--) {
    const last = Math.min(coverage.begins[g + 1]!, root.beginsUntil) - 1;
    if (coverage.deaths[g]! > at && last >= Math.max(coverage.begins[g]!, root.step)) return last;
  }
  return -1;
}

/** An interleaving in which a device goes on with a root that it should know no more. */
export function explainRoot(
  decision: Decision,
  group: Group,
  { root, coverage, begins }: HeldRoot,
): InterleavingEvent[] {
  const { met } = group.example;
  const { log, input } = decision;
  const at = harmAt(decision, group);
  const isCached = root.until <= begins && input.capability.cachesContext;
  const entry = isCached ? "the context entry that is cached" : "the context entry";
  const when = at === log.steps ? "after the return" : `after step ${at}`;
  const devices: InterleavingEvent[] = [
    ...contextEvents(decision, root, begins),
    { who: "device", step: begins, text: `begins a walk with root ${address(root.table)}, as ${entry} says` },
    { who: "device", step: at, text: `meets ${met}, ${when}` },
  ];
  const shown = {
    entries: new Map(),
    page: group.example.start,
    tables: new Set([root.table]),
    frames: [],
    coverage,
    contextTag: root.tag,
    marks: devices.map(({ step }) => step),
  };
  return inOrder([...shownEvents(decision, shown).filter(({ step }) => step <= at), ...devices]);
}

/** A device that reads a context entry of which not all is stored yet; null where the violation is about something else. */
export function explainTornRoot(
  decision: Decision,
  { shows, example, domain }: Group,
): InterleavingEvent[] | null {
  if (shows !== "V08" && shows !== "V16") return null;
  const root = decision.rootsOf(domain).find(({ step }) => step > 0 && step === example.step);
  if (root === undefined) return null;
  const parts = `root ${address(root.table)}, ${root.levels} levels, tag ${root.tag}`;
  return [
    ...decision.log.roots
      .filter(({ step, update }) => step <= root.step && update === root.update)
      .map(({ step }) => kernelEvent(decision, step)),
    { who: "device", step: root.step, text: `loads the context entry: ${parts}` },
    { who: "device", step: root.step, text: `meets ${example.met}, after step ${root.step}` },
  ];
}
