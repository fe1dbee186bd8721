import type { Step } from "../../src/edit-script/index.ts";

type Op = Step["op"];
const LIVE: readonly Op[] = ["store", "storeRun", "exchange"];
const FILLS: readonly Op[] = ["fill", "gather"];
const RELEASES: readonly Op[] = ["freeTable", "unpin"];

const isLive = ({ op }: Step): boolean => LIVE.includes(op);
const isFill = ({ op }: Step): boolean => FILLS.includes(op);
const isZeros = (step: Step): boolean => step.op === "fill" && step.first === 0n && step.stride === 0n;
const isDraining = (step: Step): boolean => step.op === "wait" && step.drain;

interface Span {
  readonly table: number;
  readonly first: number;
  readonly end: number;
}
function spanOf(step: Step): Span | null {
  if (step.op === "store" || step.op === "exchange")
    return { table: step.table, first: step.index, end: step.index + 1 };
  if (step.op === "gather")
    return { table: step.table, first: step.index, end: step.index + step.entries.length };
  if (step.op !== "fill" && step.op !== "storeRun" && step.op !== "clean") return null;
  return { table: step.table, first: step.index, end: step.index + step.count };
}
function meets(a: Step, b: Step): boolean {
  const [one, other] = [spanOf(a), spanOf(b)];
  if (one === null || other === null || one.table !== other.table) return false;
  return one.first < other.end && other.first < one.end;
}
/** Tables that a step may link: every entry it stores leads somewhere. */
function targetsOf(step: Step): readonly number[] {
  const tableOf = (entry: bigint): number => Number((entry >> 12n) & 0xff_ffff_ffffn);
  if (step.op === "store" || step.op === "exchange") return [tableOf(step.entry)];
  if (step.op === "gather") return step.entries.map(tableOf);
  if (step.op !== "storeRun" && step.op !== "fill") return [];
  return Array.from({ length: step.count }, (_, i) => tableOf(step.first + BigInt(i) * step.stride));
}

/** What makes stores visible: a barrier, and a clean where walkers do not snoop. */
const orders = ({ op }: Step): boolean => op === "barrier" || op === "clean";

/** Why a step of the planner's may be left out; null where it may not. */
export function deletionReason(steps: readonly Step[], at: number): string | null {
  const step = steps[at]!;
  if (isZeros(step)) return "a page that has just been allocated holds zeros";
  const filled = steps.filter((own) => isFill(own) && meets(own, step));
  if (step.op === "clean" && filled.length > 0 && filled.every(isZeros))
    return "what is cleaned are zeros over zeros";
  const lives = steps.filter(isLive);
  const isReplaced = lives.some((own, i) => lives.slice(i + 1).some((later) => meets(own, later)));
  if (isFill(step) && isReplaced)
    return "pages that only the new map has are translated by the leaf that takes the place of their table";
  const isBesideClean = steps[at - 1]?.op === "clean" || steps[at + 1]?.op === "clean";
  if (step.op === "barrier" && isBesideClean)
    return "a clean is itself the point from which such a walker sees the entry";
  return null;
}

/** Why a step and the next may be swapped; null where they may not. */
export function swapReason(steps: readonly Step[], at: number): string | null {
  const [a, b] = [steps[at]!, steps[at + 1]!];
  const rest = steps.slice(at + 2);
  const isPair = (test: (step: Step) => boolean): boolean => test(a) && test(b);
  if (isPair(isFill)) return "tables nobody can reach yet";
  if (isPair(({ op }) => op === "clean")) return "what both clean is needed only when both are done";
  if (isPair(({ op }) => RELEASES.includes(op))) return "both are released after the wait";
  if (isPair(({ op }) => op === "invalidate")) return "one wait completes both";
  if (isPair(isLive) && !meets(a, b)) return "stores to different entries, each right in either order";
  // The clean is the point, wherever barriers stand beside it.
  const isWithClean = a.op === "clean" || b.op === "clean" || steps[at - 1]?.op === "clean";
  if (isWithClean && !meets(a, b) && [a, b].some(orders))
    return "a clean is itself the point from which such a walker sees the entry";
  const cleaned = a.op === "clean" ? a : b;
  if (cleaned.op === "clean" && rest.some((own) => own.op === "clean" && meets(own, a) && meets(own, b)))
    return "another clean of the same entries follows";
  if (cleaned.op === "clean" && [a, b].some((own) => isZeros(own) && meets(own, cleaned)))
    return "what is cleaned are zeros over zeros";
  if (isFill(a) && b.op === "barrier") {
    if (isZeros(a)) return "a page that has just been allocated holds zeros";
    const link = rest.findIndex((own) => targetsOf(own).includes(spanOf(a)!.table));
    if (rest.slice(0, link).some(orders)) return "another barrier stands in front of the link";
  }
  if (isLive(a) && b.op === "barrier" && rest.some(orders))
    return "another barrier follows, and what is added where nothing was needs no invalidation";
  if (a.op === "barrier" && isLive(b)) {
    const fills = steps.slice(0, at).map((own, i) => ({ own, i }));
    const linked = fills.filter(({ own }) => isFill(own) && targetsOf(b).includes(spanOf(own)!.table));
    if (linked.every(({ i }) => steps.slice(i + 1, at).some(orders)))
      return "what the store links was made visible by an earlier barrier";
  }
  if (isDraining(a) && isLive(b) && rest.some(isDraining))
    return "another wait stands in front of what needs the first";
  if (a.op === "invalidate" && isDraining(b) && rest.some(isDraining))
    return "another wait stands in front of what needs the invalidation";
  if (isDraining(a) && RELEASES.includes(b.op) && steps.slice(0, at).some(isDraining))
    return "an earlier wait has covered what is released";
  return null;
}
