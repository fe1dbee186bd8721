import type { GatherStep, Step } from "../../../src/edit-script/index.ts";
import { pfn } from "../../../src/units/index.ts";
import { isNamedBefore } from "./changed-entry.ts";
import { isFinal, isInBoth, isKept, pagesWhere, placesOf, withPlaces } from "./consequences.ts";
import { addressIn, isLeaf, isLink, isPresent } from "./entries.ts";
import type { Filled, Flushed, Written } from "./journal.ts";
import { type Damage, edited, type Fault, oneOf, underEachTag } from "./planted.ts";
import type { RecordedCall } from "./recorded-call.ts";
import type { Random } from "./style.ts";

/** A link to a table that was filled just before. */
interface Linked {
  readonly w: Written;
  readonly filled: Filled;
}

const linked = ({ journal }: RecordedCall, test: (linked: Linked) => boolean): Linked[] =>
  journal.written
    .filter((w) => isLink(w.after, w.level))
    .flatMap((w) => {
      const filled = journal.filled.findLast(
        ({ table, order }) => table === addressIn(w.after) && order < w.order,
      );
      return filled !== undefined && test({ w, filled }) ? [{ w, filled }] : [];
    });

/** The fill of a table with one entry that is another. */
function filledWith(
  { table, steps, words }: Filled,
  all: readonly Step[],
  index: number,
  word: bigint,
): Step[] {
  const entries = words.map((own, i) => (i === index ? word : own));
  const gather: GatherStep = { op: "gather", update: 9001, table: pfn(table), index: 0, entries };
  return edited(all, steps, steps[0], [gather]);
}

/** A child of a table that is linked, with pages of both maps, and not written again. */
function aChild(call: RecordedCall, random: Random): (Linked & { child: Written; index: number }) | null {
  const all = linked(
    call,
    ({ w, filled }) => isPresent(w.before) && filled.words.some(isPresent) && w.step.op !== "storeRun",
  );
  const at = oneOf(all, random);
  if (at === null) return null;
  const level = at.filled.level;
  const span = call.shape.span(level);
  const indices = at.filled.words.flatMap((word, index) => (isLeaf(word, level) ? [index] : []));
  const index = oneOf(indices, random);
  if (index === null) return null;
  const start = at.filled.start + index * span;
  const word = at.filled.words[index]!;
  const child = { ...at.w, start, end: start + span, level, index, before: word, after: word };
  return isFinal(call, child) ? { ...at, child, index } : null;
}

/** A new table lacks a page. */
export const holeInTable: Fault = (call, random) => {
  const at = aChild(call, random);
  if (at === null) return null;
  const steps = filledWith(at.filled, call.steps, at.index, 0n);
  const must: Damage[] = [
    {
      classes: ["V01"],
      places: underEachTag(
        at.w,
        pagesWhere(call, at.child, (p) => isKept(call, p)),
      ),
    },
    {
      classes: ["V01b", "V05"],
      places: underEachTag(
        at.w,
        pagesWhere(call, at.child, (p) => call.after.has(p) && !isKept(call, p)),
      ),
    },
  ];
  // What the page was written goes with the table that is replaced; V05 and V10 are told beside each other.
  return { steps, must: withPlaces(must), may: underEachTag(at.w, [at.child]), beside: ["V10"] };
};

/** A leaf in a new table leads to the frame of the next one. */
export const childOffByOne: Fault = (call, random) => {
  const at = aChild(call, random);
  if (at === null) return null;
  const word = at.child.after + (BigInt(call.shape.span(at.filled.level)) << 12n);
  if (isNamedBefore(call, at.child, word)) return null;
  const steps = filledWith(at.filled, call.steps, at.index, word);
  return {
    steps,
    must: [{ classes: ["V02"], places: underEachTag(at.w, [at.child]) }],
    may: underEachTag(at.w, [at.child]),
  };
};

/** A table is linked before it is filled. */
export const linkedTooEarly: Fault = (call, random) => {
  const at = oneOf(
    linked(call, ({ w, filled }) => isPresent(w.before) && filled.words.some(isPresent)),
    random,
  );
  if (at === null) return null;
  const places = underEachTag(
    at.w,
    pagesWhere(call, at.w, (page) => isInBoth(call, page)),
  );
  if (places.length === 0) return null;
  const steps = edited(call.steps, [at.w.step], at.filled.steps[0], [at.w.step]);
  return {
    steps,
    must: [{ classes: ["V01", "V01b", "V08"], places }],
    may: underEachTag(at.w, [at.w]),
    beside: ["V15", "V10"],
  };
};

