import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";

const ENTRIES = 512;
const [ROOT, DIRECTORY, TABLES, FRESH] = [0x100000000, 0x100001000, 0x200000000, 0x300000000];
const [OLD, NEW] = [0x1000000000, 0x2000000000];
const hex = (value: number): string => `0x${value.toString(16)}`;

/** A page, the only one in its table, and where both stand. */
interface Place {
  readonly at: string;
  readonly all: string;
  readonly slot: string;
  readonly table: string;
  readonly fresh: string;
  readonly entry: string;
  readonly old: number;
  readonly new: number;
}

function placeOf(i: number): Place {
  const [table, fresh] = [TABLES + i * 4096, FRESH + i * 4096];
  return {
    at: `iova=${hex(i * 2 ** 21)} size=4K`,
    all: `iova=${hex(i * 2 ** 21)} size=2M`,
    slot: `${hex(DIRECTORY + Math.floor(i / ENTRIES) * 4096)}[${i % ENTRIES}]`,
    table: hex(table),
    fresh: hex(fresh),
    entry: `${hex(table)}[0]`,
    old: OLD + i * 8192,
    new: NEW + i * 8192,
  };
}

/** What is found in a script that does the same to so many tables, one after the other. */
function foundIn(tables: number, newMap: "none" | "same" | "other", steps: (place: Place) => string[]) {
  const lines = ["hitless-edit-script 1 vtd-ss-39", `domain 1 root=${hex(ROOT)}`];
  for (let d = 0; d * ENTRIES < tables; d++)
    lines.push(`table ${hex(ROOT)}[${d}] = ${hex(DIRECTORY + d * 4096 + 3)}`);
  if (newMap === "none") lines.push("map new none");
  for (let i = 0; i < tables; i++) {
    const place = placeOf(i);
    lines.push(
      `table ${place.slot} = ${hex(TABLES + i * 4096 + 3)}`,
      `table ${place.entry} = ${hex(place.old + 3)}`,
    );
    lines.push(`map old ${place.at} frame=${hex(place.old)}`);
    const frame = newMap === "same" ? place.old : place.new;
    if (newMap !== "none") lines.push(`map new ${place.at} frame=${hex(frame)}`);
  }
  for (let i = 0; i < tables; i++) lines.push(...steps(placeOf(i)));
  const { findings } = check(inputOf(parseScript(lines.join("\n"))));
  const named = findings.map((found) => `${found.class} ${found.cause}`);
  const pages = findings.reduce((sum, found) => sum + found.pages, 0);
  return { named: [...new Set(named)].sort(), pages };
}

const FEW = 6;
/** More steps about other tables than a history may have. */
const MANY = 1500;

describe("a recording that does the same wrong thing to each of many tables", () => {
  const detach = (between: (place: Place) => string[]) => (place: Place) => [
    `store ${place.slot} = 0`,
    ...between(place),
    `unpin ${hex(place.old)} size=4K`,
    `freeTable ${place.table}`,
  ];
  const rewrite = (between: (place: Place) => string[]) => (place: Place) => [
    `window open ${place.at}`,
    `store ${place.entry} = 0`,
    ...between(place),
    `store ${place.entry} = ${hex(place.new + 3)}`,
    "barrier",
    `window close ${place.at}`,
    `unpin ${hex(place.old)} size=4K`,
  ];
  it.each<[string, string, "none" | "same" | "other", (place: Place) => string[]]>([
    [
      "breaks what stays",
      "V01 plan",
      "same",
      (place) => [
        `store ${place.slot} = 0`,
        "barrier",
        `invalidate ${place.all}`,
        "wait drain",
        `freeTable ${place.table}`,
        `fill ${place.fresh}[0] = ${hex(place.old + 3)}`,
        "barrier",
        `store ${place.slot} = ${hex(Number(place.fresh) + 3)}`,
        "barrier",
      ],
    ],
    ["forgets to invalidate", "V07 missing-inv", "none", detach(() => ["barrier", "wait drain"])],
    [
      "drops leaves only",
      "V07 wrong-scope",
      "none",
      detach(({ all }) => ["barrier", `invalidate scope=leaf ${all}`, "wait drain"]),
    ],
    ["does not drain", "V06 no-drain", "none", detach(({ all }) => ["barrier", `invalidate ${all}`, "wait"])],
    [
      "forgets to invalidate in a window for each page",
      "V06 missing-inv",
      "other",
      rewrite(() => ["barrier"]),
    ],
    [
      "does not drain in a window for each page",
      "V06 no-drain",
      "other",
      rewrite(({ at }) => ["barrier", `invalidate ${at}`, "wait"]),
    ],
  ])("%s, and the cause is named as for a few", (_, expected, newMap, steps) => {
    const few = foundIn(FEW, newMap, steps);
    expect(few.named).toContain(expected);
    const many = foundIn(MANY, newMap, steps);
    expect(many.named).toEqual(few.named);
    expect(many.pages).toBe((few.pages / FEW) * MANY);
  });
});
