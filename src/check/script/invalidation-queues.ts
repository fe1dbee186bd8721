import type { ScriptDomain } from "../../edit-script/index.ts";
import type { Invalidations } from "./invalidations.ts";
import { firstAtOrAfter, NEVER } from "./positions.ts";

/** Positions of what was posted to one IOMMU and no wait has completed, and of what is complete but not drained. */
interface Queue {
  readonly pending: number[];
  readonly undrained: number[];
}

/** The queue of each IOMMU, filled and waited for in the order of the steps: what one wait completes, another may not. */
export class InvalidationQueues {
  readonly #posted: Invalidations;
  /** IOMMUs by tag. A tag that no domain has reaches nothing, wherever it is posted. */
  readonly #iommus = new Map<number, number>();
  /** By IOMMU. */
  readonly #queues = new Map<number, Queue>();
  /** The only one there is, if there is one: most scripts have no second IOMMU. */
  #only: Queue | null = null;
  /** The tag posted to last, and its queue: mostly it is the next one's. */
  #lastTag = -1;
  #last: Queue | null = null;
  /** Tags that got an IOMMU when some may have been posted to them. */
  readonly #renamed = new Set<number>();
  readonly #drains: Int32Array;
  #drained = 0;
  /** Those of one IOMMU, the waits for all among them; made when a wait is for one. */
  readonly #ownDrains = new Map<number, number[]>();

  /** `waits`: how many there will be at most. */
  constructor(posted: Invalidations, waits: number, domains: readonly ScriptDomain[]) {
    this.#posted = posted;
    this.#drains = new Int32Array(waits);
    for (const { id, iommu } of domains) this.#iommus.set(id, iommu ?? 0);
  }

  /** The domain with tag `from`, if there is one, goes on with tag `to`. */
  rename(from: number, to: number): void {
    this.#last = null;
    const iommu = this.#iommus.get(from);
    if (iommu === undefined || this.#iommus.has(to)) return;
    this.#iommus.set(to, iommu);
    this.#renamed.add(to);
  }

  /** Posts the invalidation at a position, of a tag. */
  post(at: number, tag: number): void {
    if (this.#last === null || tag !== this.#lastTag) {
      this.#lastTag = tag;
      this.#last = this.#queueOf(tag);
    }
    this.#last.pending.push(at);
  }

  #queueOf(tag: number): Queue {
    const iommu = this.#iommuOf(tag);
    let queue = this.#queues.get(iommu);
    if (queue === undefined) {
      this.#queues.set(iommu, (queue = { pending: [], undrained: [] }));
      this.#only = this.#queues.size === 1 ? queue : null;
    }
    return queue;
  }

  /** Completes what is posted to one IOMMU, or with null to all. */
  wait(step: number, drains: boolean, iommu: number | null): void {
    if (iommu === null && this.#only !== null) this.#complete(this.#only, step, drains);
    else
      for (const [own, queue] of this.#queues)
        if (iommu === null || own === iommu) this.#complete(queue, step, drains);
    if (!drains) return;
    if (iommu === null) {
      this.#drains[this.#drained++] = step;
      for (const own of this.#ownDrains.values()) own.push(step);
      return;
    }
    const own = this.#ownDrains.get(iommu);
    if (own === undefined) this.#ownDrains.set(iommu, [...this.#forAll, step]);
    else own.push(step);
  }

  #complete({ pending, undrained }: Queue, step: number, drains: boolean): void {
    const posted = this.#posted;
    while (pending.length > 0) {
      const at = pending.pop()!;
      posted.complete(at, step);
      if (drains) posted.drain(at, step);
      else undrained.push(at);
    }
    while (drains && undrained.length > 0) posted.drain(undrained.pop()!, step);
  }

  /** There are no more steps: finds again when what invalidations drop is drained, of tags that have got another IOMMU since. */
  settle(): void {
    if (this.#renamed.size === 0) return;
    const posted = this.#posted;
    const drainsOf = new Map([...this.#renamed].map((tag) => [tag, this.drainsOf(tag)]));
    for (let at = 0; at < posted.length; at++) {
      const completes = posted.completes(at);
      const drains = completes === NEVER ? undefined : drainsOf.get(posted.domains[at]!);
      if (drains !== undefined) posted.drain(at, firstAtOrAfter(drains, completes));
    }
  }

  /** Steps at which accesses with a tag are drained, ascending. */
  drainsOf(tag: number): Int32Array {
    const own = this.#ownDrains.get(this.#iommuOf(tag));
    return own === undefined ? this.#forAll : Int32Array.from(own);
  }

  get #forAll(): Int32Array {
    return this.#drains.subarray(0, this.#drained);
  }

  #iommuOf(tag: number): number {
    return this.#iommus.get(tag) ?? 0;
  }
}
