import type { InvalidateStep, Step } from "../../../src/edit-script/index.ts";
import {
  BESIDE_STALE,
  damageOfStale,
  hasDamage,
  isLeftAlone,
  laterInvalidations,
  placesOf,
  tagsOf,
  withPlaces,
  writtenFor,
} from "./consequences.ts";
import { isLeaf, isLink, isPresent } from "./entries.ts";
import type { Written } from "./journal.ts";
import { type Damage, edited, type Fault, oneOf, underEachTag } from "./planted.ts";
import { aFlush, unreached } from "./unreached.ts";

/** One tag is not invalidated at all: one domain of several, or the only one. */
export const missing: Fault = (call, random) => {
  const at = aFlush(call, random);
  return at && unreached(call, at.flush, [at.tag], edited(call.steps, at.own));
};

/** The invalidations name another tag. */
export const ofAnotherTag: Fault = (call, random) => {
  const at = aFlush(call, random);
  if (at === null) return null;
  const others = call.input.domains.map(({ id }) => id).filter((id) => id !== at.tag);
  const domain = oneOf(others, random) ?? 999;
  const steps = call.steps.map((s) =>
    at.own.includes(s as InvalidateStep) ? { ...(s as InvalidateStep), domain } : s,
  );
  return unreached(call, at.flush, [at.tag], steps);
};

/** All is posted before the first store it is for. */
export const beforeTheStores: Fault = (call, random) => {
  const at = aFlush(call, random);
  if (at === null) return null;
  const { invalidations, written } = at.flush;
  const moved = new Set<Step>(invalidations);
  const first = written[0]!.step;
  const steps = edited(call.steps, moved, first, invalidations);
  return unreached(call, at.flush, tagsOf(at.flush), steps);
};

/** One page is left out at an end. */
export const onePageShort: Fault = (call, random) => {
  const at = aFlush(call, random);
  const chosen = at && oneOf(at.own, random);
  if (at === null || chosen === null || chosen.pages < 2) return null;
  const isAtEnd = random(2) === 0;
  const page = isAtEnd ? chosen.iovaPfn + chosen.pages - 1 : chosen.iovaPfn;
  const same = at.own.filter((s) => s.iovaPfn === chosen.iovaPfn && s.pages === chosen.pages);
  const reaches = (s: InvalidateStep): boolean =>
    s.domain === at.tag && s.iovaPfn <= page && page < s.iovaPfn + s.pages;
  if (at.own.filter(reaches).length !== same.length || laterInvalidations(call, at.flush).some(reaches))
    return null;
  const steps = call.steps.map((s) => {
    if (!same.includes(s as InvalidateStep)) return s;
    const short = { ...(s as InvalidateStep), pages: chosen.pages - 1 };
    return isAtEnd ? short : { ...short, iovaPfn: (chosen.iovaPfn + 1) as typeof chosen.iovaPfn };
  });
  const written = writtenFor(at.flush, at.tag).filter((w) => w.start <= page && page < w.end);
  // A pointer is dropped for the pages that are reached; a leaf only as a whole, an absence page by page.
  const must = written
    .filter((w) => isLeftAlone(call, at.flush, w, at.tag))
    .flatMap((w) =>
      damageOfStale(
        call,
        isPresent(w.before) && !isLink(w.before, w.level) ? w : { ...w, start: page, end: page + 1 },
        at.tag,
      ),
    );
  if (!hasDamage(must)) return null;
  return { steps, must: withPlaces(must), may: placesOf(written, at.tag), beside: BESIDE_STALE };
};

/** Leaf scope where a table went. */
export const leafScope: Fault = (call, random) => {
  const at = aFlush(call, random);
  if (at === null) return null;
  const steps = call.steps.map((s) =>
    at.own.includes(s as InvalidateStep) ? { ...(s as InvalidateStep), scope: "leaf" as const } : s,
  );
  const links = writtenFor(at.flush, at.tag).filter((w) => isLink(w.before, w.level));
  const must = links
    .filter((w) => isLeftAlone(call, at.flush, w, at.tag))
    .flatMap((w) => damageOfStale(call, w, at.tag));
  if (!hasDamage(must)) return null;
  return { steps, must, may: placesOf(links, at.tag), beside: BESIDE_STALE };
};

/** No barrier orders the stores before the invalidation. */
export const noBarrier: Fault = (call, random) => {
  const at = aFlush(call, random);
  if (at === null || !call.journal.isCoherent) return null;
  const steps = edited(call.steps, at.flush.barriers);
  const until = steps.indexOf(at.flush.invalidations[0]!);
  const isUnordered = (step: Step): boolean =>
    !steps.slice(steps.indexOf(step), until).some((s) => s.op === "barrier");
  const must = tagsOf(at.flush).flatMap((tag) =>
    writtenFor(at.flush, tag)
      .filter((w) => isUnordered(w.step) && isLeftAlone(call, at.flush, w, tag))
      .flatMap((w) => damageOfStale(call, w, tag))
      .map((damage) => ({
        ...damage,
        classes: ["V15" as const, ...(damage.classes[0] === "V05" ? (["V05"] as const) : [])],
      })),
  );
  if (!hasDamage(must)) return null;
  // What was only added is as little ordered.
  const may = call.journal.written.flatMap((w) => underEachTag(w, [w]));
  return { steps, must: withPlaces(must), may, beside: ["V15", "V05"], isWeakOnly: true };
};

/** Leaves that change follow a split at once, while the large leaf may still be cached. */
export const splitNotSettled: Fault = (call, random) => {
  const isSplit = (w: Written): boolean => isLeaf(w.before, w.level) && isLink(w.after, w.level);
  const all = call.journal.flushed.flatMap((flush) =>
    flush.written.filter(isSplit).map((w) => ({ flush, w })),
  );
  const at = oneOf(all, random);
  if (at === null || at.flush.written.some((w) => w.tree !== at.w.tree)) return null;
  const next = call.journal.flushed[call.journal.flushed.indexOf(at.flush) + 1];
  const moved = (next?.written ?? []).filter(
    (o) =>
      o.tree === at.w.tree &&
      at.w.start <= o.start &&
      o.end <= at.w.end &&
      o.level < at.w.level &&
      isLeaf(o.before, o.level) &&
      isLeaf(o.after, o.level) &&
      (o.before ^ o.after) >> 12n !== 0n,
  );
  if (moved.length === 0) return null;
  const steps = edited(call.steps, at.flush.invalidations);
  const may = at.w.tree.tags.flatMap(({ tag }) => placesOf(at.flush.written, tag));
  const must: Damage = { classes: ["V09", "V04", "V06"], places: underEachTag(at.w, moved) };
  return { steps, must: [must], may, beside: ["V04b", "V05", "V07", "V10"] };
};
