import type { Step } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import type { Group } from "../rules/groups.ts";
import type { ViolationClass } from "../rules/violation-class.ts";
import { firstAtOrAfter, NEVER } from "../script/positions.ts";
import { loggedSteps, type ScriptSteps } from "../script/script-steps.ts";
import type { RepairContext } from "./repair.ts";

/** Visible before latent, the consequence that matters most first: it picks the name, the others follow where they can. */
const FIRST: readonly string[] = [
  "V08",
  "V13",
  "V16",
  "V07",
  "V06",
  "V09",
  "V03",
  "V02",
  "V01",
  "V01b",
  "V04",
  "V05",
];

/** Place of a class in that order. */
export const rank = (kind: ViolationClass): number =>
  FIRST.includes(kind) ? FIRST.indexOf(kind) : FIRST.length;

/**
 * True iff what a trial leaves on a group's pages says that it heals nothing. What trades a violation for a graver one does not:
 * edits made before a wrong split is linked hide the wrong child, and change size and content in one store.
 */
export const isNoBetter = (left: ViolationClass, { class: kind, shows }: Group): boolean =>
  left === kind || rank(left) <= rank(shows);

/** What repairs of a script's steps, or of some of them, may use. */
export function contextOf(
  decision: Decision,
  id: number,
  steps: ScriptSteps,
  tables: readonly number[],
  about: RepairContext["about"] = null,
  isMeant: RepairContext["isMeant"] = () => true,
): RepairContext {
  const { input, geometry } = decision;
  const domain = input.domains.find((d) => d.id === id)!;
  return {
    steps,
    about,
    isMeant,
    tags: decision.rootsOf(id).map((root) => root.tag),
    iommu: domain.iommu ?? 0,
    pages: geometry.tableSpan(domain.levels - 1),
    isCoherent: input.capability.coherentWalk,
    tables,
    entries: geometry.entries,
    walkerBits: input.capability.walkerBits,
    entry: input.tables.entry,
  };
}

/**
 * Says of the invalidations among some steps, given by their numbers, whether they may have been meant for what a group is about: they
 * come behind the store, and touch its leaf, or belong to the same stores. Where others have been stored behind a barrier since, they
 * were posted for those.
 */
export function meantFor(
  { log, geometry }: Decision,
  { example: { start, level, step, until } }: Group,
  steps: readonly Step[],
  numbers: readonly number[],
): RepairContext["isMeant"] {
  const store = until === NEVER ? step : until;
  const span = geometry.span(level);
  const first = start - (start % span);
  const all = loggedSteps(log);
  // From here on other stores are under way.
  let next = firstAtOrAfter(log.barriers, store + 1);
  while (next <= log.steps && !isLive(all.op(next - 1))) next++;
  return (index) => {
    const own = steps[index]!;
    const number = numbers[index]!;
    if (own.op !== "invalidate" || number < store) return false;
    return number < next || (own.iovaPfn < first + span && first < own.iovaPfn + own.pages);
  };
}

const isLive = (op: Step["op"]): boolean => op === "store" || op === "storeRun" || op === "exchange";
