import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import { LEAF } from "../entries/entry-kind.ts";
import type { InterleavingEvent } from "../finding.ts";
import type { Group } from "../rules/groups.ts";
import { inTurn, kernelEvents, loadEvents } from "./interleaving.ts";
import { type Load, leafAnswer, type Path, pathsOf, usableUntil } from "./page-paths.ts";

/** A walk that ends in a leaf, and the position at which it loads that. */
interface Loaded {
  readonly path: Path;
  readonly at: number;
}

const lastOf = ({ loads }: Path): Load => loads.at(-1)!;

/** An interleaving in which two leaves for one page can be used at once: the walks that load them, the older leaf first. */
export function explainSizes(decision: Decision, group: Group, how: DecideOptions): InterleavingEvent[] {
  const { example, domain } = group;
  const page = example.start;
  for (const mode of group.class === "V15" ? [how.mode] : (["strong", how.mode] as const)) {
    const held = [...pathsOf(decision, domain, page, mode)].flatMap((path) =>
      heldAt(decision, path, example.from),
    );
    // What begins last is said with the fewest loads that wait for steps.
    for (const later of held.toReversed()) {
      const { table, index, version } = lastOf(later.path);
      if (table !== example.table || index !== example.index || version.step !== example.step) continue;
      const other = held.find(({ path }) => disagrees(decision, page, path, later.path));
      if (other !== undefined) return events(decision, group, other, later);
    }
  }
  return [];
}

/** The path with a load of its leaf that caches keep beyond a position, if there is one. */
function heldAt(decision: Decision, path: Path, position: number): Loaded[] {
  const { version, from, to } = lastOf(path);
  const at = Math.min(position, to - 1);
  if (version.kind !== LEAF || from > at) return [];
  // The first load that lasts long enough says most about what ought to have dropped it.
  if (usableUntil(decision, path, from) > position) return [{ path, at: from }];
  return usableUntil(decision, path, at) > position ? [{ path, at }] : [];
}

/** True iff the format forbids that two leaves of one page can be used at once. */
function disagrees(decision: Decision, page: number, a: Path, b: Path): boolean {
  const { decoder, input } = decision;
  const { resizeInPlace, swapInPlace } = input.capability;
  const [one, other] = [lastOf(a), lastOf(b)];
  const [its, others] = [leafAnswer(decision, a, page), leafAnswer(decision, b, page)];
  const attributesOf = ({ version }: Load): number => decoder.attributes(version.lo, version.hi);
  const movesFrame = its.frame !== others.frame;
  const changesRights = its.rights !== others.rights;
  if (one.level === other.level)
    return (movesFrame && !swapInPlace.frame) || (changesRights && !swapInPlace.rights);
  return (
    resizeInPlace === "never" || movesFrame || changesRights || attributesOf(one) !== attributesOf(other)
  );
}

/** Two walks one after the other, or side by side where neither can begin behind the other. */
function inEitherOrder(decision: Decision, one: Loaded, other: Loaded): readonly InterleavingEvent[] {
  for (const [early, late] of [
    [one, other],
    [other, one],
  ] as const) {
    const second = walk(decision, late, early.at);
    const begins = second.find(({ who }) => who === "device")!.step;
    const again = { who: "device", step: begins, text: "begins another access" } as const;
    if (begins >= early.at) return [...walk(decision, early, 0), again, ...second];
  }
  const beside = walk(decision, other, 0).map((event) => ({
    ...event,
    text: `another access: ${event.text}`,
  }));
  return [...walk(decision, one, 0), ...beside];
}

function events(decision: Decision, group: Group, other: Loaded, later: Loaded): InterleavingEvent[] {
  const { example } = group;
  const until = example.from;
  const meets = {
    who: "device",
    step: until,
    text: `meets ${example.met}, ${until === 0 ? "before the first step" : `after step ${until}`}`,
  } as const;
  const devices = [...inEitherOrder(decision, other, later), meets];
  const kernel = new Map<number, InterleavingEvent>();
  const marks = devices.map(({ step }) => step);
  for (const { path } of [other, later])
    for (const event of kernelEvents(decision, path, example.start, marks))
      if (event.step <= until) kernel.set(event.step, event);
  return inTurn(
    [...kernel.values()].sort((a, b) => a.step - b.step),
    devices,
  );
}

/** The loads of a walk, none before `from` that can be later, and what is kept with its size. */
function walk(decision: Decision, { path, at }: Loaded, from: number): InterleavingEvent[] {
  const { coverage, generation, root, loads } = path;
  /* No load later than those below it can be made. */
  const latest: number[] = [];
  for (let i = loads.length - 1, cap = at; i >= 0; i--) latest[i] = cap = Math.min(cap, loads[i]!.to - 1);
  latest[0] = Math.min(latest[0]!, coverage.begins[generation + 1]! - 1, root.beginsUntil - 1);
  const times = loads.map((load, i) =>
    i === loads.length - 1 ? at : Math.max(load.from, Math.min(from, latest[i]!)),
  );
  return loadEvents(decision, path, times).map((event) =>
    event.who === "caches" && event.text.startsWith("IOTLB")
      ? { ...event, text: event.text.replace("the leaf", `the ${sizeOf(decision, lastOf(path))} leaf`) }
      : event,
  );
}

const UNITS = ["KiB", "MiB", "GiB", "TiB"];

function sizeOf({ geometry }: Decision, { level }: Load): string {
  let size = geometry.span(level) * 4;
  let unit = 0;
  for (; size >= 1024; size /= 1024) unit++;
  return `${size} ${UNITS[unit]}`;
}
