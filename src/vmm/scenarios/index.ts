import { aliases } from "./aliases.ts";
import { boundary1g } from "./boundary-1g.ts";
import { boundary2m } from "./boundary-2m.ts";
import { largeHole } from "./large-hole.ts";
import { largeRights } from "./large-rights.ts";
import { moveAndProtect } from "./move-and-protect.ts";
import { noChange } from "./no-change.ts";
import { oddPages } from "./odd-pages.ts";
import { pam2020 } from "./pam-2020.ts";
import { readOnlyFlips } from "./read-only-flips.ts";
import { readOnlyHole } from "./read-only-hole.ts";
import { readOnlySplit } from "./read-only-split.ts";
import { remap } from "./remap.ts";
import { replaceAll } from "./replace-all.ts";
import type { Scenario } from "./scenario.ts";
import { splitRejoin } from "./split-rejoin.ts";
import { tseg } from "./tseg.ts";
import { twoCallers } from "./two-callers.ts";

export type { Scenario } from "./scenario.ts";

/** The built-in scenarios by name. */
export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(
  [
    pam2020,
    tseg,
    boundary2m,
    boundary1g,
    splitRejoin,
    remap,
    readOnlyFlips,
    replaceAll,
    noChange,
    largeRights,
    largeHole,
    readOnlyHole,
    readOnlySplit,
    moveAndProtect,
    oddPages,
    aliases,
    twoCallers,
  ].map((scenario) => [scenario.name, scenario]),
);
