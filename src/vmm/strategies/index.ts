import { legacy } from "./legacy.ts";
import { makeSetMap } from "./set-map.ts";
import type { Strategy } from "./strategy.ts";
import { vmmDiff } from "./vmm-diff.ts";

export { legacy } from "./legacy.ts";
export { makeSetMap, type SetMapOptions } from "./set-map.ts";
export type { Applied, Strategy, Vm } from "./strategy.ts";
export { type DmaCall, planDmaCalls, vmmDiff } from "./vmm-diff.ts";

/** The strategies by name, in the order of a comparison; `legacy` is the baseline. */
export const STRATEGIES: ReadonlyMap<string, Strategy> = new Map(
  [legacy, vmmDiff, makeSetMap(), makeSetMap({ epoch: true })].map((strategy) => [strategy.name, strategy]),
);
