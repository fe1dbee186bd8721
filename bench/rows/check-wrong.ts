import { type CheckInput, type CheckOptions, check, type ReaderInput } from "../../src/check/index.ts";
import type { ViolationClass } from "../../src/check/rules/violation-class.ts";
import { EditScript } from "../../src/edit-script/index.ts";
import { changesOf, fewProtected, secondChange } from "../changes.ts";
import { inPlace } from "../recording.ts";
import { expectOutcome, type Goal, type Row } from "../row.ts";
import { repeating } from "../sampling.ts";
import { atLeastAMillion, grouped, moving, PAGES } from "./check-scattered.ts";

/** Pages that change; all others are unmapped and mapped again. */
const CHANGED = 4;

/** Decides a change that is wrong on every page again and again. */
export function wrongRow(
  name: string,
  goal: Goal,
  kind: ViolationClass,
  options: CheckOptions,
  make: () => { input: CheckInput | ReaderInput; pages: number },
): Row {
  return {
    group: "check",
    yardstick: null,
    isApart: true,
    figures: [{ name, unit: "M stores/s", yardstickAnswer: null, goal }],
    prepare() {
      const { input, pages } = make();
      let stores = 0;
      let found = 0;
      const take = repeating(() => {
        const result = check(input, options);
        stores = result.stats.stores;
        found = result.findings.find((f) => f.class === kind)?.pages ?? 0;
      }, 1);
      return {
        sample() {
          const ns = take();
          expectOutcome(found === pages, `check: ${found} pages of ${pages} found to be ${kind}`);
          expectOutcome(stores >= 100_000, `check: only ${stores} stores`);
          return [(stores / ns) * 1000];
        },
      };
    },
  };
}

/** A change that unmaps all scattered memory and maps it again. */
function unmappedAndMapped(
  format: string,
  pages = PAGES,
): { input: CheckInput | ReaderInput; pages: number } {
  const { input } = secondChange(changesOf("legacy", format, fewProtected(pages, CHANGED), 2));
  return { input, pages: pages - CHANGED };
}

/** Pages that do not end where a table does: those of the last are unmapped one by one. */
const UNEVEN_PAGES = 100_000;

/** A recording of a store for every page that forgets to invalidate: every page can be met under its old frame for good. */
function notInvalidated(): { input: CheckInput; pages: number } {
  const { input } = inPlace(moving());
  const steps = [...input.script].filter((step) => step.op !== "invalidate");
  return { input: { ...input, script: EditScript.from(steps) }, pages: PAGES };
}

export const wrongCheckRows: readonly Row[] = [
  wrongRow(
    `decide ${grouped(PAGES)} scattered leaves unmapped and mapped again, each a fault`,
    atLeastAMillion,
    "V01",
    {},
    () => unmappedAndMapped("vtd-ss-48"),
  ),
  wrongRow(
    `decide ${grouped(PAGES)} scattered leaves unmapped and mapped again, with dirty bits`,
    atLeastAMillion,
    "V01",
    {},
    () => unmappedAndMapped("vtd-ss-48-ad"),
  ),
  wrongRow(
    `decide ${grouped(UNEVEN_PAGES)} of them, a part of each last table page by page`,
    atLeastAMillion,
    "V01",
    {},
    () => unmappedAndMapped("vtd-ss-48-ad", UNEVEN_PAGES),
  ),
  wrongRow(
    `decide ${grouped(PAGES)} scattered leaves remapped line by line, none invalidated`,
    atLeastAMillion,
    "V06",
    { causes: false },
    notInvalidated,
  ),
  wrongRow(
    `decide ${grouped(PAGES)} of them and name the cause`,
    // The script is decided once more, with the repair: a million stores a second are half as many of one script.
    { kind: "value", atLeast: 0.5 },
    "V06",
    {},
    notInvalidated,
  ),
];
