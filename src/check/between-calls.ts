import type { Decision } from "./decide.ts";
import { TABLE } from "./entry-kind.ts";
import { type Group, parted } from "./groups.ts";
import type { CallSpan, ChangeCalls } from "./input.ts";
import { type EntryHistories, entryHistories } from "./page-paths.ts";
import { NEVER } from "./positions.ts";
import type { RootVersion } from "./roots.ts";
import type { RawViolation, Violations } from "./violations.ts";

/** One call takes a page away, and a later one maps it again: between them the tables themselves do not have it. */
export interface CallGap {
  /** Step that takes the page away, and step that brings it back. */
  readonly goneAt: number;
  readonly backAt: number;
}

/** The call that ran a step. Pre: the change has calls, and the step is one of theirs. */
export const callAt = ({ spans }: ChangeCalls, step: number): CallSpan =>
  spans.findLast((span) => span.step <= step) ?? spans[0]!;

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
  const histories = entryHistories(decision, "strong");
  const standings = new Map<number, Standing>();
  const gapOf = (fault: Fault): CallGap | null => {
    let standing = standings.get(fault.domain);
    if (standing === undefined)
      standings.set(fault.domain, (standing = new Standing(decision, fault.domain, histories)));
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

/** How the tables of a domain stand for one page: a crowd asks it for every page that it has. */
class Standing {
  readonly #decision: Decision;
  readonly #histories: EntryHistories;
  readonly #roots: readonly RootVersion[];
  /** The rights a walk gets that starts and ends at the position looked at, and until when that stays so. */
  rights = 0;
  until = 0;

  constructor(decision: Decision, domain: number, histories: EntryHistories) {
    this.#decision = decision;
    this.#histories = histories;
    this.#roots = decision.rootsOf(domain);
  }

  look(page: number, at: number): void {
    const { log, geometry, decoder, input } = this.#decision;
    const root = this.#roots.find((r) => r.step <= at && at < r.until)!;
    let { table } = root;
    let linkedAt = root.step;
    this.until = root.until;
    this.rights = -1;
    for (let level = root.levels - 1; level >= 0; level--) {
      const index = Math.floor(page / geometry.span(level)) % geometry.entries;
      const history = this.#histories(table, log.logAt(table, linkedAt), level, index);
      let k = 0;
      while (at >= history[k]!.until) k++;
      const { lo, hi, kind, step, until } = history[k]!;
      if (until < this.until) this.until = until;
      const own = decoder.rights(lo, hi);
      this.rights = input.capability.rightsAnded ? this.rights & own : own;
      if (kind !== TABLE) return;
      table = decoder.frame(lo, hi);
      linkedAt = step;
    }
  }
}
