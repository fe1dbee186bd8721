import { EditScript, type MapRun } from "../../edit-script/index.ts";
import type { Finding } from "../finding.ts";
import { RULES } from "../rules/violation-class.ts";
import { type Aftermath, aftermath, joinedRuns, type MachineState, pinSums } from "./aftermath.ts";

/** A rule about whole calls that is broken: V14, a failed call was no no-op; V17, calls that fit no order. */
export interface CallFinding {
  readonly class: "V14" | "V17";
  /** What is not as it has to be. */
  readonly met: string;
}

/** The finding in the form of all others: it concerns the call, not a page. */
export const callFinding = ({ class: kind, met }: CallFinding, domain: number): Finding => ({
  class: kind,
  shows: kind,
  cause: null,
  causeStep: 0,
  causeText: null,
  domain,
  ranges: [],
  frames: [],
  pages: 0,
  met,
  rule: RULES[kind],
  page: null,
  access: "any",
  mode: "strong",
  events: [],
});

/**
 * Judges a call that returned an error although it ran `script`: everything must be as before.
 * `pins` of the state are those before the call; `pinned` what it took and did not note down as its own.
 */
export function judgeFailedCall(
  before: MachineState,
  pinned: MachineState["pins"],
  script: EditScript,
): CallFinding | null {
  const left = aftermath({ ...before, pins: [...before.pins, ...pinned] }, script);
  const was = [...aftermath(before, NO_SCRIPT).maps.values()];
  const met = drift(left, was, pinSums(before.pins));
  return met === null ? null : { class: "V14", met: `the call failed, and ${met}` };
}

/**
 * Judges calls that ran at the same time, given their steps in the order in which they happened. What is left must be what
 * some order of the calls leaves: for calls that set the whole map, the map of the last.
 */
export function judgeConcurrentCalls(
  before: MachineState,
  pinned: MachineState["pins"],
  script: EditScript,
  targets: readonly (readonly MapRun[])[],
): CallFinding | null {
  const left = aftermath({ ...before, pins: [...before.pins, ...pinned] }, script);
  const drifts = targets.map((target) => {
    const pins = pinSums(target.map(({ pfn, pages }) => ({ pfn, pages, count: 1 })));
    return drift(
      left,
      [...left.maps.keys()].map(() => joinedRuns(target)),
      pins,
    );
  });
  if (drifts.some((met) => met === null)) return null;
  const met = drifts.map((text, i) => `with call ${i + 1} as the last one, ${text}`).join("; ");
  return { class: "V17", met };
}

const NO_SCRIPT = new EditScript();

/** What differs from the expected state, in words; null where nothing does. */
function drift(
  left: Aftermath,
  maps: readonly (readonly MapRun[])[],
  pins: readonly unknown[],
): string | null {
  if (left.misused.length > 0)
    return `table ${hexTable(left.misused)} is freed twice or written after it was freed`;
  if (left.lost.length > 0) return `table ${hexTable(left.lost)} can be neither reached nor had back`;
  const isSame = [...left.maps.values()].every((map, i) => JSON.stringify(map) === JSON.stringify(maps[i]));
  if (!isSame) return "pages translate otherwise than they must";
  if (JSON.stringify(left.pins) !== JSON.stringify(pins)) return "frames hold other pins than they must";
  return null;
}

const hexTable = (tables: readonly number[]): string => `0x${(tables[0]! * 4096).toString(16)}`;
