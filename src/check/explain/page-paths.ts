import { CACHE_ATC, CACHES_ALL } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import { LEAF, TABLE } from "../entries/entry-kind.ts";
import { EntryReader } from "../entries/entry-reader.ts";
import { RecentWrites } from "../entries/entry-writes.ts";
import { type Version, VersionReader } from "../entries/versions.ts";
import type { MemoryMode } from "../input.ts";
import { oneRange } from "../lists/ranges.ts";
import { NEVER } from "../script/positions.ts";
import type { TableLog } from "../script/table-log.ts";
import type { Coverage } from "../walks/coverage.ts";
import { Coverages } from "../walks/coverages.ts";
import type { RootVersion } from "../walks/roots.ts";

/** One load of a walk. */
export interface Load {
  readonly table: number;
  readonly level: number;
  readonly index: number;
  readonly version: Version;
  /** What the entry held before, and holds after, the version. */
  readonly overwrites: Version | null;
  /** Positions [from, to) at which a walk that came this way can make it. */
  readonly from: number;
  readonly to: number;
}

/** A way one walk can go: its loads and the generation it belongs to. */
export interface Path {
  readonly generation: number;
  readonly coverage: Coverage;
  /** The context entry that it begins with. */
  readonly root: RootVersion;
  readonly loads: readonly Load[];
}

/** What one entry held, and when a walker can read it; `own` is the life of the table, null where no step touches it. */
type EntryHistories = (
  table: number,
  own: TableLog | null,
  level: number,
  index: number,
) => readonly Version[];

/** Reads the histories of single entries under one memory mode. */
function entryHistories({ input, log, decoder, geometry }: Decision, mode: MemoryMode): EntryHistories {
  const reader = new VersionReader(log, input.tables, decoder, mode, input.capability.coherentWalk);
  /** By level: what was asked for last; neighbouring pages share the entries above them. */
  const last: { table: number; own: TableLog | null; index: number; history: readonly Version[] }[] = [];
  const writes = new RecentWrites(log.words, geometry.entries);
  const before = new EntryReader(input.tables);
  const read: EntryHistories = (table, own, level, index) => {
    before.read(table, own, index);
    const { lo, hi } = before;
    const those = own === null ? [] : writes.of(own).at(index);
    if (own === null || those.length === 0) return [reader.constant(level, lo, hi)];
    return reader.read(own, level, index, those, lo, hi);
  };
  return (table, own, level, index) => {
    const known = last[level];
    if (known !== undefined && known.table === table && known.own === own && known.index === index)
      return known.history;
    const history = read(table, own, level, index);
    last[level] = { table, own, index, history };
    return history;
  };
}

/** What invalidates the page for accesses that begin with a context entry; null where its tables do not reach the page. */
export function coverageOf(
  { input, log, geometry }: Decision,
  root: RootVersion,
  page: number,
): Coverage | null {
  const hasAtc = ((input.deviceCaches ?? CACHES_ALL) & CACHE_ATC) !== 0;
  const { invalidateCoversLeaf } = input.capability;
  const end = geometry.tableSpan(root.levels - 1);
  if (page >= end) return null;
  return new Coverages(log, root.tag, end, oneRange(page, page + 1), hasAtc, invalidateCoversLeaf).next();
}

/** Every way a walk of one page can go, one after the other: for showing, not for deciding. */
export function* pathsOf(
  decision: Decision,
  domain: number,
  page: number,
  mode: MemoryMode,
): Generator<Path> {
  const { log, geometry, decoder } = decision;
  const roots = decision.rootsOf(domain, mode);
  const historyOf = entryHistories(decision, mode);
  for (const root of roots) {
    const coverage = coverageOf(decision, root, page);
    if (coverage === null) continue;
    for (let g = 0; g < coverage.generations; g++) {
      const from = Math.max(coverage.begins[g]!, root.step);
      if (from >= Math.min(root.beginsUntil, coverage.begins[g + 1]!)) continue;
      yield* below(root, coverage, root.table, root.levels - 1, root.step, from, g, []);
    }
  }

  function* below(
    root: RootVersion,
    coverage: Coverage,
    table: number,
    level: number,
    linkedAt: number,
    held: number,
    g: number,
    loads: readonly Load[],
  ): Generator<Path> {
    const own = log.logAt(table, linkedAt);
    const index = Math.floor(page / geometry.span(level)) % geometry.entries;
    const history = historyOf(table, own, level, index);
    for (const [k, version] of history.entries()) {
      const from = Math.max(held, version.step);
      const to = Math.min(version.readableUntil, coverage.deaths[g]!, own?.freedAt ?? NEVER);
      if (from >= to) continue;
      const overwrites = history[k - 1] ?? null;
      const path = [...loads, { table, level, index, version, overwrites, from, to }];
      yield { generation: g, coverage, root, loads: path };
      if (version.kind !== TABLE || level === 0) continue;
      const child = decoder.frame(version.lo, version.hi);
      yield* below(root, coverage, child, level - 1, version.step, from, g, path);
    }
  }
}

/** Position until which what a path loads at its end can be used for an access, if that load is made at `at`. */
export function usableUntil(decision: Decision, { loads, generation, coverage }: Path, at: number): number {
  const { version } = loads[loads.length - 1]!;
  if (version.kind === TABLE) return coverage.deaths[generation]!;
  if (version.kind !== LEAF) return loads[loads.length - 1]!.to;
  const [base, span] = leafPages(decision, loads);
  return coverage.leafDeath(generation, at, base, base + span);
}

/** The same of the IOTLB alone: a device may keep a leaf that it has dropped. Pre: the path ends in a leaf. */
export function iotlbKeepsUntil(
  decision: Decision,
  { loads, generation, coverage }: Path,
  at: number,
): number {
  const [base, span] = leafPages(decision, loads);
  return coverage.iotlbDeath(generation, at, base, base + span);
}

/** First page of the leaf that loads end in, and how many it has. */
function leafPages({ geometry }: Decision, loads: readonly Load[]): readonly [number, number] {
  const base = loads.reduce((sum, load) => sum + load.index * geometry.span(load.level), 0);
  return [base, geometry.span(loads[loads.length - 1]!.level)];
}

/** Position until which accesses that use it can be under way. */
export function underWayUntil(decision: Decision, path: Path, at: number): number {
  const until = usableUntil(decision, path, at);
  return path.loads.at(-1)!.version.kind === LEAF ? path.coverage.drained(until) : until;
}

/** What an access to a page gets by a path that ends in a leaf. */
export function leafAnswer(
  { decoder, geometry, input }: Decision,
  { loads }: Path,
  page: number,
): { readonly frame: number; readonly rights: number } {
  const { version, level } = loads[loads.length - 1]!;
  const frame = decoder.frame(version.lo, version.hi) + (page % geometry.span(level));
  let rights = decoder.rights(version.lo, version.hi);
  if (input.capability.rightsAnded)
    for (const load of loads) rights &= decoder.rights(load.version.lo, load.version.hi);
  return { frame, rights };
}
