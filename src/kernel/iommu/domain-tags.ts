import type { FaultInjector } from "../fault-injection.ts";

/** A VT-d context entry has 16 bits for the tag; with caching mode 0 stands for entries that are absent. */
const MOST_TAGS = 2 ** 16 - 1;

/**
 * Allocator of the tags by which caches tell domains apart.
 *
 * Pre of `giveBack`: no cache holds anything under the tag and no access uses it, since it may be handed out at once.
 */
export class DomainTags {
  readonly #faults: FaultInjector;
  /** Tags from here on were never handed out. */
  #fresh = 1;
  readonly #free: number[] = [];

  constructor(faults: FaultInjector) {
    this.#faults = faults;
  }

  /** A tag that nothing uses, or null when all are in use (or an injected fault says so). */
  take(): number | null {
    if (this.#faults.shouldFail("tag")) return null;
    const tag = this.#free.pop();
    if (tag !== undefined) return tag;
    return this.#fresh <= MOST_TAGS ? this.#fresh++ : null;
  }

  giveBack(tag: number): void {
    this.#free.push(tag);
  }
}
