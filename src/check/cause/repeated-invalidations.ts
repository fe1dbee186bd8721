import type { Splice } from "../../edit-script/index.ts";
import { allOf, type ScriptSteps } from "../script/script-steps.ts";
import { beforeReleases, isRelease, rowAround } from "./releases.ts";
import {
  BARRIER,
  DRAIN,
  fullInvalidation,
  inserted,
  type Repair,
  type RepairContext,
  type RepairPart,
  replaced,
} from "./repair.ts";

/**
 * All invalidations once more in front of everything that is given back, and behind all; none where that would take too long. Their
 * order is wrong where to move them is enough, one or all: where each is needed in its place too, another one is missing.
 */
export function repeated(
  context: RepairContext,
  invalidates: readonly number[],
  at: number,
  likely: (all: readonly number[]) => Iterable<number>,
): Repair[] {
  const { steps, about, pages, tags } = context;
  const cause = "order";
  const isEverywhere = true;
  if (about !== null) {
    // To repeat all of them at each place would take the square of the pages: one of everything does no less.
    const full = beforeReleases(steps, fullInvalidation(tags, pages));
    return full === null ? [] : [{ cause, at, isEverywhere, splices: () => full }];
  }
  const again = [BARRIER, ...invalidates.map((own) => steps.at(own)), DRAIN];
  const splices = (): Splice[] =>
    [...allOf(steps, isRelease), steps.length].map((own) => inserted(own, again));
  const parts = function* (): Generator<RepairPart> {
    for (const own of [at, ...likely(invalidates)])
      for (const place of placesFor(context, own))
        yield { at: own, splices: () => moved(steps, [own], place) };
    for (const place of placesFor(context, at)) {
      const all = invalidates.filter((own) => own < place);
      yield { at, splices: () => moved(steps, all, place) };
    }
  };
  return [{ cause, at, isEverywhere, splices, parts, needsPart: true }];
}

/** In front of what gives back what is met, and all in a row with it; where nothing does, of what is given back next, and behind all. */
function placesFor({ steps, isHarmful }: RepairContext, at: number): readonly number[] {
  const releases = allOf(steps, isRelease);
  const harmful = releases.find(isHarmful);
  if (harmful !== undefined) return [rowAround(steps, harmful).first];
  return [...releases.filter((own) => own > at).slice(0, 1), steps.length];
}

function moved(steps: ScriptSteps, some: readonly number[], place: number): Splice[] {
  const added = [BARRIER, ...some.map((at) => steps.at(at)), DRAIN];
  const splices = [...some.map((at) => replaced(at)), inserted(place, added)];
  return splices.sort((a, b) => a.place - b.place || a.removed - b.removed);
}
