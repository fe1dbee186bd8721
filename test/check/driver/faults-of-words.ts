import type { Step } from "../../../src/edit-script/index.ts";
import { aLeaf, damage, type Entry, isPlainChange, planted, storing, unchanged } from "./changed-entry.ts";
import { isInBoth, isInWindow, isKept, pagesWhere, withPlaces } from "./consequences.ts";
import { ACCESSED_DIRTY, addressIn, isLeaf, isLink, isPresent } from "./entries.ts";
import type { Written } from "./journal.ts";
import { type Damage, edited, type Fault, oneOf, replaced } from "./planted.ts";

/** An entry is written half by half. */
export const inTwoHalves: Fault = (call, random) => {
  const low = (word: bigint): bigint => word & 0xffff_ffffn;
  const half = (w: Written): bigint => (w.before & ~0xffff_ffffn) | low(w.after);
  const isFit = (w: Written): boolean =>
    w.step.op === "store" &&
    isPresent(w.after) &&
    half(w) !== w.before &&
    half(w) !== w.after &&
    !isInWindow(call, w);
  const w = oneOf(call.journal.written.filter(isFit), random);
  if (w === null) return null;
  return planted(w, replaced(call.steps, w.step, [storing(w.step, half(w)), w.step]), [
    damage(w, ["V08", "V13"], [w]),
  ]);
};

/** A leaf is stored over what walkers set in it. */
export const plainStoreOverDirty: Fault = (call, random) => {
  if (!call.journal.marksDirty) return null;
  const isFit = (w: Written): boolean =>
    w.step.op === "exchange" &&
    isLeaf(w.before, w.level) &&
    (w.before & 2n) !== 0n &&
    addressIn(w.before) === addressIn(w.after) &&
    (w.step.entry & ACCESSED_DIRTY) === 0n;
  const w = aLeaf(call, random, isFit);
  if (w === null) return null;
  const { update, table, index, entry } = w.step as Entry;
  const store: Step = { op: "store", update, table, index, entry };
  const isSameFrame = (page: number): boolean => call.before.get(page)?.frame === call.after.get(page)?.frame;
  return planted(w, replaced(call.steps, w.step, [store]), [
    damage(w, ["V10"], pagesWhere(call, w, isSameFrame)),
  ]);
};

/** A leaf that takes the place of others begins clean. */
export const promotedClean: Fault = (call, random) => {
  if (!call.journal.marksDirty) return null;
  const w = aLeaf(
    call,
    random,
    (each) => isLink(each.before, each.level) && (each.after & ACCESSED_DIRTY) !== 0n,
  );
  if (w === null) return null;
  const isWritten = (page: number): boolean =>
    call.before.get(page)?.frame === call.after.get(page)!.frame && (call.before.get(page)!.rights & 2) !== 0;
  const steps = replaced(call.steps, w.step, [storing(w.step, w.after & ~ACCESSED_DIRTY)]);
  return planted(w, steps, [damage(w, ["V10"], pagesWhere(call, w, isWritten))]);
};

/** An entry is never pushed out of the cache that walkers do not see. */
export const notCleaned: Fault = (call, random) => {
  if (call.journal.isCoherent) return null;
  const w = oneOf(
    call.journal.written.filter((each) => isPlainChange(call, each)),
    random,
  );
  if (w === null) return null;
  const clean = call.steps[call.steps.indexOf(w.step) + 1]!;
  const must = unchanged(call, w).map(
    (d): Damage => ({ ...d, classes: d.classes[0] === "V05" ? ["V05", "V15"] : ["V15"] }),
  );
  const result = planted(w, edited(call.steps, [clean]), must);
  return result && { ...result, isWeakOnly: true };
};

/** Pages are taken away in between, and nobody was told that they may be. */
export const noWindow: Fault = (call) => {
  const windows = call.steps.filter((s) => s.op === "window");
  const places = windows.map(({ domain, iovaPfn, pages }) => ({
    domain,
    start: iovaPfn,
    end: iovaPfn + pages,
  }));
  const must: Damage[] = [
    {
      classes: ["V01"],
      places: places.flatMap((p) =>
        pagesWhere(call, p, (page) => isKept(call, page)).map((s) => ({ ...p, ...s })),
      ),
    },
    {
      classes: ["V01b"],
      places: places.flatMap((p) =>
        pagesWhere(call, p, (page) => !isKept(call, page) && isInBoth(call, page)).map((s) => ({
          ...p,
          ...s,
        })),
      ),
    },
  ];
  const real = withPlaces(must);
  return real.length === 0
    ? null
    : { steps: edited(call.steps, windows), must: real, may: places, beside: ["V10"] };
};
