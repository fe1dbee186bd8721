import { type CheckCase, type DecidedChange, decideChanges } from "../src/harness/index.ts";
import { iovaPfn } from "../src/units/index.ts";
import {
  type MapRegion,
  type MapSequence,
  type MemoryMap,
  makeMemoryMap,
  STRATEGIES,
} from "../src/vmm/index.ts";
import { FIRST_PAGE } from "./recording.ts";

const region = (start: number, end: number, rights: 1 | 3, offsetPages = start): MapRegion => {
  return { iovaPfn: iovaPfn(FIRST_PAGE + start), pages: end - start, backing: "ram", offsetPages, rights };
};

/** Scattered memory, and the same with a few pages in its middle that have lost their write access. */
export function fewProtected(pages: number, changed: number): readonly MemoryMap[] {
  const at = pages >> 1;
  return [
    makeMemoryMap([region(0, pages, 3)]),
    makeMemoryMap([region(0, at, 3), region(at, at + changed, 1), region(at + changed, pages, 3)]),
  ];
}

/** Scattered memory, and the same addresses with other memory. */
export const allMoved = (pages: number): readonly MemoryMap[] =>
  [0, pages].map((offset) => makeMemoryMap([region(0, pages, 3, offset)]));

/** `count` changes from the first map to the second, back, and so on, with what is decided of each. */
export function changesOf(
  strategy: "legacy" | "set-map" | "epoch",
  format: string,
  maps: readonly MemoryMap[],
  count: number,
): Generator<DecidedChange> {
  const steps: MapSequence["steps"] = Array.from({ length: count + 1 }, (_, i) => ({
    label: `map ${i % 2}`,
    map: maps[i % 2]!,
    origin: { file: "bench", line: i },
    skipped: [],
  }));
  const sequence: MapSequence = { name: "bench", source: "bench", steps, notes: [] };
  const how: CheckCase = { sequence, format, seed: 1, backing: "fragmented", mutant: null };
  return decideChanges(how, STRATEGIES.get(strategy)!, ["weak"], { causes: false });
}

/** The second change, of which all tables are there from the first. */
export function secondChange(changes: Generator<DecidedChange>): DecidedChange {
  changes.next();
  const { value } = changes.next() as IteratorYieldResult<DecidedChange>;
  changes.return(undefined);
  return value;
}
