/** A tag under which translations are cached, and where. */
export interface Tag {
  readonly id: number;
  /** The IOMMU whose caches hold them. */
  readonly iommu: number;
  /** What the descriptors of that IOMMU call it. */
  readonly did: number;
}

/** The tags known at a line: those of domains, and those that root switches above it have given. */
export class KnownTags {
  readonly #tags = new Map<number, Tag>();

  /** Adds a tag; the answer is what speaks against it, null where nothing does. A tag that is known stays as it is. */
  add(id: number, iommu: number, did: number | undefined): string | null {
    const known = this.#tags.get(id);
    if (known !== undefined) {
      if (known.iommu !== iommu)
        return `tag ${id} is one of IOMMU ${known.iommu}, and this of IOMMU ${iommu}`;
      if (did !== undefined && did !== known.did) return `tag ${id} has did ${known.did}, not ${did}`;
      return null;
    }
    const tag = { id, iommu, did: did ?? id };
    const [other] = this.named(tag.did, iommu);
    if (other !== undefined) return `did ${tag.did} of IOMMU ${iommu} is that of tag ${other} already`;
    this.#tags.set(id, tag);
    return null;
  }

  /** The IOMMU of a tag; one whose domain is not known yet can only be behind the first. */
  iommuOf(id: number): number {
    return this.#tags.get(id)?.iommu ?? 0;
  }

  /** IOMMUs that tags are of. */
  iommus(): number[] {
    return [...new Set([...this.#tags.values()].map(({ iommu }) => iommu))];
  }

  /** Tags of one IOMMU, or of all. */
  behind(iommu: number | undefined): number[] {
    return this.#those((tag) => iommu === undefined || tag.iommu === iommu);
  }

  /** Tags that the descriptors of one IOMMU, or of any, call by a number. */
  named(did: number, iommu: number | undefined): number[] {
    return this.#those((tag) => tag.did === did && (iommu === undefined || tag.iommu === iommu));
  }

  #those(isOne: (tag: Tag) => boolean): number[] {
    const ids: number[] = [];
    for (const tag of this.#tags.values()) if (isOne(tag)) ids.push(tag.id);
    return ids;
  }
}
