import type { Decision } from "../decide.ts";
import type { CallSpan, ChangeCalls } from "../input.ts";
import { NEVER } from "../script/positions.ts";
import { type Group, parted } from "./groups.ts";
import { Standing } from "./standing.ts";
import type { RawViolation, Violations } from "./violations.ts";

/** One call takes a page away, and a later one maps it again: between them the tables themselves do not have it. */
export interface CallGap {
  /** Step that takes the page away, and step that brings it back. */
  readonly goneAt: number;
  readonly backAt: number;
}

/** Position of the first call that begins behind a step; their number where none does. */
function nextCall({ spans }: ChangeCalls, step: number): number {
  let low = 0;
  for (let high = spans.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (spans[middle]!.step > step) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The call that ran a step. Pre: the change has calls, and the step is one of theirs. */
export const callAt = (calls: ChangeCalls, step: number): CallSpan =>
  calls.spans[Math.max(0, nextCall(calls, step) - 1)]!;

/** Position at which the call that ran a step has returned; `steps` is where the last one has. */
export function returnOf(calls: ChangeCalls, step: number, steps: number): number {
  const next = calls.spans[nextCall(calls, step)];
  return next === undefined ? steps : next.step - 1;
}

/** "call 3 of 12: UNMAP_DMA …" */
export const callText = (calls: ChangeCalls, { number, name }: CallSpan): string =>
  `call ${number} of ${calls.count}: ${name}`;

/** The gap as the cause of a finding. */
export function gapText(calls: ChangeCalls, { goneAt, backAt }: CallGap): string {
  const [first, second] = [callAt(calls, goneAt), callAt(calls, backAt)];
  return (
    `the change is made of ${calls.count} calls; call ${first.number} (${first.name}) takes the page away, ` +
    `call ${second.number} (${second.name}) maps it again`
  );
}

/**
 * Names `plan` as the cause of every fault that lies between two calls of a change. No trial is needed: where one call has
 * returned and left the page out, no order of steps within a call can help, only one call for the whole change.
 */
export function nameGaps(decision: Decision, groups: readonly Group[]): Group[] {
  const { calls } = decision.input;
  if (!calls || calls.spans.length < 2) return [...groups];
  const standings = new Map<number, Standing>();
  const gapOf = (fault: Fault): CallGap | null => {
    let standing = standings.get(fault.domain);
    if (standing === undefined)
      standings.set(fault.domain, (standing = new Standing(decision, fault.domain)));
    return gapAt(fault, calls, standing);
  };
  return groups.flatMap((group) => {
    if (group.class !== "V01" && group.class !== "V01b") return [group];
    if (group.crowd === null) return [withGap(group, gapOf(group.example))];
    const { violations } = group.crowd;
    const [between, others] = parted(group.crowd, (row) => gapOf(faultAt(violations, row)) !== null);
    return [between && lyingBetween(between, gapOf), others].filter((each) => each !== null);
  });
}

/** A crowd that lies between calls; of several faults on its first page the one that the gap itself makes stands for all. */
function lyingBetween(between: Group, gapOf: (fault: Fault) => CallGap | null): Group {
  const { violations, rows } = between.crowd!;
  const { start } = between.example;
  const onFirst = Array.from(
    rows.filter((row) => violations.start(row) === start),
    (row) => violations.at(row),
  );
  const example = onFirst.find((fault) => fault.step === gapOf(fault)?.goneAt) ?? between.example;
  return withGap({ ...between, example }, gapOf(example));
}

/** A fault of one kind of access to a page. */
type Fault = Pick<RawViolation, "domain" | "start" | "access" | "from">;

const faultAt = (violations: Violations, row: number): Fault => ({
  domain: violations.domain(row),
  start: violations.start(row),
  access: violations.access(row),
  from: violations.from(row),
});

function withGap(group: Group, gap: CallGap | null): Group {
  group.gap = gap;
  if (gap !== null) [group.cause, group.causeStep] = ["plan", gap.goneAt];
  return group;
}

/** The stretch around a fault in which the page is not served, if it reaches from one call into another. */
function gapAt({ start, access, from: at }: Fault, calls: ChangeCalls, standing: Standing): CallGap | null {
  let goneAt = 0;
  let wasServed = false;
  for (let from = 0; from !== NEVER; from = standing.until) {
    standing.look(start, from);
    const isServed = (standing.rights & access) !== 0;
    if (isServed && !wasServed && goneAt > 0 && goneAt <= at && at < from)
      return callAt(calls, goneAt).number < callAt(calls, from).number ? { goneAt, backAt: from } : null;
    if (!isServed && wasServed) goneAt = from;
    wasServed = isServed;
  }
  return null;
}
