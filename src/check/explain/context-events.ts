import type { Decision } from "../decide.ts";
import type { InterleavingEvent } from "../finding.ts";
import { firstAtOrAfter } from "../script/positions.ts";
import type { RootVersion } from "../walks/roots.ts";
import { address } from "./page-address.ts";

/**
 * Why a walk that begins at a position begins with a context entry: nothing has to be said of the one in force; one that is
 * overwritten is cached, or can still be read.
 */
export function contextEvents(decision: Decision, root: RootVersion, position: number): InterleavingEvent[] {
  if (position < root.until) return [];
  const age = root.step === 0 ? "as before the script" : `stored by step ${root.step}`;
  const text = `root ${address(root.table)} (${age}`;
  if (!decision.input.capability.cachesContext)
    return [
      {
        who: "device",
        step: position,
        text: `loads a context entry: ${text}, overwritten but still readable)`,
      },
    ];
  // In strong order the last one to load it does so just before it is overwritten.
  const isLate = !isCachedBefore(decision, root, position);
  const readableUntil = firstAtOrAfter(decision.log.barriers, root.until + 1);
  const step = isLate ? Math.min(readableUntil - 1, position) : root.until - 1;
  const stale = isLate ? ", overwritten but still readable" : "";
  return [{ who: "caches", step, text: `context cache keeps ${text}${stale})` }];
}

/** True iff a device that loads the context entry before it is overwritten can have it cached at a position. */
const isCachedBefore = (decision: Decision, { table, step, tag }: RootVersion, position: number): boolean =>
  decision.input.domains.some(({ id }) =>
    decision
      .rootsOf(id, "strong")
      .some(
        (root) =>
          root.table === table && root.step === step && root.tag === tag && root.beginsUntil > position,
      ),
  );
