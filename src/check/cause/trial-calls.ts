import type { Step } from "../../edit-script/index.ts";
import type { CallSpan, ChangeCalls } from "../input.ts";
import { callAt } from "../rules/between-calls.ts";

/**
 * Which steps of a repaired script belong to which call: a step that was there before to its own, one that is new or moved
 * to the call of the step in front of it. `numbers` are those that `steps` had in the whole script.
 */
export function callsOfTrial(
  calls: ChangeCalls,
  steps: readonly Step[],
  numbers: readonly number[],
  repaired: readonly Step[],
): ChangeCalls {
  const own = new Map(steps.map((step, i) => [step, callAt(calls, numbers[i]!)]));
  const spans: CallSpan[] = [];
  for (const [i, step] of repaired.entries()) {
    const call = own.get(step);
    if (call === undefined || call.number <= (spans.at(-1)?.number ?? 0)) continue;
    spans.push({ ...call, step: spans.length === 0 ? 1 : i + 1 });
  }
  return { count: calls.count, spans };
}
