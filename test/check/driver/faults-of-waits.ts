import type { InvalidateStep, Step } from "../../../src/edit-script/index.ts";
import { BESIDE_STALE, tagsOf } from "./consequences.ts";
import type { Flushed } from "./journal.ts";
import { edited, type Fault, oneOf, type Planted } from "./planted.ts";
import type { RecordedCall } from "./recorded-call.ts";
import { everyUnpinned, unreached } from "./unreached.ts";

/** The last flush, with nothing that waits for it. */
function unwaited(call: RecordedCall, added: (flush: Flushed) => Step[]): Planted | null {
  const flush = call.journal.flushed.at(-1);
  if (flush === undefined) return null;
  const [first] = flush.invalidations as [InvalidateStep];
  const waits = call.steps.slice(call.steps.indexOf(first)).filter((s) => s.op === "wait");
  const steps = edited(call.steps, waits, first, added(flush));
  const planted = unreached(call, flush, tagsOf(flush), steps);
  if (planted === null || call.style.drain === "always" || call.journal.marksDirty) return planted;
  // Accesses that an earlier flush has left to be drained are not, either.
  return { ...planted, may: [...planted.may, ...everyUnpinned(call)], beside: BESIDE_STALE };
}
export const noWait: Fault = (call) => unwaited(call, () => []);
export const waitBeforeInvalidation: Fault = (call) => unwaited(call, ({ waits }) => waits.slice(0, 1));

/** Nothing is drained. */
export const noDrain: Fault = (call) => {
  const steps = call.steps.map((s) => (s.op === "wait" ? { ...s, drain: false } : s));
  const may = everyUnpinned(call);
  if (may.length === 0 || call.journal.marksDirty) return null;
  return { steps, must: [{ classes: ["V06"], places: may }], may };
};

/** Nobody waits for one of two IOMMUs. */
export const oneIommuNotWaitedFor: Fault = (call, random) => {
  const flush = call.journal.flushed.at(-1);
  const iommus = [...new Set(call.input.domains.map(({ iommu }) => iommu!))];
  const left = oneOf(iommus, random);
  if (flush === undefined || iommus.length < 2 || left === null) return null;
  const first = call.steps.indexOf(flush.invalidations[0]!);
  const others = iommus.filter((iommu) => iommu !== left);
  const steps = call.steps.flatMap((s, i): Step[] => {
    if (i < first || s.op !== "wait") return [s];
    return s.iommu === undefined ? others.map((iommu) => ({ ...s, iommu })) : s.iommu === left ? [] : [s];
  });
  const tags = tagsOf(flush).filter((tag) => call.input.domains.find(({ id }) => id === tag)!.iommu === left);
  const planted = unreached(call, flush, tags, steps);
  if (planted === null || call.style.drain === "always" || call.journal.marksDirty) return planted;
  return { ...planted, may: [...planted.may, ...everyUnpinned(call)] };
};
