import type { Domain } from "../iommu/index.ts";
import { BEHAVIOURS, type Type1Behaviour } from "./behaviour.ts";
import type { Group } from "./group.ts";
import type { VfioHost } from "./host.ts";
import { type IovaRange, usableRanges } from "./iova-ranges.ts";
import { firstEndingAfter, type Mapping } from "./mapping.ts";

/** What SET_IOMMU fixed for the life of a container's IOMMU. */
export interface Type1Limits {
  readonly dmaEntryLimit: number;
}

/** The IOMMU of one container: what is mapped, and the domains that serve it (struct vfio_iommu). */
export class Type1 {
  readonly kernel: VfioHost;
  readonly behaviour: Type1Behaviour;
  /** Version 2: an unmap must not cut a mapping, and dirty pages can be tracked. */
  readonly v2: boolean;
  readonly limits: Type1Limits;
  /** Sorted by IOVA, free of overlap. */
  readonly mappings: Mapping[] = [];
  /** Newest first, as the kernel lists them; every one holds the same translations. */
  readonly domains: Domain[] = [];
  /** Which domain serves an attached group. */
  readonly groups = new Map<Group, Domain>();
  iovaRanges: readonly IovaRange[] = [];
  /** Page sizes that every domain has, a bitmap in bytes. */
  pageSizesBytes = 0n;
  #smallestPageBytes = 0n;
  /** Mappings that can still be made. */
  dmaAvail: number;
  /** Bumped by each successful change of the map. */
  generation = 0;
  trackingDirty = false;
  /** Mappings without a vaddr; while there are any, no group can be attached. */
  vaddrInvalidCount = 0;

  constructor(kernel: VfioHost, v2: boolean) {
    this.kernel = kernel;
    this.behaviour = BEHAVIOURS[kernel.personality];
    this.v2 = v2;
    this.limits = { dmaEntryLimit: kernel.parameters.dmaEntryLimit };
    this.dmaAvail = this.limits.dmaEntryLimit;
  }

  /** The smallest page size of all domains: the granularity of the interface. */
  get smallestPageBytes(): bigint {
    return this.#smallestPageBytes;
  }

  /** A domain came or went: what can be mapped follows from those that are there. */
  domainsChanged(): void {
    this.pageSizesBytes = this.domains.reduce((sizes, domain) => sizes & domain.pageSizesBytes, ~0n);
    this.#smallestPageBytes = this.pageSizesBytes & -this.pageSizesBytes;
    if (this.domains.length > 0) this.iovaRanges = usableRanges(this.domains);
  }

  /** The first mapping with a page in [startPfn, endPfn), or undefined. */
  firstOverlapping(startPfn: number, endPfn: number): Mapping | undefined {
    const mapping = this.mappings[firstEndingAfter(this.mappings, startPfn)];
    return mapping !== undefined && mapping.iovaPfn < endPfn ? mapping : undefined;
  }

  /** Starts tracking a mapping. Pre: it overlaps none. */
  link(mapping: Mapping): void {
    this.mappings.splice(firstEndingAfter(this.mappings, mapping.iovaPfn), 0, mapping);
  }
}
