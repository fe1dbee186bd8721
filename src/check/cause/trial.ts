import type { Step } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
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

/** True iff some access shows it to somebody. */
export const isVisible = (kind: ViolationClass): boolean => FIRST.includes(kind);

/** Place of a class in that order. */
export const rank = (kind: ViolationClass): number =>
  FIRST.includes(kind) ? FIRST.indexOf(kind) : FIRST.length;

/**
 * True iff what a trial leaves on a group's pages says that it heals nothing. What trades a violation for a graver one does not:
 * edits made before a wrong split is linked hide the wrong child, and change size and content in one store. What the page showed `before`
 * the repair as well is another matter, with a cause of its own, unless frames or tables that are given back show first whatever is wrong.
 */
export const isNoBetter = (
  left: ViolationClass,
  { class: kind, shows }: Group,
  before: ReadonlySet<ViolationClass> | null = null,
): boolean =>
  left === kind || (rank(left) <= rank(shows) && !(rank(shows) >= rank("V09") && before?.has(left) === true));

/**
 * True iff trials for a class go by the order that was asked for, which is mostly the weak one. What is wrong in strong order too is healed
 * where strong order shows it no more; what was never pushed out shows in weak order only.
 */
export const needsOrder = (kind: ViolationClass): boolean => kind === "V15" || kind === "V05";

/** How trials for a class are decided. */
export const trialOptions = (kind: ViolationClass, how: DecideOptions): DecideOptions =>
  needsOrder(kind) ? how : { ...how, mode: "strong" };

/** Which invalidations a cause may be about. */
export type Aim = Pick<RepairContext, "isMeant" | "isNear" | "isEarly">;

const ANYWHERE: Aim = { isMeant: () => true, isNear: () => true, isEarly: () => false };

/** What repairs of a script's steps, or of some of them, may use. */
export function contextOf(
  decision: Decision,
  id: number,
  steps: ScriptSteps,
  tables: readonly number[],
  about: RepairContext["about"] = null,
  aim: Aim = ANYWHERE,
): RepairContext {
  const { input, geometry } = decision;
  const domain = input.domains.find((d) => d.id === id)!;
  const roots = decision.rootsOf(id);
  const others = input.domains.filter((d) => d.id !== id).map((d) => decision.rootsOf(d.id));
  return {
    steps,
    about,
    ...aim,
    isIdle: (start, end) => !decision.concerns(id, start, end),
    isOthers: (tag) => others.some((own) => own.some((root) => root.tag === tag)),
    tags: roots.map((root) => root.tag),
    iommu: domain.iommu ?? 0,
    pages: geometry.tableSpan(Math.max(...roots.map(({ levels }) => levels)) - 1),
    isCoherent: input.capability.coherentWalk,
    tables,
    entries: geometry.entries,
    walkerBits: input.capability.walkerBits,
    entry: input.tables.entry,
  };
}

/**
 * Says of the invalidations among some steps, given by their numbers, whether they touch the leaf that a group is about, and whether they
 * may have been meant for it: they come behind the store, and touch its leaf, or belong to the same stores. Where others have been stored
 * behind a barrier since, they were posted for those.
 */
export function aimAt(
  { log, geometry }: Decision,
  { example: { start, level, step, until } }: Group,
  steps: readonly Step[],
  numbers: readonly number[],
): Aim {
  const store = until === NEVER ? step : until;
  const span = geometry.span(level);
  const first = start - (start % span);
  const all = loggedSteps(log);
  // From here on other stores are under way.
  let next = firstAtOrAfter(log.barriers, store + 1);
  while (next <= log.steps && !isLive(all.op(next - 1))) next++;
  const isNear = (index: number): boolean => {
    const own = steps[index]!;
    return own.op === "invalidate" && own.iovaPfn < first + span && first < own.iovaPfn + own.pages;
  };
  const isMeant = (index: number): boolean => {
    const number = numbers[index]!;
    return steps[index]!.op === "invalidate" && number >= store && (number < next || isNear(index));
  };
  // What nobody has stored before the store can be flushed for it only.
  const isEarly = (index: number): boolean => step === 0 && numbers[index]! < store && isNear(index);
  return { isMeant, isNear, isEarly };
}

const isLive = (op: Step["op"]): boolean => op === "store" || op === "storeRun" || op === "exchange";
