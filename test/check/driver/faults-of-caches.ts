import { CACHE_ATC, CACHE_WALK, type InvalidateStep, type Step } from "../../../src/edit-script/index.ts";
import {
  BESIDE_STALE,
  classesOfStale,
  damageOfStale,
  hasDamage,
  isChanged,
  isLeftAlone,
  pagesWhere,
  placesOf,
  withPlaces,
  writtenFor,
} from "./consequences.ts";
import { isLink, isPresent } from "./entries.ts";
import type { Flushed } from "./journal.ts";
import type { Damage, Fault, Planted } from "./planted.ts";
import type { RecordedCall } from "./recorded-call.ts";
import { aFlush } from "./unreached.ts";

/** Device caches are left out. */
export const noDeviceCache: Fault = (call, random) => {
  const at = aFlush(call, random);
  if (at === null || !call.style.hasDeviceCache) return null;
  const steps = call.steps.map((s) =>
    at.own.includes(s as InvalidateStep)
      ? { ...(s as InvalidateStep), caches: (s as InvalidateStep).caches & ~CACHE_ATC }
      : s,
  );
  return cachedLeaves(call, at.flush, at.tag, steps);
};

/** Leaves that were found in what was overwritten stay in a cache; tables that were freed are not reached by that. */
function cachedLeaves(
  call: RecordedCall,
  flush: Flushed,
  tag: number,
  steps: readonly Step[],
  onlyLinks = false,
): Planted | null {
  const written = writtenFor(flush, tag).filter(
    (w) => isPresent(w.before) && (!onlyLinks || isLink(w.before, w.level)),
  );
  const classOf = classesOfStale(call);
  const must = written
    .filter(
      (w) =>
        isLeftAlone(call, flush, w, tag) &&
        isLink(w.before, w.level) &&
        flush.written.every((o) => o === w || o.end <= w.start || w.end <= o.start),
    )
    .flatMap((w): Damage[] =>
      (["V04", "V06"] as const).map((kind) => ({
        classes: kind === "V04" ? ["V04", "V05"] : ["V06"],
        places: pagesWhere(call, w, (p) => wasLed(call, w, p) && classOf(p) === kind).map((s) => ({
          domain: tag,
          ...s,
        })),
      })),
    );
  const leaves = onlyLinks
    ? []
    : written.filter((w) => isLeftAlone(call, flush, w, tag) && !isLink(w.before, w.level));
  const all = [...must, ...leaves.flatMap((w) => damageOfStale(call, w, tag))];
  if (!hasDamage(all)) return null;
  return { steps, must: withPlaces(all), may: placesOf(written, tag), beside: besideCached(call) };
}

/** Pointers are dropped in time; but a leaf may have its dirty bit in a table that is freed. */
const besideCached = ({ journal }: RecordedCall): Planted["beside"] & {} =>
  BESIDE_STALE.filter((kind) => kind !== "V07" || journal.marksDirty);

/** A page went with this table, and no earlier store of the call took it away. */
const wasLed = (
  call: RecordedCall,
  w: { start: number; end: number; tree: unknown },
  page: number,
): boolean =>
  call.before.has(page) &&
  isChanged(call, page) &&
  !call.journal.written.some((o) => o !== w && o.tree === w.tree && o.start <= page && page < o.end);

/** Leaves are dropped first, and come back from pointers that are dropped only then. */
export const leavesBeforePointers: Fault = (call, random) => {
  const at = aFlush(call, random);
  if (at === null || call.style.cacheOrder !== "together" || at.flush.invalidations.length !== at.own.length)
    return null;
  const last = at.own.at(-1)!;
  const pointers = at.own.map((s): Step => ({ ...s, caches: CACHE_WALK }));
  const planted = call.steps.flatMap((s): Step[] => {
    if (!at.own.includes(s as InvalidateStep)) return [s];
    const leaves: Step = { ...(s as InvalidateStep), caches: (s as InvalidateStep).caches & ~CACHE_WALK };
    return s === last ? [leaves, { op: "wait", drain: true }, ...pointers] : [leaves];
  });
  return cachedLeaves(call, at.flush, at.tag, planted, true);
};

/** Device caches are invalidated, and may be filled again from the IOTLB, which is invalidated only then. */
export const deviceCacheFirst: Fault = (call, random) => {
  const at = aFlush(call, random);
  if (at === null || call.style.cacheOrder !== "together" || !call.style.hasDeviceCache) return null;
  const [first] = at.own as [InvalidateStep];
  const devices = at.own.map((s): Step => ({ ...s, caches: CACHE_ATC }));
  const planted = call.steps.flatMap((s): Step[] => {
    if (!at.own.includes(s as InvalidateStep)) return [s];
    const others: Step = { ...(s as InvalidateStep), caches: (s as InvalidateStep).caches & ~CACHE_ATC };
    return s === first ? [...devices, { op: "wait", drain: true }, others] : [others];
  });
  return cachedLeaves(call, at.flush, at.tag, planted);
};
