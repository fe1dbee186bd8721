import { nameCauses } from "./cause/counterfactual.ts";
import { Decision } from "./decide.ts";
import type { DecideOptions } from "./decide-options.ts";
import { lostInStrong } from "./dirty/lost-bits.ts";
import { explain } from "./explain/explain.ts";
import type { CheckResult, Finding } from "./finding.ts";
import type { CheckInput, CheckOptions, ReaderInput } from "./input.ts";
import { type PageRange, pagesIn } from "./maps/interest.ts";
import { gapText, nameGaps } from "./rules/between-calls.ts";
import { unneededStores } from "./rules/disturbance.ts";
import { dominant } from "./rules/dominance.ts";
import { withoutEarlyLinks } from "./rules/early-links.ts";
import { type Group, grouped, mergedByCause, onFirstPage } from "./rules/groups.ts";
import { type LedgerEntry, ledger, mergedDrifts } from "./rules/ledger.ts";
import { CAUSES, RULES, type ViolationClass } from "./rules/violation-class.ts";
import type { RawViolation, Violations } from "./rules/violations.ts";
import { lostTooEarly, publishedTooEarly } from "./rules/weak-only.ts";

/**
 * Decides an edit script: every interleaving of it with any device access, walk, cache and invalidation.
 *
 * Exact for single accesses; see docs/edit-script.md for what is not decided. Errors: CheckInputError.
 */
export function check(input: CheckInput | ReaderInput, options: CheckOptions = {}): CheckResult {
  const decision = new Decision(input);
  const mode = options.mode ?? "weak";
  const how: DecideOptions = {
    mode,
    collapse: options.collapse ?? true,
    skipUntouched: options.skipUntouched ?? true,
    journalRules: true,
    acceptPlain: options.acceptPlain ?? true,
    skipHidden: options.skipHidden ?? true,
    skipTwins: options.skipTwins ?? true,
    only: null,
  };
  // What is counted for the audit of pins need not be counted again for who loses the last one.
  decision.auditPins();
  const found = decision.violations(how);
  const { histories, pages } = decision.effort;
  const groups = found.length > 0 ? named(decision, found, how, options.causes ?? true) : [];
  const entries = ledger(decision);
  const torn = entries
    .filter(({ drift }) => drift === null)
    .map((entry) => audited(entry, [entry.violation]));
  const others = dominant([...mergedByCause(groups), ...torn]);
  const drifts = entries.filter((entry) => entry.drift !== null && !isConsequence(decision, entry, others));
  const findings = [
    ...others.map((group) => finding(decision, onFirstPage(group), how, [])),
    ...mergedDrifts(decision.log, drifts).map(({ entry, ranges, frames }) =>
      finding(decision, audited(entry, ranges), how, frames),
    ),
  ].sort(byPlace);
  const { log } = decision;
  return {
    verdict: findings.length === 0 ? "clean" : "violation",
    mode,
    classes: histories,
    pages,
    schedules: pages * interleavings(log.events, input.capability.levels),
    findings,
    mismatch: mismatchIn(found),
    stats: {
      steps: log.steps,
      events: log.events,
      stores: log.stores,
      unneededStores: unneededStores(decision),
      windowPages: log.windows.reduce((sum, w) => sum + w.end - w.start, 0),
    },
  };
}

/** What the script alone shows, as a group with its cause. */
function audited({ violation, cause }: LedgerEntry, ranges: readonly PageRange[]): Group {
  const { class: kind, domain, step } = violation;
  return {
    class: kind,
    shows: kind,
    domain,
    isWeakOnly: false,
    ranges,
    example: violation as RawViolation,
    crowd: null,
    members: [],
    cause,
    causeStep: step,
    isEverywhere: false,
    gap: null,
  };
}

/**
 * Pins that an unpin takes which is told already. Tables that a broken plan never linked, or never let go of, are its consequence: where entries of the same domain are written wrongly.
 * Nothing else that is wrong loses tables.
 */
function isConsequence(
  { log }: Decision,
  { violation, cause, drift }: LedgerEntry,
  others: readonly Group[],
): boolean {
  // Who met the frame that is given back once too often was told of it.
  if (cause === "double" && drift?.frames)
    return others.some(
      (own) =>
        own.class === "V06" && own.cause === "double" && log.unpins.has(own.causeStep, drift.frames!.start),
    );
  if (drift?.names !== "tables" || cause !== "leak") return false;
  const { domain, table, start, end } = violation;
  const wasFreed = (log.logAt(table, log.steps)?.life ?? 0) > 0;
  return others.some((other) => {
    // Somebody else's page, where a freed table is still walked.
    if (start === end && wasFreed && other.class === "V07") return true;
    // What an entry says for a while changes nothing of where the tables lead in the end.
    if (other.class === "V08") return false;
    if (other.cause !== "plan" && other.cause !== "split-store" && other.cause !== null) return false;
    if (start === end) return true;
    return other.domain === domain && other.ranges.some((range) => range.start < end && start < range.end);
  });
}

