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
  const open = new OpenWindows();
  for (let at = 0, i = 0; at < words.length; at += recordLength(words, at), i++) {
    const op = words[at]! & 0xff;
    if (op !== OP.invalidate && op !== OP.window && op !== OP.setRoot) continue;
    if (op === OP.invalidate && holders.isKnown(words[at + 2]!)) continue;
    const step = decodeStep(words, at);
    const line = stepLines.at(i);
    const against = holders.follow(step, line, number);
    if (against !== null) fail(against, line);
    if (step.op !== "window") continue;
    if (step.state === "open") open.add(step);
    else if (!open.hasPagesOf(step)) fail("window close: no window of this call is open there", line);
  }
}

/** Windows that a call has opened. */
class OpenWindows {
  readonly #all: WindowStep[] = [];
  /** Pages at which they begin, by domain: nearly every window is closed as it was opened. */
  readonly #starts = new Map<number, Set<number>>();

  add(window: WindowStep): void {
    this.#all.push(window);
    const starts = this.#starts.get(window.domain);
    if (starts === undefined) this.#starts.set(window.domain, new Set([window.iovaPfn]));
    else starts.add(window.iovaPfn);
  }

  /** True iff one of them has pages in common with another window. */
  hasPagesOf(window: WindowStep): boolean {
    if (this.#starts.get(window.domain)?.has(window.iovaPfn)) return true;
    return this.#all.findLast((own) => meet(own, window)) !== undefined;
  }
}

/** True iff two windows of one domain have pages in common. */
const meet = (a: WindowStep, b: WindowStep): boolean =>
  a.domain === b.domain && a.iovaPfn < b.iovaPfn + b.pages && b.iovaPfn < a.iovaPfn + a.pages;
