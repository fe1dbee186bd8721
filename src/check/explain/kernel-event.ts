import { decodeStep, type ExchangeStep, printStep } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import { EntryReader } from "../entries/entry-reader.ts";
import { hexEntry } from "../entries/entry-words.ts";
import { EntryWrites } from "../entries/entry-writes.ts";
import type { InterleavingEvent } from "../finding.ts";
import { callAt, callText } from "../rules/between-calls.ts";

/** A step of the script as an event, with the call that ran it where there are several. */
export function kernelEvent(decision: Decision, step: number): InterleavingEvent {
  const { log, input } = decision;
  const { calls } = input;
  const decoded = decodeStep(log.words, log.records[step - 1]!);
  const lost = decoded.op === "exchange" ? lostTo(decision, decoded, step) : null;
  const outcome = lost === null ? "" : `: meets ${lost} and stores nothing`;
  const text = printStep(decoded).replace(/ u=\d+$/, "") + outcome;
  return { who: "kernel", step, text, ...(calls && { call: callText(calls, callAt(calls, step)) }) };
}

/** What a compare-exchange meets where that is not what it expects; null where it stores. */
function lostTo(
  { log, input, geometry, decoder }: Decision,
  { table, index }: ExchangeStep,
  step: number,
): string | null {
  const own = log.logAt(table, step)!;
  const before = new EntryReader(input.tables);
  before.read(table, own, index);
  const entry = { lo: before.lo, hi: before.hi };
  const writes = new EntryWrites(log.words, own, geometry.entries);
  let place = writes.begin(index);
  while (writes.step(place) < step) writes.apply(place++, index, entry, decoder);
  return writes.isLost(place, entry, decoder) ? hexEntry(entry.lo, entry.hi) : null;
}
