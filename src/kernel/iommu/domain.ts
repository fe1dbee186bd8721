import type { Capability } from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import type { Format } from "./format.ts";

/** One IOMMU address space: a root table and the devices whose walks start there. */
export class Domain {
  /** Never reused. */
  readonly id: number;
  readonly capability: Capability;
  readonly format: Format;
  /** Written by the iommu room only: at creation, and by a setRoot step. */
  root: Pfn;
  /** What caches hold of this domain carries this tag, and steps name it by it. It changes with the root in epoch mode. */
  tag: number;
  /** Device slots attached. */
  readonly devices = new Set<number>();

  constructor(id: number, capability: Capability, format: Format, root: Pfn, tag: number) {
    this.id = id;
    this.capability = capability;
    this.format = format;
    this.root = root;
    this.tag = tag;
  }

  get levels(): number {
    return this.capability.levels;
  }

  /** Leaf sizes in bytes, one bit each (iommu_domain's pgsize_bitmap). */
  get pageSizesBytes(): bigint {
    return this.capability.leafLevels.reduce((sizes, level) => sizes | (1n << BigInt(12 + 9 * level)), 0n);
  }
}
