import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import { ABSENT, LEAF } from "../entries/entry-kind.ts";
import type { InterleavingEvent } from "../finding.ts";
import type { MemoryMode } from "../input.ts";
import { oneRange } from "../lists/ranges.ts";
import { JointMap, NOTHING } from "../maps/joint-map.ts";
import type { MapSide } from "../maps/map-reader.ts";
import type { Group } from "../rules/groups.ts";
import { pagePairs } from "../rules/relapse.ts";
import { rulesOut } from "../script/stored-entries.ts";
import { inTurn, kernelEvents, loadEvents } from "./interleaving.ts";
import { address } from "./page-address.ts";
import { type Load, leafAnswer, type Path, pathsOf, usableUntil } from "./page-paths.ts";

const lastOf = ({ loads }: Path): Load => loads[loads.length - 1]!;

/** Two accesses of one device: the first meets the new map, the second, which begins later, the old one. */
interface Demonstration {
  readonly seen: Answer;
  readonly old: Answer;
  /** Position at which the first has its answer. */
  readonly at: number;
  /** The first load that the second makes after that: what is above it was cached before; as many as there are where all was. */
  readonly resumes: number;
}

interface Answer {
  readonly page: number;
  readonly path: Path;
  readonly met: string;
}

/** An interleaving that shows a device which sees the new map and then the old one. */
export function explainRelapse(decision: Decision, group: Group, how: DecideOptions): InterleavingEvent[] {
  const { relapse } = group.example;
  if (relapse === undefined) return [];
  const modes: MemoryMode[] = group.class === "V15" ? [how.mode] : ["strong", how.mode];
  for (const mode of modes)
    for (const [seen, old] of pagePairs(relapse)) {
      const shown = demonstration(decision, group.domain, seen, old, mode, relapse.old.until);
      if (shown !== null) return events(decision, shown);
    }
  return [];
}

function demonstration(
  decision: Decision,
  domain: number,
  first: number,
  second: number,
  mode: MemoryMode,
  oldUntil: number,
): Demonstration | null {
  const news = answers(decision, domain, first, mode, "new");
  for (const old of answers(decision, domain, second, mode, "old")) {
    const last = lastOf(old.path);
    const isKept = last.version.kind === LEAF || decision.input.capability.cachesNotPresent;
    for (const seen of news) {
      const at = lastOf(seen.path).from;
      if (at >= oldUntil && !isLaterInRun(seen.path, old.path)) continue;
      const later = isLaterInRun(seen.path, old.path);
      const resumes = later ? 0 : resumesAt(old.path, seen.path, at);
      if (resumes < old.path.loads.length) return { seen, old, at, resumes };
      if (isKept && last.from <= at && usableUntil(decision, old.path, Math.min(at, last.to - 1)) > at)
        return { seen, old, at, resumes: old.path.loads.length };
    }
  }
  return null;
}

/** Ways of one page to what one of the two maps says, and the other does not, of reads or of writes. */
function answers(
  decision: Decision,
  domain: number,
  page: number,
  mode: MemoryMode,
  side: MapSide,
): Answer[] {
  const maps = JointMap.of(decision.reader, oneRange(page, page + 1));
  const piece = maps.find(page);
  const found: Answer[] = [];
  for (const path of pathsOf(decision, domain, page, mode)) {
    const { version } = lastOf(path);
    if (version.kind !== LEAF && version.kind !== ABSENT) continue;
    const isLeaf = version.kind === LEAF;
    const { frame, rights } = isLeaf ? leafAnswer(decision, path, page) : { frame: NOTHING, rights: 0 };
    for (const access of [1, 2]) {
      const met = rights & access ? frame : NOTHING;
      if (maps.onlyIn(piece, page, access, met) !== side) continue;
      const text = met === NOTHING ? "no translation" : `frame ${address(met)}`;
      found.push({ page, path, met: `${text} for ${access === 1 ? "reads" : "writes"}` });
      break;
    }
  }
  return found;
}

/**
 * From which load on a walk can be made behind position `at` by a device whose other walk has seen what it has: what is overwritten by then
 * was cached before, and a device keeps to the newest context entry that it has read.
 */
function resumesAt({ loads, root }: Path, seen: Path, at: number): number {
  let first = loads.length;
  while (first > 0 && at < loads[first - 1]!.to && !isReadBefore(seen, loads[first - 1]!)) first--;
  if (root.step >= seen.root.step) return first;
  if (root.tag !== seen.root.tag) return loads.length;
  // Who has got as far as the old root's own entry goes on from there.
  return loads.length === 1 ? first : Math.max(first, 1);
}

/** True iff the loads of a walk rule out that the same entry is read as it was before. */
const isReadBefore = ({ loads }: Path, older: Load): boolean =>
  loads.some((load) => rulesOut(entryOf(load), entryOf(older)));
const entryOf = ({ table, index, version }: Load) => ({ table, first: index, count: 1, step: version.step });

/** True iff one step stores both entries, and the second one later. */
function isLaterInRun(seen: Path, old: Path): boolean {
  const [first, second] = [lastOf(seen), lastOf(old)];
  return (
    first.table === second.table && first.index < second.index && first.version.step === second.version.until
  );
}

function events(decision: Decision, { seen, old, at, resumes }: Demonstration): InterleavingEvent[] {
  const { loads } = old.path;
  const oldLast = lastOf(old.path);
  const timesOf = ({ loads }: Path, from: number): number[] => loads.map((load) => Math.max(load.from, from));
  const first = loadEvents(decision, seen.path, timesOf(seen.path, 0));
  const cached = { ...old.path, loads: loads.slice(0, resumes) };
  const before = resumes === 0 ? [] : loadEvents(decision, cached, timesOf(cached, 0));
  const second = loadEvents(decision, old.path, timesOf(old.path, at), resumes);
  const meets = ({ page, met }: Answer, map: string): InterleavingEvent => ({
    who: "device",
    step: at,
    text: `meets ${met} at IOVA ${address(page)}, as the ${map} map says`,
  });
  const isInRun = at >= oldLast.to;
  const later: InterleavingEvent = {
    who: "device",
    step: at,
    text: isInRun ? `while step ${at} is under way: another access` : "begins another access",
  };
  const showsNew = [...first, meets(seen, "new")];
  const showsOld = [later, ...second];
  const isRetagged = old.path.root.tag !== seen.path.root.tag;
  const kept: InterleavingEvent = {
    who: "caches",
    step: oldLast.from,
    text: "the ATC keeps it too, and knows no tags",
  };
  if (isRetagged && resumes === loads.length) before.push(kept);
  const sequence = [...before, ...showsNew, ...showsOld, meets(old, "old")];
  const steps = new Map<number, InterleavingEvent>();
  const marks = sequence.map((event) => event.step);
  for (const { path, page } of [seen, old])
    for (const event of kernelEvents(decision, path, page, marks)) steps.set(event.step, event);
  return inTurn(
    [...steps.values()].sort((a, b) => a.step - b.step),
    sequence,
  );
}
