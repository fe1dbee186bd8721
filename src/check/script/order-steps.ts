import { FLAG_DRAIN, FLAG_ONE_IOMMU, OP } from "../../edit-script/index.ts";

/** True iff all that a step does is to order others. */
export const onlyOrders = (op: number): boolean => op === OP.barrier || op === OP.wait;

const BARRIER = -1;

/** A number for each kind of wait: what it drains, and on which IOMMU or on all. */
export function waitKind(words: Uint32Array, at: number): number {
  const flags = words[at]! >>> 8;
  const iommu = flags & FLAG_ONE_IOMMU ? 1 + words[at + 2]! : 0;
  return 2 * iommu + (flags & FLAG_DRAIN ? 1 : 0);
}

/**
 * Tells barriers and waits that order something from those that find nothing to order: of a script that goes page by page most
 * are about the other pages.
 */
export class OrderSteps {
  /** What has been done since the last other step; nothing has to be before the first. */
  readonly #done = new Set<number>();
  #isIdle = true;

  /** True iff the barrier or wait whose record stands at a word is the first of its kind behind another step. */
  orders(words: Uint32Array, at: number): boolean {
    if (this.#isIdle) return false;
    const kind = (words[at]! & 0xff) === OP.barrier ? BARRIER : waitKind(words, at);
    if (this.#done.has(kind)) return false;
    this.#done.add(kind);
    return true;
  }

  /** A step follows that there may be something to order of. */
  follow(): void {
    this.#isIdle = false;
    this.#done.clear();
  }
}
