import type { MapRun } from "../../edit-script/index.ts";
import { DECODERS } from "../entries/decoder.ts";
import { type Decoder, LEAF, TABLE } from "../entries/entry-kind.ts";
import { EntryReader } from "../entries/entry-reader.ts";
import { Geometry } from "../entries/geometry.ts";
import type { CheckInput } from "../input.ts";
import { FrameSet, framesOf } from "../maps/frame-set.ts";
import { MapRuns } from "../maps/map-runs.ts";
import { tablesChanged } from "./script-file.ts";

const READ_WRITE = 3;
/** A table that stands in more places is not followed into: tables that lead to each other make a map without end. */
const MOST_PLACES = 64;

/**
 * Where what is given contradicts itself before the first step, in words; null where it does not: tables that do not say what the old
 * map says, on pages that no step comes near as well, and tables that stand in frames of either map. A verdict looks only at what
 * the script touches, so that a dump that is not whole would go unseen.
 */
export function contradictionIn(input: CheckInput): string | null {
  const decoder = DECODERS.get(input.capability.format)?.(input.capability);
  if (decoder === undefined) return null;
  const said = MapRuns.of(input.oldMap);
  const tables = new Set<number>();
  for (const { id, root, levels } of input.domains) {
    const found = new TableMap(input, decoder, tables).of(root, levels);
    const page = firstDifference(found, said);
    if (page !== null)
      return `before the first step ${iovaText(page)} of domain ${id} ${differs(found, said, page)}`;
  }
  const both = firstIn(tables, input.oldMap);
  if (both !== null) return `0x${(both * 4096).toString(16)} is a table, and a frame of the old map`;
  // What is freed may become a frame.
  const kept = new Set([...tables, ...tablesChanged(input.script)]);
  for (const step of input.script.releases()) if (step.op === "freeTable") kept.delete(step.table);
  const after = firstIn(kept, input.newMap);
  return after === null ? null : `0x${(after * 4096).toString(16)} is a table, and a frame of the new map`;
}

/** The first of some tables that is a frame of a map, null where none is. */
function firstIn(tables: Iterable<number>, map: readonly MapRun[]): number | null {
  const frames = FrameSet.union(framesOf(map));
  for (const table of tables) if (frames.touches(table, table + 1)) return table;
  return null;
}

/** The map that the tables of a domain are, as devices see it. */
class TableMap {
  readonly #reader: EntryReader;
  readonly #decoder: Decoder;
  readonly #geometry: Geometry;
  readonly #andsRights: boolean;
  readonly #tables: Set<number>;
  readonly #runs = new MapRuns();
  readonly #places = new Map<number, number>();

  /** `found` takes in all that are found. */
  constructor({ capability, tables }: CheckInput, decoder: Decoder, found: Set<number>) {
    this.#reader = new EntryReader(tables);
    this.#decoder = decoder;
    this.#geometry = new Geometry(capability);
    this.#andsRights = capability.rightsAnded;
    this.#tables = found;
  }

  of(root: number, levels: number): MapRuns {
    this.#descend(root, levels - 1, 0, READ_WRITE);
    return this.#runs;
  }

  #descend(table: number, level: number, base: number, rights: number): void {
    const places = (this.#places.get(table) ?? 0) + 1;
    this.#places.set(table, places);
    if (places > MOST_PLACES) return;
    this.#tables.add(table);
    const span = this.#geometry.span(level);
    for (let index = 0; index < this.#geometry.entries; index++) {
      this.#reader.read(table, null, index);
      const { lo, hi } = this.#reader;
      const kind = this.#decoder.kind(level, lo, hi);
      if (kind !== LEAF && kind !== TABLE) continue;
      const own = this.#decoder.rights(lo, hi);
      const left = this.#andsRights ? own & rights : own;
      if (left === 0) continue;
      const frame = this.#decoder.frame(lo, hi);
      const start = base + index * span;
      if (kind === LEAF) this.#runs.push(start, span, frame, left);
      else this.#descend(frame, level - 1, start, left);
    }
  }
}

/** The first page of which two maps say different things; null where there is none. */
function firstDifference(a: MapRuns, b: MapRuns): number | null {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [first, second] = [a.starts[i] ?? Infinity, b.starts[i] ?? Infinity];
    if (i >= a.length || i >= b.length || first !== second)
      return Math.min(i < a.length ? first : Infinity, i < b.length ? second : Infinity);
    if (a.frames[i] !== b.frames[i] || a.rights[i] !== b.rights[i]) return first;
    if (a.ends[i] !== b.ends[i]) return Math.min(a.ends[i]!, b.ends[i]!);
  }
  return null;
}

function differs(found: MapRuns, said: MapRuns, page: number): string {
  const [own, wanted] = [frameAt(found, page), frameAt(said, page)];
  if (own === null) return "meets no translation, and the old map names one";
  if (wanted === null) return "meets a translation, which the old map does not name";
  return "meets another translation than the old map names";
}

function frameAt({ length, starts, ends, frames }: MapRuns, page: number): number | null {
  for (let i = 0; i < length; i++)
    if (starts[i]! <= page && page < ends[i]!) return frames[i]! + page - starts[i]!;
  return null;
}

const iovaText = (page: number): string => `IOVA 0x${(BigInt(page) * 4096n).toString(16)}`;
