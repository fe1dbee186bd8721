import type { InvalidateStep, Step } from "../../../src/edit-script/index.ts";
import {
  BESIDE_STALE,
  classesOfStale,
  damageOfStale,
  hasDamage,
  isChanged,
  isLeftAlone,
  placesOf,
  tagsOf,
  withPlaces,
  writtenFor,
} from "./consequences.ts";
import type { Flushed } from "./journal.ts";
import { spansOf } from "./page-map.ts";
import { oneOf, type Planted } from "./planted.ts";
import type { RecordedCall } from "./recorded-call.ts";
import type { Random } from "./style.ts";

/** A flush, and one of the tags it is for. */
export function aFlush(
  call: RecordedCall,
  random: Random,
): { flush: Flushed; tag: number; own: InvalidateStep[] } | null {
  const flush = oneOf(call.journal.flushed, random);
  const tag = flush && oneOf(tagsOf(flush), random);
  if (flush === null || tag === null) return null;
  return { flush, tag, own: flush.invalidations.filter((s) => s.domain === tag) };
}

/** What follows where a flush does not reach the caches of some tags. */
export function unreached(
  call: RecordedCall,
  flush: Flushed,
  tags: readonly number[],
  steps: readonly Step[],
): Planted | null {
  const must = tags.flatMap((tag) =>
    writtenFor(flush, tag)
      .filter((w) => isLeftAlone(call, flush, w, tag))
      .flatMap((w) => damageOfStale(call, w, tag)),
  );
  if (!hasDamage(must)) return null;
  const may = tags.flatMap((tag) => placesOf(writtenFor(flush, tag), tag));
  return { steps, must: withPlaces(must), may, beside: BESIDE_STALE };
}

/** Pages whose frames lose their last pin. */
export function everyUnpinned(call: RecordedCall): Planted["may"] {
  const classOf = classesOfStale(call);
  const lost = [...call.before.keys()].filter((page) => isChanged(call, page) && classOf(page) === "V06");
  return call.input.domains.flatMap(({ id }) =>
    spansOf(lost).map(({ start, end }) => ({ domain: id, start, end })),
  );
}
