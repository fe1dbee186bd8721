import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import { lostWriteOn } from "../dirty/lost-bits.ts";
import type { LostWrite } from "../dirty/search.ts";
import type { InterleavingEvent } from "../finding.ts";
import type { Group } from "../rules/groups.ts";
import { inTurn } from "./interleaving.ts";
import { kernelEvent } from "./kernel-event.ts";
import { address } from "./page-address.ts";
import { type Path, pathsOf } from "./page-paths.ts";
import { stepsShown } from "./steps-shown.ts";

/** A minimal interleaving in which a page is written and nobody knows: who sets which D bit, and what becomes of it. */
export function explainLost(decision: Decision, group: Group, how: DecideOptions): InterleavingEvent[] {
  const { domain, example } = group;
  const page = example.start;
  const own = (mode: DecideOptions["mode"]): LostWrite | null =>
    lostWriteOn(decision, { ...how, mode }, domain, page);
  const inStrong = group.class === "V15" ? null : own("strong");
  const lost = inStrong ?? own(how.mode);
  if (lost === null) return [];
  const devices = deviceEvents(decision, lost, domain, page, inStrong === null ? how.mode : "strong");
  const marks = devices.map(({ step }) => step);
  const { steps } = decision.log;
  return inTurn(kernelEvents(decision, lost, page, marks), [
    ...devices,
    { who: "device", step: steps, text: `after the return: ${example.met}` },
  ]);
}

/** Steps that change the page's entries, free their tables or reach the copy, with what orders them. */
function kernelEvents(
  decision: Decision,
  { slots, copy }: LostWrite,
  page: number,
  marks: readonly number[],
): InterleavingEvent[] {
  const { log, geometry } = decision;
  const entries = new Map<number, Set<number>>();
  for (const { node } of slots) {
    const index = Math.floor(page / geometry.span(node.level)) % geometry.entries;
    entries.set(node.table, (entries.get(node.table) ?? new Set()).add(index));
  }
  const tables = new Set(entries.keys());
  const coverage = copy?.view.coverage ?? null;
  const steps = stepsShown(log, { entries, page, tables, frames: [], coverage, marks });
  return steps.map(({ step }) => kernelEvent(decision, step));
}

function deviceEvents(
  decision: Decision,
  { slot, version, fate, copy }: LostWrite,
  domain: number,
  page: number,
  mode: DecideOptions["mode"],
): InterleavingEvent[] {
  const { geometry, log } = decision;
  const index = Math.floor(page / geometry.span(slot.node.level)) % geometry.entries;
  const entry = `${address(slot.node.table)}[${index}]`;
  if (copy === null) {
    const when = slot.versions[version]!.isWrittenDirty ? "" : " in an earlier call";
    const text = `has written IOVA ${address(page)}${when}: D is 1 in ${entry}`;
    return [{ who: "device", step: 0, text }];
  }
  const from = slot.versions[copy.loadedFrom]!;
  const isDirty = slot.versions[version]!.isWrittenDirty;
  const isStale = fate.what === "taken";
  // What only has to set the bit does so at once; what has to outlive a call is loaded as late as can be.
  const loaded = isStale ? Math.min(copy.loaded, fate.step - 1, from.until - 1) : copy.setAt;
  const at = Math.max(loaded, from.step);
  const events: InterleavingEvent[] = [];
  const path = pathTo(decision, domain, page, mode, slot.node.table, index, at);
  for (const load of path?.loads ?? []) {
    const isLast = load === path!.loads.at(-1);
    const text = `loads level ${load.level} ${address(load.table)}[${load.index}]`;
    events.push({ who: "device", step: isLast ? Math.max(at, load.from) : load.from, text });
  }
  const set = Math.max(copy.setAt, Math.min(at, slot.versions[version]!.until));
  events.push({
    who: "caches",
    step: at,
    text: `IOTLB keeps the leaf of ${entry} with D = ${isDirty ? 1 : 0}`,
  });
  events.push({
    who: "device",
    step: set,
    text: isDirty
      ? `writes IOVA ${address(page)}; D is 1 in the copy, so memory stays as it is`
      : `writes IOVA ${address(page)}; a locked update sets A and D in ${entry} and the copy`,
  });
  if (isStale) {
    const isHeldBack = copy.death <= log.steps;
    events.push({
      who: "device",
      step: Math.min(copy.drained - 1, log.steps),
      text: isHeldBack
        ? `performs a write to IOVA ${address(page)} that used the copy when there was one`
        : `writes IOVA ${address(page)} again; D is 1 in the copy, so memory stays as it is`,
    });
  }
  return events;
}

/** A path whose last load is of the entry, at a position; else any that comes to the entry. */
function pathTo(
  decision: Decision,
  domain: number,
  page: number,
  mode: DecideOptions["mode"],
  table: number,
  index: number,
  at: number,
): Path | null {
  let any: Path | null = null;
  for (const path of pathsOf(decision, domain, page, mode)) {
    const last = path.loads.at(-1)!;
    if (last.table !== table || last.index !== index) continue;
    if (last.from <= at && at < last.to) return path;
    any ??= path;
  }
  return any;
}
