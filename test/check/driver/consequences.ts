import type { ViolationClass } from "../../../src/check/index.ts";
import { isLeaf, isLink, isPresent, isSame, translationIn } from "./entries.ts";
import type { Flushed, Written } from "./journal.ts";
import { framesIn, pagesBetween, type Span, spansOf } from "./page-map.ts";
import type { Damage, Place } from "./planted.ts";
import type { RecordedCall } from "./recorded-call.ts";

const mapped = new WeakMap<RecordedCall, readonly number[]>();
/** Pages of either map, ascending. */
function mappedPages(call: RecordedCall): readonly number[] {
  let pages = mapped.get(call);
  if (pages === undefined) {
    pages = [...new Set([...call.before.keys(), ...call.after.keys()])].sort((a, b) => a - b);
    mapped.set(call, pages);
  }
  return pages;
}

/** Pages of a span that either map has and a test accepts, as spans. */
export const pagesWhere = (
  call: RecordedCall,
  { start, end }: Span,
  test: (page: number) => boolean,
): Span[] => spansOf(pagesBetween(mappedPages(call), start, end).filter(test));

export const isChanged = ({ before, after }: RecordedCall, page: number): boolean =>
  !isSame(before.get(page), after.get(page));
export const isKept = (call: RecordedCall, page: number): boolean =>
  call.before.has(page) && !isChanged(call, page);
/** Both maps grant some access to it, be it to different frames: that access may not fault. */
export const isInBoth = ({ before, after }: RecordedCall, page: number): boolean =>
  ((before.get(page)?.rights ?? 0) & (after.get(page)?.rights ?? 0)) !== 0;

/** The classes of an old translation that stays usable. */
export function classesOfStale(call: RecordedCall): (page: number) => ViolationClass {
  const left = framesIn(call.after);
  return (page) => (left.has(call.before.get(page)!.frame) ? "V04" : "V06");
}

/**
 * What follows for one tag where the old value of an entry stays in the caches for good. A freed table is V07 on all pages below it, an
 * old translation V06 or V04, a cached absence V05; a leaf that says what the new map says as well shows nothing but itself.
 */
export function damageOfStale(call: RecordedCall, w: Written, tag: number): Damage[] {
  const at = (classes: readonly ViolationClass[], spans: readonly Span[]): Damage => ({
    classes,
    places: spans.map((span) => ({ domain: tag, start: span.start, end: span.end })),
  });
  if (isLink(w.before, w.level)) return [at(["V07"], [w])];
  if (!isPresent(w.before))
    return [
      at(
        ["V05"],
        pagesWhere(call, w, (page) => call.after.has(page) && !call.before.has(page)),
      ),
    ];
  const { frame, rights } = translationIn(w.before);
  const isOld = (page: number): boolean =>
    isChanged(call, page) && isSame(call.before.get(page), { frame: frame + page - w.start, rights });
  const classOf = classesOfStale(call);
  return [
    at(
      ["V06"],
      pagesWhere(call, w, (page) => isOld(page) && classOf(page) === "V06"),
    ),
    at(
      ["V04"],
      pagesWhere(call, w, (page) => isOld(page) && classOf(page) === "V04"),
    ),
  ];
}

/** Classes that an old value in a cache may show as beside the worst. */
export const BESIDE_STALE: readonly ViolationClass[] = ["V04", "V04b", "V05", "V06", "V07", "V09", "V10"];

export const hasDamage = (damages: readonly Damage[]): boolean =>
  damages.some(({ places }) => places.length > 0);
export const withPlaces = (damages: readonly Damage[]): Damage[] =>
  damages.filter(({ places }) => places.length > 0);

/** Invalidations of other flushes, those behind this one. */
export function laterInvalidations(call: RecordedCall, flush: Flushed): Flushed["invalidations"] {
  const { flushed } = call.journal;
  return flushed.slice(flushed.indexOf(flush) + 1).flatMap(({ invalidations }) => invalidations);
}

/** True iff nothing that is posted behind a flush reaches the pages of an entry again. */
export const isLeftAlone = (call: RecordedCall, flush: Flushed, w: Written, tag: number): boolean =>
  !laterInvalidations(call, flush).some(
    ({ domain, iovaPfn, pages }) => domain === tag && iovaPfn < w.end && w.start < iovaPfn + pages,
  );

/** What was overwritten before a flush in tables of a tag. */
export const writtenFor = ({ written }: Flushed, tag: number): Written[] =>
  written.filter((w) => w.tree.tags.some((own) => own.tag === tag));
export const tagsOf = ({ written }: Flushed): number[] => [
  ...new Set(written.flatMap((w) => w.tree.tags.map(({ tag }) => tag))),
];
export const placesOf = (written: readonly Written[], tag: number): Place[] =>
  written.map(({ start, end }) => ({ domain: tag, start, end }));

/** True iff neither the entry nor one above or below it is written again. */
export const isFinal = ({ journal }: RecordedCall, w: Written): boolean =>
  !journal.written.some((other) => other.order > w.order && overlaps(other, w));
/** Entries of one tree with pages in common. */
export const overlaps = (a: Written, b: Written): boolean =>
  a.tree === b.tree && a.start < b.end && b.start < a.end;

/** True iff it is a store of its own to a leaf that stays as it is then. */
export const isOwnLeaf = (call: RecordedCall, w: Written): boolean =>
  isLeaf(w.after, w.level) && w.step.op !== "storeRun" && isFinal(call, w) && !isInWindow(call, w);

export const isInWindow = ({ steps }: RecordedCall, { start, end }: Span): boolean =>
  steps.some((s) => s.op === "window" && s.iovaPfn < end && start < s.iovaPfn + s.pages);
