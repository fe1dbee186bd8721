import type { Step, StoreStep } from "../../../src/edit-script/index.ts";
import {
  aLeaf,
  damage,
  type Entry,
  isNamedBefore,
  isPlainChange,
  planted,
  storing,
  unchanged,
} from "./changed-entry.ts";
import { BESIDE_STALE, isChanged, isInBoth, isInWindow, isKept, pagesWhere } from "./consequences.ts";
import { isLink, isPresent } from "./entries.ts";
import type { Written } from "./journal.ts";
import { type Damage, edited, type Fault, oneOf, replaced } from "./planted.ts";
import type { RecordedCall } from "./recorded-call.ts";

/** A frame that no map names, far enough for leaves of all sizes. */
const ELSEWHERE = 1n << 42n;

/** A leaf leads to a frame that nobody named. */
export const wrongFrame: Fault = (call, random) => {
  const w = aLeaf(call, random);
  if (w === null) return null;
  return planted(w, replaced(call.steps, w.step, [storing(w.step, w.after + ELSEWHERE)]), [
    damage(w, ["V02"], [w]),
  ]);
};

/** The leaf that takes the place of a table begins at a frame of its neighbour. */
export const wrongBase: Fault = (call, random) => {
  const w = aLeaf(call, random, (each) => isLink(each.before, each.level));
  if (w === null) return null;
  const next = w.after + (BigInt(call.shape.span(w.level)) << 12n);
  if (isNamedBefore(call, w, next)) return null;
  return planted(w, replaced(call.steps, w.step, [storing(w.step, next)]), [damage(w, ["V02"], [w])]);
};

/** A leaf grants a right that neither map grants. */
export const oneRightMore: Fault = (call, random) => {
  const w = aLeaf(call, random, (each) => (each.after & 3n) !== 3n);
  if (w === null) return null;
  const right = 3 & ~Number(w.after & 3n);
  const hadIt = (page: number): boolean => {
    const [old, now] = [call.before.get(page), call.after.get(page)];
    return old !== undefined && old.frame === now!.frame && (old.rights & right) !== 0;
  };
  return planted(w, replaced(call.steps, w.step, [storing(w.step, w.after | 3n)]), [
    damage(
      w,
      ["V03"],
      pagesWhere(call, w, (page) => !hadIt(page)),
    ),
    damage(w, ["V04"], pagesWhere(call, w, hadIt)),
  ]);
};

/** A leaf grants a right less than the new map. */
export const oneRightLess: Fault = (call, random) => {
  const w = aLeaf(call, random, (each) => (each.after & 3n) === 3n);
  if (w === null) return null;
  const lost = random(2) === 0 ? 1 : 2;
  const hadIt = (page: number): boolean => ((call.before.get(page)?.rights ?? 0) & lost) !== 0;
  const steps = replaced(call.steps, w.step, [storing(w.step, w.after & ~BigInt(lost))]);
  return planted(w, steps, [
    damage(
      w,
      ["V01"],
      pagesWhere(call, w, (page) => isKept(call, page)),
    ),
    damage(
      w,
      ["V01b", "V05"],
      pagesWhere(call, w, (page) => !isKept(call, page) && hadIt(page)),
    ),
    damage(
      w,
      ["V04", "V05"],
      pagesWhere(call, w, (page) => !hadIt(page)),
    ),
  ]);
};

/** A store is forgotten. */
export const forgotten: Fault = (call, random) => {
  const w = oneOf(
    call.journal.written.filter((each) => isPlainChange(call, each)),
    random,
  );
  if (w === null) return null;
  const result = planted(w, edited(call.steps, [w.step]), unchanged(call, w));
  return result && { ...result, beside: BESIDE_STALE };
};

/** A store goes to the neighbour of its entry. */
export const toTheNeighbour: Fault = (call, random) => {
  const isFit = (w: Written): boolean =>
    isPlainChange(call, w) &&
    w.level === 0 &&
    w.step.op === "store" &&
    w.index + 1 < call.shape.entries &&
    isUntouched(call, w, w.end);
  const w = oneOf(call.journal.written.filter(isFit), random);
  if (w === null) return null;
  const steps = replaced(call.steps, w.step, [{ ...(w.step as StoreStep), index: w.index + 1 }]);
  const next = { start: w.end, end: w.end + 1 };
  const isThere = call.after.has(w.end);
  const hit: Damage["classes"] = isPresent(w.after) ? ["V02"] : ["V01"];
  const must = isPresent(w.after) || isThere ? [damage(w, hit, [next])] : [];
  const result = planted(w, steps, [...unchanged(call, w), ...must], [w, next]);
  // A right that the neighbour has and the page has not is lost as well; what is cleaned is the entry that was meant.
  return (
    result && {
      ...result,
      beside: [...BESIDE_STALE, "V01", ...(call.journal.isCoherent ? [] : (["V15"] as const))],
    }
  );
};

/** Nothing is done with a page, nor in the table around it but by stores to others. */
const isUntouched = (call: RecordedCall, w: Written, page: number): boolean =>
  !isChanged(call, page) &&
  !call.journal.written.some((o) => o.tree === w.tree && o.start <= page && page < o.end);

/** One page too many is cleared, and set again where somebody saw that. */
export const oneTooMany: Fault = (call, random) => {
  const isFit = (w: Written): boolean =>
    w.level === 0 && w.index + 1 < call.shape.entries && call.after.has(w.end) && isUntouched(call, w, w.end);
  const w = oneOf(call.journal.written.filter(isFit), random);
  if (w === null) return null;
  const slot = { table: w.table as StoreStep["table"], index: w.index + 1 };
  const cleared: Step = { op: "store", update: 9001, ...slot, entry: 0n };
  const kept = call.input.tables.entry(slot.table, slot.index);
  if (!isPresent(kept)) return null;
  const set: Step[] = random(2) === 0 ? [] : [{ op: "store", update: 9002, ...slot, entry: kept }];
  const next = { start: w.end, end: w.end + 1 };
  return planted(
    w,
    replaced(call.steps, w.step, [w.step, cleared, ...set]),
    [damage(w, ["V01"], [next])],
    [next],
  );
};

/** An entry is cleared before it gets its new value. */
export const clearedFirst: Fault = (call, random) => {
  const isFit = (w: Written): boolean =>
    isPresent(w.before) && isPresent(w.after) && w.step.op !== "storeRun" && !isInWindow(call, w);
  const w = oneOf(call.journal.written.filter(isFit), random);
  if (w === null) return null;
  const clear: Step = { ...(w.step as Entry), op: "store", update: 90_001, entry: 0n } as StoreStep;
  const { table, index, entry } = w.step as Entry;
  const store: Step = { op: "store", update: 90_002, table, index, entry };
  const result = planted(w, replaced(call.steps, w.step, [clear, store]), [
    damage(
      w,
      ["V01"],
      pagesWhere(call, w, (page) => isKept(call, page)),
    ),
    damage(
      w,
      ["V01b"],
      pagesWhere(call, w, (page) => !isKept(call, page) && isInBoth(call, page)),
    ),
  ]);
  return result && { ...result, beside: ["V10"] };
};
