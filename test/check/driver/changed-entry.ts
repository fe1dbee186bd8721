import type { Step } from "../../../src/edit-script/index.ts";
import {
  classesOfStale,
  isChanged,
  isFinal,
  isInWindow,
  isOwnLeaf,
  overlaps,
  pagesWhere,
  withPlaces,
} from "./consequences.ts";
import { addressIn, isLink } from "./entries.ts";
import type { Written } from "./journal.ts";
import type { Span } from "./page-map.ts";
import { type Damage, oneOf, type Planted, underEachTag } from "./planted.ts";
import type { RecordedCall } from "./recorded-call.ts";

export type Entry = Extract<Step, { op: "store" | "exchange" }>;
/** The same step with another entry. */
export const storing = (step: Step, entry: bigint): Step => ({ ...(step as Entry), entry });

export const damage = (w: Written, classes: Damage["classes"], spans: readonly Span[]): Damage => ({
  classes,
  places: underEachTag(w, spans),
});
export const planted = (
  w: Written,
  steps: readonly Step[],
  must: readonly Damage[],
  reach: readonly Span[] = [w],
): Planted | null => {
  const real = withPlaces(must);
  if (real.length === 0) return null;
  // Size and translation change at once where the leaf takes the place of a table.
  return { steps, must: real, may: underEachTag(w, reach), beside: isLink(w.before, w.level) ? ["V09"] : [] };
};
export const aLeaf = (
  call: RecordedCall,
  random: (n: number) => number,
  test: (w: Written) => boolean = () => true,
): Written | null =>
  oneOf(
    call.journal.written.filter((w) => isOwnLeaf(call, w) && test(w)),
    random,
  );

/** The old map names, for some page, the frame that a wrong leaf leads to. */
export const isNamedBefore = (call: RecordedCall, span: Span, leaf: bigint): boolean =>
  pagesWhere(call, span, (page) => call.before.get(page)?.frame === addressIn(leaf) + page - span.start)
    .length > 0;

/** Pages that stay as they were, where the new map has something else. */
export function unchanged(call: RecordedCall, w: Written): Damage[] {
  const classOf = classesOfStale(call);
  const isOld = (page: number): boolean => isChanged(call, page) && call.before.has(page);
  return [
    damage(
      w,
      ["V05"],
      pagesWhere(call, w, (page) => isChanged(call, page) && !call.before.has(page)),
    ),
    damage(
      w,
      ["V06"],
      pagesWhere(call, w, (page) => isOld(page) && classOf(page) === "V06"),
    ),
    damage(
      w,
      ["V04"],
      pagesWhere(call, w, (page) => isOld(page) && classOf(page) === "V04"),
    ),
  ];
}

/** An entry above single leaves, so that what lies below is what the maps had before the call. */
export const isPlainChange = (call: RecordedCall, w: Written): boolean =>
  !isLink(w.before, w.level) &&
  !isLink(w.after, w.level) &&
  w.step.op !== "storeRun" &&
  isFinal(call, w) &&
  !isInWindow(call, w) &&
  !call.journal.written.some((o) => o !== w && overlaps(o, w));
