import type { EditScript, MapRun, PinRun, ScriptDomain, Step } from "../../edit-script/index.ts";
import { iovaPfn, type Pfn, pfn } from "../../units/index.ts";
import { DECODERS } from "../entries/decoder.ts";
import { type Decoder, LEAF, TABLE } from "../entries/entry-kind.ts";
import { type CheckedCapability, Geometry } from "../entries/geometry.ts";
import { CheckInputError, type TablesBefore } from "../input.ts";

const LOW = 0xffff_ffffn;

/** A machine between two calls. */
export interface MachineState {
  readonly capability: CheckedCapability;
  readonly domains: readonly ScriptDomain[];
  readonly tables: TablesBefore;
  readonly pins: readonly PinRun[];
}

/** What is left when a script has run with nobody looking. */
export interface Aftermath {
  /** Translations of each domain, sorted, neighbours that continue each other joined. */
  readonly maps: ReadonlyMap<number, readonly MapRun[]>;
  /** Pinned frames, sorted, with their number of pins. */
  readonly pins: readonly PinRun[];
  /** Tables that stood there before, or were filled, and can now be neither reached nor had back. */
  readonly lost: readonly number[];
  /** Tables that were freed twice, or written after they were freed. */
  readonly misused: readonly number[];
}

/** Runs a script on a copy of the tables. Errors: CheckInputError when no decoder knows the format. */
export function aftermath(before: MachineState, script: EditScript): Aftermath {
  const { capability, domains } = before;
  const factory = DECODERS.get(capability.format);
  if (factory === undefined) throw new CheckInputError(`format ${capability.format} has no decoder`);
  const decoder = factory(capability);
  const geometry = new Geometry(capability);
  const owned = new Set<number>();
  for (const domain of domains)
    visit(decoder, geometry, before.tables.entry, domain, { table: (t) => owned.add(t) });

  const written = new Map<number, Map<number, bigint>>();
  const entryAt: TablesBefore["entry"] = (table, index) =>
    written.get(table)?.get(index) ?? before.tables.entry(table, index);
  const freed = new Set<number>();
  const misused = new Set<number>();
  const roots = new Map(domains.map((d) => [d.id, d]));
  const unpins: PinRun[] = [];
  for (const step of script) {
    if (step.op === "freeTable") {
      if (freed.has(step.table)) misused.add(step.table);
      freed.add(step.table);
    } else if (step.op === "unpin") unpins.push({ pfn: step.pfn, pages: step.pages, count: -1 });
    else if (step.op === "setRoot") {
      const own = [...roots].find(([, d]) => d.id === step.domain)?.[0];
      if (own !== undefined) roots.set(own, { id: step.tag, root: step.root, levels: step.levels });
    } else
      for (const { table, index, entry } of writes(step)) {
        if (step.op === "fill" || step.op === "gather") owned.add(table);
        if (freed.has(table)) misused.add(table);
        if (step.op === "exchange" && differ(decoder, entryAt(table as Pfn, index), step.expected)) continue;
        const entries = written.get(table) ?? new Map<number, bigint>();
        written.set(table, entries.set(index, entry));
      }
  }

  const maps = new Map<number, readonly MapRun[]>();
  const reachable = new Set<number>();
  for (const [id, domain] of roots) {
    const runs: MapRun[] = [];
    visit(decoder, geometry, entryAt, domain, {
      table: (t) => reachable.add(t),
      leaf: (run) => append(runs, run),
    });
    maps.set(id, runs);
  }
  const lost = [...owned].filter((table) => !reachable.has(table) && !freed.has(table));
  return { maps, pins: pinSums([...before.pins, ...unpins]), lost, misused: [...misused] };
}

const differ = (decoder: Decoder, a: bigint, b: bigint): boolean =>
  decoder.differ(Number(a & LOW), Number(a >> 32n), Number(b & LOW), Number(b >> 32n));

function* writes(step: Step): Generator<{ table: number; index: number; entry: bigint }> {
  if (step.op === "gather")
    for (const [i, entry] of step.entries.entries())
      yield { table: step.table, index: step.index + i, entry };
  else if (step.op === "store" || step.op === "exchange")
    yield { table: step.table, index: step.index, entry: step.entry };
  else if (step.op === "fill" || step.op === "storeRun")
    for (let i = 0; i < step.count; i++)
      yield {
        table: step.table,
        index: step.index + i,
        entry: BigInt.asUintN(64, step.first + BigInt(i) * step.stride),
      };
}

/** Every table and leaf below a root, in the order of their pages. */
function visit(
  decoder: Decoder,
  geometry: Geometry,
  entryAt: TablesBefore["entry"],
  domain: ScriptDomain,
  found: { table?: (table: number) => void; leaf?: (run: MapRun) => void },
): void {
  const descend = (table: number, level: number, base: number): void => {
    found.table?.(table);
    for (let index = 0; index < geometry.entries; index++) {
      const entry = entryAt(pfn(table), index);
      const lo = Number(entry & 0xffff_ffffn);
      const hi = Number(entry >> 32n);
      const kind = decoder.kind(level, lo, hi);
      const start = base + index * geometry.span(level);
      if (kind === TABLE) descend(decoder.frame(lo, hi), level - 1, start);
      else if (kind === LEAF)
        found.leaf?.({
          iovaPfn: iovaPfn(start),
          pages: geometry.span(level),
          pfn: pfn(decoder.frame(lo, hi)),
          rights: decoder.rights(lo, hi),
        });
    }
  };
  descend(domain.root, domain.levels - 1, 0);
}

function append(runs: MapRun[], run: MapRun): void {
  const last = runs.at(-1);
  if (
    last !== undefined &&
    last.iovaPfn + last.pages === run.iovaPfn &&
    last.pfn + last.pages === run.pfn &&
    last.rights === run.rights
  )
    runs[runs.length - 1] = { ...last, pages: last.pages + run.pages };
  else runs.push(run);
}

/** Regions of a map, neighbours that continue each other joined. */
export function joinedRuns(map: readonly MapRun[]): MapRun[] {
  const runs: MapRun[] = [];
  for (const run of map) append(runs, run);
  return runs;
}

/** The sum of pin runs as runs free of overlap; frames without pins are in none. Counts may be negative. */
export function pinSums(runs: readonly PinRun[]): PinRun[] {
  const deltas = new Map<number, number>();
  const add = (at: number, by: number): void => void deltas.set(at, (deltas.get(at) ?? 0) + by);
  for (const run of runs) {
    add(run.pfn, run.count);
    add(run.pfn + run.pages, -run.count);
  }
  const sums: PinRun[] = [];
  let count = 0;
  let start = 0;
  for (const [at, delta] of [...deltas].sort((a, b) => a[0] - b[0])) {
    if (delta === 0) continue;
    if (count !== 0) sums.push({ pfn: pfn(start), pages: at - start, count });
    count += delta;
    start = at;
  }
  return sums;
}
