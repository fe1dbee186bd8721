import { type CheckCase, type DecidedChange, decideChanges } from "../src/harness/index.ts";
import { iovaPfn } from "../src/units/index.ts";
import { type MapRegion, type MapSequence, makeMemoryMap, STRATEGIES } from "../src/vmm/index.ts";
import { FIRST_PAGE } from "./recording.ts";

/** A few pages of scattered memory lose their write access, get it back, and so on, `count` times. */
export function changesOf(
  strategy: "legacy" | "set-map",
  format: string,
  pages: number,
  changed: number,
  count: number,
): Generator<DecidedChange> {
  const region = (start: number, end: number, rights: 1 | 3): MapRegion => ({
    iovaPfn: iovaPfn(FIRST_PAGE + start),
    pages: end - start,
    backing: "ram",
    offsetPages: start,
    rights,
  });
  const at = pages >> 1;
  const maps = [
    makeMemoryMap([region(0, pages, 3)]),
    makeMemoryMap([region(0, at, 3), region(at, at + changed, 1), region(at + changed, pages, 3)]),
  ];
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