/** Groups violations and names their causes. */
function named(decision: Decision, found: Violations, how: DecideOptions, causes: boolean): readonly Group[] {
  const isSame = how.mode === "strong" || !decision.dependsOnOrder(found);
  const violations = isSame ? found : toldByOrder(decision, found, how);
  const groups = nameGaps(decision, grouped(violations));
  if (!causes) return withoutEarlyLinks(groups);
  const between = groups.filter((group) => group.gap !== null);
  const others = groups.filter((group) => group.gap === null);
  return withoutEarlyLinks([...between, ...nameCauses(decision, others, how)]);
}

/** What memory order makes of what was found; what is hidden in one order need not be in the other. */
function toldByOrder(decision: Decision, found: Violations, how: DecideOptions): Violations {
  const weak = decision.hasSkipped ? decision.violations({ ...how, skipHidden: false }) : found;
  if (!decision.walksDependOnOrder) return lostTooEarly(weak, lostInStrong(decision, weak, how));
  return publishedTooEarly(weak, decision.violations({ ...how, mode: "strong", skipHidden: false }));
}

function finding(
  decision: Decision,
  group: Group,
  how: DecideOptions,
  frames: readonly PageRange[],
): Finding {
  const { example } = group;
  const mode = isWeakOnly(decision, group, how) ? "weak" : "strong";
  const hasPages = group.ranges.length > 0;
  return {
    class: group.class,
    shows: group.shows,
    cause: group.cause,
    causeStep: group.causeStep,
    causeText: causeText(decision, group),
    domain: group.domain,
    ranges: group.ranges,
    pages: pagesIn(group.ranges),
    frames,
    met: example.met,
    rule: RULES[group.class],
    page: hasPages ? group.ranges[0]!.start : null,
    access: example.access === 1 ? "read" : example.access === 2 ? "write" : "any",
    mode,
    events: explain(decision, group, how, mode),
  };
}

/** True iff the pages of a group show nothing of the kind where stores become visible at once. */
function isWeakOnly(
  decision: Decision,
  { class: kind, domain, example, isWeakOnly: isKnown }: Group,
  how: DecideOptions,
): boolean {
  if (kind === "V15" || isKnown) return true;
  // A page that is still missing after the return is called V05 in either order.
  if (kind !== "V05" || how.mode === "strong" || !decision.walksDependOnOrder) return false;
  const only = { domain, start: example.start, end: example.start + 1 };
  const strong = decision.violations({ ...how, mode: "strong", skipHidden: false, only });
  return ![...strong].some((v) => v.class === kind);
}

function causeText(decision: Decision, group: Group): string | null {
  const { input } = decision;
  const { cause, gap, shows, isEverywhere, domain } = group;
  if (shows === "V11" && cause === "plan") {
    const tags = new Set(decision.rootsOf(domain).map((root) => root.tag));
    return tags.size > 1 && decision.hasAtc ? OWN_CACHES : ENTRY_BY_ENTRY;
  }
  if (gap !== null && input.calls) return gapText(input.calls, gap);
  if (cause === null) return null;
  return isEverywhere ? `${CAUSES[cause]}, here and in other places` : CAUSES[cause];
}

const OWN_CACHES =
  "what devices cache themselves (ATC) carries no tag: with them no root switch shows all of the new map at once";
const ENTRY_BY_ENTRY =
  "the new map shows entry by entry; only one store can show all of it at once: of a new root, under a new tag";

const UNLIKE_THE_MAP: ReadonlySet<ViolationClass> = new Set(["V01", "V01b", "V02", "V03"]);

/** A page whose tables, as they are before the first step, answer what neither map says. */
function mismatchIn(found: Violations): string | null {
  for (let i = 0; i < found.length; i++) {
    if (found.from(i) !== 0 || found.step(i) !== 0 || !UNLIKE_THE_MAP.has(found.class(i))) continue;
    const { start, domain, met } = found.at(i);
    const iova = `0x${(BigInt(start) * 4096n).toString(16)}`;
    return `before the first step IOVA ${iova} of domain ${domain} meets ${met}, which the old map does not say`;
  }
  return null;
}

const byPlace = (a: Finding, b: Finding): number =>
  a.domain - b.domain || (a.page ?? Infinity) - (b.page ?? Infinity) || a.class.localeCompare(b.class);

/** Ways to put the loads of one walk between the events of a script: C(events + loads, loads). */
function interleavings(events: number, loads: number): number {
  let ways = 1;
  for (let i = 1; i <= loads; i++) ways = (ways * (events + i)) / i;
  return ways;
}
