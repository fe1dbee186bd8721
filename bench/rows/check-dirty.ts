import type { CheckInput } from "../../src/check/index.ts";
import { EditScript, type Step } from "../../src/edit-script/index.ts";
import { READ, WRITE } from "../../src/units/index.ts";
import { inPlace, invalidation, leavesOf, type Recording, type Writing, written } from "../recording.ts";
import type { Row } from "../row.ts";
import { atLeastAMillion, fragmentedRow, grouped, moving, PAGES } from "./check-scattered.ts";
import { wrongRow } from "./check-wrong.ts";

const FORMAT = "vtd-ss-48-ad";

/**
 * Scattered memory that loses its write access page by page, each with an invalidation and a wait of its own. `collects`: what walkers
 * have set in a page's entry is taken at last.
 */
function protectedInPlace(how: Writing, collects: boolean): Recording & { readonly input: CheckInput } {
  const { input } = moving(FORMAT);
  const domain = input.domains[0]!.id;
  const leaves = leavesOf(input);
  const steps = leaves.flatMap((leaf): Step[] => {
    const { page, table, index, entry } = leaf;
    const settle: Step[] = [{ op: "barrier" }, invalidation(domain, page, 1), { op: "wait", drain: true }];
    const collect: Step[] = collects ? [{ op: "collect", table, index, count: 1 }] : [];
    return [written(leaf, entry & ~BigInt(WRITE), how), ...settle, ...collect];
  });
  const newMap = input.oldMap.map((run) => ({ ...run, rights: READ }));
  return { input: { ...input, newMap, script: EditScript.from(steps) }, stores: leaves.length };
}

/** A line that collects from each entry behind its exchange, and one invalidation of everything behind all. */
function collectedLineByLine(): Recording {
  const { input, stores } = protectedInPlace("exchange", true);
  const domain = input.domains[0]!.id;
  const [first, last] = [input.oldMap[0]!, input.oldMap.at(-1)!];
  const range = invalidation(domain, first.iovaPfn, last.iovaPfn + last.pages - first.iovaPfn);
  const all = [...input.script];
  const writes = all.filter(({ op }) => op === "exchange");
  const collects = all.filter(({ op }) => op === "collect");
  const steps: Step[] = [...writes, { op: "barrier" }, range, { op: "wait", drain: true }, ...collects];
  return { input: { ...input, script: EditScript.from(steps) }, stores };
}

export const dirtyCheckRows: readonly Row[] = [
  fragmentedRow(`decide ${grouped(PAGES)} scattered leaves remapped page by page, with dirty bits`, () =>
    inPlace(moving(FORMAT), "each page", "exchange"),
  ),
  fragmentedRow(
    `decide ${grouped(PAGES)} scattered leaves protected, a line that collects for each`,
    collectedLineByLine,
  ),
  fragmentedRow(`decide ${grouped(PAGES)} scattered leaves protected and collected from page by page`, () =>
    protectedInPlace("exchange", true),
  ),
  wrongRow(
    `decide ${grouped(PAGES)} scattered leaves protected page by page, each losing its dirty bit`,
    atLeastAMillion,
    "V10",
    { causes: false },
    () => ({ ...protectedInPlace("store", false), pages: PAGES }),
  ),
];
