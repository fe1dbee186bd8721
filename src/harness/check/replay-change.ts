import type { Finding, MemoryMode } from "../../check/index.ts";
import type { CheckedFinding } from "../../report/index.ts";
import type { Strategy } from "../../vmm/index.ts";
import { checkedFinding } from "./check-run.ts";
import { decideChanges } from "./decide-changes.ts";
import type { CheckCase } from "./options.ts";

/** Which finding is to show again. */
export interface ReplayTarget {
  /** Null: the first change that shows it, of any pass. */
  readonly step: number | null;
  /** Which time round, from 1. */
  readonly pass: number;
  readonly class: string;
  readonly iovaPfn: number;
  readonly modes: readonly MemoryMode[];
}

/** What deciding a change again gave. */
export interface Replayed {
  /** The finding, or null when it shows no more. */
  readonly finding: CheckedFinding | null;
  /** Classes the change shows instead, or besides. */
  readonly classes: readonly string[];
  readonly changes: number;
}

/** Decides one change of a sequence again and looks for a finding in it; of several the one at the wanted page. */
export function replayChange(
  how: CheckCase,
  strategy: Strategy,
  target: ReplayTarget,
  replay: string,
): Replayed {
  const { step, pass } = target;
  const classes = new Set<string>();
  let changes = 0;
  const steps =
    step === null
      ? { cyclic: true, untilSettled: true }
      : { only: step, pass, cyclic: step === 0 || pass > 1 };
  for (const change of decideChanges(how, strategy, target.modes, steps)) {
    changes++;
    for (const f of change.findings) classes.add(f.class);
    const found = matching(change.findings, target);
    if (found === null) continue;
    const at = { step: change.step, label: change.to.label };
    return { finding: checkedFinding(found, at, replay), classes: [...classes], changes };
  }
  return { finding: null, classes: [...classes], changes };
}

const matching = (findings: readonly Finding[], { class: wanted, iovaPfn }: ReplayTarget): Finding | null => {
  const ofClass = findings.filter((f) => f.class === wanted);
  return (
    ofClass.find((f) => f.ranges.some((r) => r.start <= iovaPfn && iovaPfn < r.end)) ?? ofClass[0] ?? null
  );
};
