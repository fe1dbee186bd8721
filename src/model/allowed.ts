import type { Pfn, Rights } from "../units/index.ts";
import type { ModelMap } from "./model-map.ts";

/** What one access may meet: a fault, or success on one of some frames. */
export interface AllowedOutcomes {
  readonly fault: boolean;
  readonly frames: ReadonlySet<Pfn>;
}

/** What one access met: the frame it was performed on, or null for a fault. */
export type ObservedOutcome = Pfn | null;

/** The result an access has under one map: the frame, or null where the map faults it. `access` is READ or WRITE. */
export function outcomeUnder(map: ModelMap, page: number, access: Rights): ObservedOutcome {
  const translation = map.lookup(page);
  return translation !== null && (translation.rights & access) === access ? translation.pfn : null;
}

/**
 * What an access may meet while any of `maps` is in force: for each map the result this very access has under it.
 * One map before and after a change, both while the change is under way.
 */
export function allowedOutcomes(maps: readonly ModelMap[], page: number, access: Rights): AllowedOutcomes {
  const frames = new Set<Pfn>();
  let fault = false;
  for (const map of maps) {
    const outcome = outcomeUnder(map, page, access);
    if (outcome === null) fault = true;
    else frames.add(outcome);
  }
  return { fault, frames };
}

/** True iff what the access met is what one of the maps says. */
export function isAllowed(
  maps: readonly ModelMap[],
  page: number,
  access: Rights,
  observed: ObservedOutcome,
): boolean {
  const allowed = allowedOutcomes(maps, page, access);
  return observed === null ? allowed.fault : allowed.frames.has(observed);
}
