import { decodeStep, printStep } from "../edit-script/index.ts";
import { callAt, callText } from "./between-calls.ts";
import type { Decision } from "./decide.ts";
import type { InterleavingEvent } from "./finding.ts";

/** A step of the script as an event, with the call that ran it where there are several. */
export function kernelEvent({ log, input: { calls } }: Decision, step: number): InterleavingEvent {
  const text = printStep(decodeStep(log.words, log.records[step - 1]!)).replace(/ u=\d+$/, "");
  return { who: "kernel", step, text, ...(calls && { call: callText(calls, callAt(calls, step)) }) };
}
