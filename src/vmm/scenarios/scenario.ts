import { READ, WRITE } from "../../units/index.ts";
import type { BackingKind } from "../guest.ts";
import { type MapRegion, type MapSequence, makeMemoryMap, region } from "../memory-map.ts";

/** A built-in sequence of memory maps. It is cyclic: from the last map the first follows again, for as long as wanted. */
export interface Scenario {
  readonly name: string;
  /** What it shows, in one sentence. */
  readonly shows: string;
  readonly sequence: MapSequence;
  /** Guest memory that lets the interesting leaf sizes form. */
  readonly backing: BackingKind;
}

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** Regions in bytes: guest RAM readable and writable, at the offset of its address unless told otherwise. */
export const rw = (start: number, end: number, backing = "ram", offset = start): MapRegion =>
  region(start, end - start, backing, offset, READ | WRITE);
/** The same, readable only. */
export const ro = (start: number, end: number, backing = "ram", offset = start): MapRegion =>
  region(start, end - start, backing, offset, READ);

/** Builds a scenario from labelled lists of regions. */
export function scenario(
  { name, shows, backing }: { name: string; shows: string; backing: BackingKind },
  maps: Readonly<Record<string, readonly MapRegion[]>>,
): Scenario {
  const steps = Object.entries(maps).map(([label, regions], i) => ({
    label,
    map: makeMemoryMap(regions),
    origin: { file: name, line: i + 1 },
    skipped: [],
  }));
  return { name, shows, backing, sequence: { name, source: "built-in scenario", steps, notes: [] } };
}
