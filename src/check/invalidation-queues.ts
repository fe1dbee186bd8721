import type { ScriptDomain } from "../edit-script/index.ts";

/** One posted invalidation. */
export interface Invalidation {
  readonly step: number;
  /** Step of the wait that completes it, or NEVER. */
  completes: number;
  readonly domain: number;
  readonly nonLeaf: boolean;
  readonly caches: number;
  readonly start: number;
  readonly end: number;
}

/** What was posted to one IOMMU, and how much of that is complete. */
interface Queue {
  readonly posted: Invalidation[];
  completed: number;
}

/** The queue of each IOMMU, filled and waited for in the order of the steps: what one wait completes, another may not. */
export class InvalidationQueues {
  /** IOMMUs by tag. A tag that no domain has reaches nothing, wherever it is posted. */
  readonly #iommus = new Map<number, number>();
  readonly #queues = new Map<number, Queue>();
  readonly #drains: number[] = [];
  /** Those of one IOMMU, the waits for all among them; made when a wait is for one. */
  readonly #ownDrains = new Map<number, number[]>();

  constructor(domains: readonly ScriptDomain[]) {
    for (const { id, iommu } of domains) this.#iommus.set(id, iommu ?? 0);
  }

  /** The domain with tag `from`, if there is one, goes on with tag `to`. */
  rename(from: number, to: number): void {
    const iommu = this.#iommus.get(from);
    if (iommu !== undefined && !this.#iommus.has(to)) this.#iommus.set(to, iommu);
  }

  post(invalidation: Invalidation): void {
    const iommu = this.#iommuOf(invalidation.domain);
    let queue = this.#queues.get(iommu);
    if (queue === undefined) this.#queues.set(iommu, (queue = { posted: [], completed: 0 }));
    queue.posted.push(invalidation);
  }

  /** Completes what is posted to one IOMMU, or with null to all. */
  wait(step: number, drains: boolean, iommu: number | null): void {
    for (const [own, queue] of this.#queues) {
      if (iommu !== null && own !== iommu) continue;
      const { posted } = queue;
      while (queue.completed < posted.length) posted[queue.completed++]!.completes = step;
    }
    if (!drains) return;
    if (iommu === null) {
      this.#drains.push(step);
      for (const own of this.#ownDrains.values()) own.push(step);
      return;
    }
    const own = this.#ownDrains.get(iommu);
    if (own === undefined) this.#ownDrains.set(iommu, [...this.#drains, step]);
    else own.push(step);
  }

  /** Steps at which accesses with a tag are drained, ascending. */
  drainsOf(tag: number): readonly number[] {
    return this.#ownDrains.get(this.#iommuOf(tag)) ?? this.#drains;
  }

  #iommuOf(tag: number): number {
    return this.#iommus.get(tag) ?? 0;
  }
}
