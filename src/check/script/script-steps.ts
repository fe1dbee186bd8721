import { decodeStep, opAt, type Splice, type Step } from "../../edit-script/index.ts";
import type { ScriptLog } from "./script-log.ts";

/** Steps of a script by index, made when they are asked for: of a long one few are. */
export interface ScriptSteps {
  readonly length: number;
  op(i: number): Step["op"];
  at(i: number): Step;
}

export const listedSteps = (steps: readonly Step[]): ScriptSteps => ({
  length: steps.length,
  op: (i) => steps[i]!.op,
  at: (i) => steps[i]!,
});

export const loggedSteps = ({ words, records, steps }: ScriptLog): ScriptSteps => ({
  length: steps,
  op: (i) => opAt(words, records[i]!),
  at: (i) => decodeStep(words, records[i]!),
});

/** Index of the first step that does one thing, -1 where none does. */
export function firstOf(steps: ScriptSteps, op: Step["op"]): number {
  for (let i = 0; i < steps.length; i++) if (steps.op(i) === op) return i;
  return -1;
}

/** Indices of all steps that do one of some things. */
export function allOf(steps: ScriptSteps, takes: (op: Step["op"]) => boolean): number[] {
  const found: number[] = [];
  for (let i = 0; i < steps.length; i++) if (takes(steps.op(i))) found.push(i);
  return found;
}

const ORDERS: ReadonlySet<Step["op"]> = new Set(["barrier", "invalidate", "wait"]);

/** True iff splices take out and put in only steps that write nothing and give nothing back. */
export const onlyOrder = ({ words, records }: ScriptLog, splices: readonly Splice[]): boolean =>
  splices.every(
    ({ place, removed, added }) =>
      added.every(({ op }) => ORDERS.has(op)) &&
      records.subarray(place, place + removed).every((at) => ORDERS.has(opAt(words, at))),
  );
