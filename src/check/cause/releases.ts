import type { InvalidateStep, Splice, Step } from "../../edit-script/index.ts";
import type { ScriptSteps } from "../script/script-steps.ts";
import { inserted } from "./repair.ts";

/** Generations of all pages together, where each page has its own: invalidations of the whole domain times those of a part that stop walks. */
const MAX_GENERATIONS = 1e9;

type Op = Step["op"];

/** True iff a step changes an entry that walks may load. */
export const isStore = (op: Op): boolean =>
  op === "store" || op === "storeRun" || op === "exchange" || op === "setRoot";
/** True iff a step gives something back. */
export const isRelease = (op: Op): boolean => op === "unpin" || op === "freeTable";

/** True iff what is cached can do harm from a step on. */
export function needsInvalidation(steps: ScriptSteps, at: number): boolean {
  const op = steps.op(at);
  if (op !== "window") return isStore(op) || isRelease(op);
  const step = steps.at(at);
  return step.op === "window" && step.state === "close";
}

/**
 * Full invalidations in front of everything that is given back or closed in a row, and behind all; null where there are so many
 * places, in a script that stops walks in so many, that to decide it would take longer than a cause is worth.
 */
export function beforeReleases(steps: ScriptSteps, added: readonly Step[]): Splice[] | null {
  const splices: Splice[] = [];
  let isRow = false;
  let stops = 0;
  for (let at = 0; at < steps.length; at++) {
    const isNeeding = !isStore(steps.op(at)) && needsInvalidation(steps, at);
    if (isNeeding && !isRow) splices.push(inserted(at, added));
    isRow = isNeeding;
    if (steps.op(at) === "invalidate" && (steps.at(at) as InvalidateStep).scope === "nonLeaf") stops++;
  }
  splices.push(inserted(steps.length, added));
  return splices.length * stops > MAX_GENERATIONS ? null : splices;
}

/** The steps [first, end) that give something back, one after the other, around one of them. */
export function rowAround(steps: ScriptSteps, at: number): { readonly first: number; readonly end: number } {
  let [first, end] = [at, at + 1];
  while (first > 0 && isRelease(steps.op(first - 1))) first--;
  while (end < steps.length && isRelease(steps.op(end))) end++;
  return { first, end };
}
