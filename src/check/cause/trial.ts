import type { Step } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import { highWord, lowWord } from "../entries/entry-words.ts";
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
export type Aim = Pick<
  RepairContext,
  "isMeant" | "isNear" | "isWhole" | "isAmple" | "distance" | "isBeside" | "isEarly" | "isHarmful"
>;

const ANYWHERE: Aim = {
  isMeant: () => true,
  isNear: () => true,
  isWhole: () => true,
  isAmple: () => true,
  distance: () => 0,
  isBeside: () => true,
  isEarly: () => false,
  isHarmful: () => false,
};

/** What repairs of a script's steps, or of some of them, may use. */
export function contextOf(
  decision: Decision,
  id: number,
  steps: ScriptSteps,
  tables: readonly number[],
  about: RepairContext["about"] = null,
  aim: Aim = ANYWHERE,
): RepairContext {
  const { input, geometry, decoder } = decision;
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
    frame: (entry) => decoder.frame(lowWord(entry), highWord(entry)),
  };
}

/**
 * Says of the steps, given with their numbers, what they have to do with the leaf that a group is about. Invalidations may have been meant
 * for it if they come behind the store, and touch its leaf, or belong to the same stores: where others have been stored behind a barrier
 * since, they were posted for those. Where two leaves do not agree either of them may have been what was to be dropped.
 */
export function aimAt(
  { log, geometry, maps }: Decision,
  { example, shows, ranges }: Group,
  steps: readonly Step[],
  numbers: readonly number[],
): Aim {
  const { start, level, step, until } = example;
  const store = until === NEVER ? step : until;
  // Where two sizes do not agree the larger leaf is to be dropped.
  const span = geometry.span(shows === "V09" ? level + 1 : level);
  const first = start - (start % span);
  const run = ranges.find((own) => own.start <= start && start < own.end) ?? example;
  const all = loggedSteps(log);
  // From here on other stores are under way.
  let next = firstAtOrAfter(log.barriers, store + 1);
  while (next <= log.steps && !isLive(all.op(next - 1))) next++;
  const reaches = (index: number, from: number, to: number): boolean => {
    const own = steps[index]!;
    return own.op === "invalidate" && own.iovaPfn < to && from < own.iovaPfn + own.pages;
  };
  const covers = (index: number, from: number, to: number): boolean => {
    const own = steps[index]!;
    return own.op === "invalidate" && own.iovaPfn <= from && to <= own.iovaPfn + own.pages;
  };
  /** Pages between the run and an invalidation of others. */
  const gapTo = (index: number): [number, number] => {
    const own = steps[index]!;
    if (own.op !== "invalidate") return [0, 0];
    return own.iovaPfn < run.end ? [own.iovaPfn + own.pages, run.start] : [run.end, own.iovaPfn];
  };
  const isNear = (index: number): boolean => reaches(index, first, first + span);
  const isMeant = (index: number): boolean => {
    const number = numbers[index]!;
    if (steps[index]!.op !== "invalidate") return false;
    return number >= store ? number < next || isNear(index) : shows === "V09" && isNear(index);
  };
  return {
    isMeant,
    isNear,
    isWhole: (index) => covers(index, first, first + span),
    isAmple: (index) => covers(index, run.start, run.end),
    distance: (index) => {
      const [from, to] = gapTo(index);
      return Math.max(0, to - from);
    },
    isBeside: (index) => maps.isChangedThroughout(...gapTo(index)),
    // What nobody has stored before the store can be flushed for it only.
    isEarly: (index) => step === 0 && numbers[index]! < store && isNear(index),
    isHarmful: (index) => (shows === "V06" || shows === "V07") && numbers[index] === example.from,
  };
}

const isLive = (op: Step["op"]): boolean => op === "store" || op === "storeRun" || op === "exchange";
