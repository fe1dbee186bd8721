import { decodeStep, OP, recordLength } from "./records.ts";
import type { WindowStep } from "./steps.ts";
import type { TagHolders } from "./tag-holders.ts";
import type { CallText } from "./text-call.ts";
import type { FailAt } from "./text-map.ts";

/**
 * Follows the domains that the steps of a call name: fails at one that nothing is known of, at a root switch that cannot be, and
 * at a window that is closed and was not open. Other steps are passed over as they are. Pre: calls are taken in order.
 */
export function followDomains(call: CallText, number: number, holders: TagHolders, fail: FailAt): void {
  const { stepLines, steps } = call;
  const { words } = steps;
  const open: WindowStep[] = [];
  for (let at = 0, i = 0; at < words.length; at += recordLength(words, at), i++) {
    const op = words[at]! & 0xff;
    if (op !== OP.invalidate && op !== OP.window && op !== OP.setRoot) continue;
    if (op === OP.invalidate && holders.isKnown(words[at + 2]!)) continue;
    const step = decodeStep(words, at);
    const line = stepLines.at(i);
    const against = holders.follow(step, line, number);
    if (against !== null) fail(against, line);
    if (step.op !== "window") continue;
    if (step.state === "open") open.push(step);
    else if (!open.some((window) => meet(window, step)))
      fail("window close: no window of this call is open there", line);
  }
}

/** True iff two windows of one domain have pages in common. */
const meet = (a: WindowStep, b: WindowStep): boolean =>
  a.domain === b.domain && a.iovaPfn < b.iovaPfn + b.pages && b.iovaPfn < a.iovaPfn + a.pages;
