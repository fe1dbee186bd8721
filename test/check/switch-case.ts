import type { CheckInput } from "../../src/check/index.ts";
import { Decision } from "../../src/check/index.ts";
import type { MapRun, Step } from "../../src/edit-script/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";
import { bruteRelapse, type SwitchingMachine } from "./brute-root-switch.ts";

/** Entries of a table, and pages of a root with two levels. */
export const SIZE = 2;
export const PAGES = SIZE * SIZE;

/** A random script for the checker and for the enumerator. */
export interface Case {
  readonly input: CheckInput;
  readonly machine: SwitchingMachine;
}

/** What tables hold after some steps, given what they hold before. */
export function contentAfter(
  before: ReadonlyMap<string, bigint>,
  steps: readonly Step[],
): Map<string, bigint> {
  const after = new Map(before);
  for (const s of steps) {
    if (s.op === "store") after.set(`${s.table} ${s.index}`, s.entry);
    if (s.op === "fill" || s.op === "storeRun")
      for (let i = 0; i < s.count; i++)
        after.set(`${s.table} ${s.index + i}`, s.first + BigInt(i) * s.stride);
  }
  return after;
}

/** What tables translate below a root, page by page. */
export function mapOf(content: ReadonlyMap<string, bigint>, root: number): MapRun[] {
  const runs: MapRun[] = [];
  for (let page = 0; page < PAGES; page++) {
    const top = content.get(`${root} ${Math.floor(page / SIZE)}`) ?? 0n;
    const isLarge = (top & 0x80n) !== 0n;
    const leaf = isLarge ? top : (content.get(`${top >> 12n} ${page % SIZE}`) ?? 0n);
    const rights = Number(top & leaf & 3n);
    if (rights === 0) continue;
    const frame = Number((leaf >> 12n) & 0xff_ffffn) + (isLarge ? page % SIZE : 0);
    runs.push({ iovaPfn: iovaPfn(page), pages: 1, pfn: pfn(frame), rights });
  }
  return runs;
}

/** Whether devices can see the new map and then the old one: as the enumerator and as the checker say, and whether the map changes. */
export function relapseOf({ input, machine }: Case, skipUntouched: boolean) {
  const changed = Array.from({ length: PAGES }, (_, page) => page).filter((page) =>
    [1, 2].some((access) => answer(input.oldMap, page, access) !== answer(input.newMap, page, access)),
  );
  const gives =
    (map: readonly MapRun[], other: readonly MapRun[], page: number) => (met: string, isOwn: boolean) =>
      [1, 2].some((access) => {
        const [, frame, rights] = met.split(" ");
        const result = met !== "fault" && Number(rights) & access ? frame! : "fault";
        // Where its own translation lacks a right a device asks again, and does not fault.
        if (isOwn && result === "fault") return false;
        return result === answer(map, page, access) && result !== answer(other, page, access);
      });
  const seen = (page: number) => gives(input.newMap, input.oldMap, page);
  const isOld = (page: number) => gives(input.oldMap, input.newMap, page);
  const expected = changed.some((p) => changed.some((q) => bruteRelapse(machine, p, q, seen(p), isOld(q))));
  const how = { mode: machine.mode, collapse: true, skipUntouched, journalRules: false, only: null };
  const found = new Decision(input).violations(how).some((v) => v.class === "V11");
  return { expected, found, isChanged: changed.length > 0 };
}

const answer = (map: readonly MapRun[], page: number, access: number): string => {
  const run = map.find((r) => r.iovaPfn === page);
  return run !== undefined && run.rights & access ? String(run.pfn) : "fault";
};
