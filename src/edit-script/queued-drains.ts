const NONE: readonly number[] = [];

/**
 * Which waits drain, as far as the descriptors of each IOMMU say so: one whose DR or DW is 0 lets accesses through what it drops go
 * on, and to wait again for what is complete makes no difference to them.
 */
export class QueuedDrains {
  /** IOMMUs with a descriptor in their queue that asks for no drain. */
  readonly #undrained = new Set<number>();
  /** Those that have completed such a one, and none since that asks. */
  readonly #owing = new Set<number>();
  /** Those of them that have one in their queue that asks. */
  readonly #asked = new Set<number>();

  /** Notes a descriptor that drops translations. */
  post(iommu: number, asks: boolean): void {
    if (!asks) this.#undrained.add(iommu);
    else if (this.#owing.size > 0 && this.#owing.has(iommu)) this.#asked.add(iommu);
  }

  /** Completes what is posted to one IOMMU, or to all, and answers which of them it cannot drain. */
  wait(iommu: number | undefined): readonly number[] {
    if (this.#undrained.size === 0 && this.#owing.size === 0) return NONE;
    const concerned = iommu === undefined ? [...new Set([...this.#undrained, ...this.#owing])] : [iommu];
    return concerned.filter((own) => !this.#complete(own));
  }

  /** True iff accesses are drained once all that is posted to an IOMMU is complete, if that is what the wait is for. */
  #complete(iommu: number): boolean {
    const isAsked = this.#asked.delete(iommu);
    // Descriptors may be carried out in any order: one that asks may be done before another drops anything.
    if (this.#undrained.delete(iommu)) this.#owing.add(iommu);
    else if (isAsked) this.#owing.delete(iommu);
    return !this.#owing.has(iommu);
  }

  /** A call begins: no access is under way. */
  clear(): void {
    this.#undrained.clear();
    this.#owing.clear();
    this.#asked.clear();
  }
}