/** No barrier between the fill of a table and its link. */
export const linkNotOrdered: Fault = (call, random) => {
  if (!call.journal.isCoherent) return null;
  const at = oneOf(
    linked(call, ({ w, filled }) => isPresent(w.before) && filled.words.some(isPresent)),
    random,
  );
  if (at === null) return null;
  const link = call.steps.indexOf(at.w.step);
  const filled = call.steps.indexOf(at.filled.steps.at(-1)!);
  const barriers = call.steps.slice(filled, link).filter((s) => s.op === "barrier");
  const places = underEachTag(
    at.w,
    pagesWhere(call, at.w, (page) => isInBoth(call, page)),
  );
  if (places.length === 0) return null;
  const steps = edited(call.steps, barriers);
  return {
    steps,
    must: [{ classes: ["V15"], places }],
    may: underEachTag(at.w, [at.w]),
    beside: ["V05"],
    isWeakOnly: true,
  };
};

/** A flush, and a table that went with it. */
function aTableThatGoes(
  call: RecordedCall,
  random: Random,
): { flush: Flushed; w: Written; table: number } | null {
  const all = call.journal.flushed.flatMap((flush) =>
    flush.written
      .filter((w) => isLink(w.before, w.level))
      .map((w) => ({ flush, w, table: addressIn(w.before) })),
  );
  const fit = all.filter(({ table }) => call.journal.freed.filter((s) => s.table === table).length === 1);
  return oneOf(fit, random);
}
const freeing = (call: RecordedCall, table: number): Step =>
  call.journal.freed.find((s) => s.table === table)!;
const isTakenAgain = ({ journal, steps }: RecordedCall, table: number): boolean =>
  journal.filled.some(
    (f) =>
      f.table === table &&
      steps.indexOf(f.steps[0]!) > steps.indexOf(journal.freed.find((s) => s.table === table)!),
  );

/** A table is given back before its invalidation is posted, or before it is complete. */
export const freedTooEarly: Fault = (call, random) => {
  const at = aTableThatGoes(call, random);
  if (at === null) return null;
  const place = (random(2) === 0 ? at.flush.invalidations : at.flush.waits)[0]!;
  const free = freeing(call, at.table);
  const places = at.w.tree.tags.flatMap(({ tag }) => placesOf([at.w], tag));
  return {
    steps: edited(call.steps, [free], place, [free]),
    must: [{ classes: ["V07"], places }],
    may: places,
  };
};

/** A table is given back and filled with something else while it can be walked. */
export const reusedTooEarly: Fault = (call, random) => {
  const at = aTableThatGoes(call, random);
  if (at === null) return null;
  const table = pfn(at.table);
  const count = call.shape.entries;
  const fill: Step = {
    op: "fill",
    update: 9001,
    table,
    index: 0,
    count,
    first: (1n << 45n) + 3n,
    stride: 4096n,
  };
  const places = at.w.tree.tags.flatMap(({ tag }) => placesOf([at.w], tag));
  const steps = edited(call.steps, [], at.flush.invalidations[0], [{ op: "freeTable", table }, fill]);
  return { steps, must: [{ classes: ["V07"], places }], may: places };
};

/** A table is lost. */
export const lostTable: Fault = (call, random) => {
  const at = aTableThatGoes(call, random);
  if (at === null || isTakenAgain(call, at.table)) return null;
  const steps = edited(call.steps, [freeing(call, at.table)]);
  const may = call.input.domains.flatMap(({ id }) => placesOf([at.w], id));
  return { steps, must: [{ classes: ["V12"], places: [] }], may };
};

/** A table is given back twice. */
export const freedTwice: Fault = (call, random) => {
  const at = aTableThatGoes(call, random);
  if (at === null || isTakenAgain(call, at.table)) return null;
  const again: Step = { op: "freeTable", table: pfn(at.table) };
  const may = call.input.domains.flatMap(({ id }) => placesOf([at.w], id));
  return { steps: [...call.steps, again], must: [{ classes: ["V12"], places: [] }], may };
};

/** A table that is linked is given back. */
export const freedWhileLinked: Fault = (call, random) => {
  const at = oneOf(
    linked(call, ({ w }) => isFinal(call, w)),
    random,
  );
  if (at === null) return null;
  const free: Step = { op: "freeTable", table: pfn(at.filled.table) };
  const places = underEachTag(at.w, [at.w]);
  return { steps: [...call.steps, free], must: [{ classes: ["V07"], places }], may: places };
};
