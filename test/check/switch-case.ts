import type { CheckInput } from "../../src/check/index.ts";
import { Decision } from "../../src/check/index.ts";
import { CAPABILITIES, EditScript, type MapRun, type Step } from "../../src/edit-script/index.ts";
import { iovaPfn, type Pfn, pfn } from "../../src/units/index.ts";
import { bruteRelapse, type SwitchingMachine } from "./brute-root-switch.ts";

/** Entries of a table, and pages of a root with two levels. */
export const SIZE = 2;
export const PAGES = SIZE * SIZE;

export const ROOTS = [0x10_0000, 0x10_0001] as const;
export const FRAMES = [0x100, 0x200] as const;

/** A random script for the checker and for the enumerator. */
export interface Case {
  readonly input: CheckInput;
  readonly machine: SwitchingMachine;
}

/** What a case is made of. */
interface Drawn {
  /** Entries before the script, by table and index; all others are 0. */
  readonly before: ReadonlyMap<string, bigint>;
  readonly steps: readonly Step[];
  /** Tables there are beside the roots. */
  readonly tables: readonly number[];
  readonly mode: SwitchingMachine["mode"];
  readonly cachesContext: boolean;
  readonly hasAtc: boolean;
  readonly isCoherent?: boolean;
  readonly iommu?: number;
}

/** Two levels of tables below the first root, whose devices have tag 1, and the maps that they show before and after. */
export function caseOf(drawn: Drawn): Case {
  const { before, steps, tables, mode, cachesContext, hasAtc, isCoherent = true, iommu = 0 } = drawn;
  const capability = {
    ...CAPABILITIES.get("vtd-ss-48")!,
    ...{ levels: 2, inputBits: 14, leafLevels: [0, 1], indexLg2: 1, rootSwitch: true },
    coherentWalk: isCoherent,
    cachesContext,
  };
  let [root, tag]: [number, number] = [ROOTS[0], 1];
  for (const s of steps) if (s.op === "setRoot" && s.domain === tag) [root, tag] = [s.root, s.tag];
  const entry = (table: number, index: number): bigint => before.get(`${table} ${index}`) ?? 0n;
  const first = { root: ROOTS[0] as Pfn, levels: 2, iommu };
  return {
    input: {
      capability,
      domains: [{ id: 1, ...first }],
      tables: { isTable: (table) => [...ROOTS, ...tables].includes(table), entry },
      script: EditScript.from(steps),
      oldMap: mapOf(before, ROOTS[0]),
      newMap: mapOf(contentAfter(before, steps), root),
      deviceCaches: hasAtc ? 7 : 3,
      isEpoch: true,
    },
    machine: { ...first, tag: 1, indexLg2: 1, steps, mode, cachesContext, hasAtc, isCoherent, before: entry },
  };
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
  const found = [...new Decision(input).violations(how)].some((v) => v.class === "V11");
  return { expected, found, isChanged: changed.length > 0 };
}

const answer = (map: readonly MapRun[], page: number, access: number): string => {
  const run = map.find((r) => r.iovaPfn === page);
  return run !== undefined && run.rights & access ? String(run.pfn) : "fault";
};
