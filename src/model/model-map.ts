import type { Pfn, Rights } from "../units/index.ts";
import type { FrameSource } from "./frames.ts";
import { canonicalRegions, firstRegionEndingAfter, type ModelRegion } from "./region.ts";

/** What a map says about one page. */
export interface Translation {
  readonly pfn: Pfn;
  readonly rights: Rights;
}

/** One memory map with the frames behind it: the oracle's answer for every page. Immutable. */
export class ModelMap {
  /** Canonical regions. */
  readonly regions: readonly ModelRegion[];
  readonly #frames: FrameSource;

  /** Errors: ModelError when the regions are no map (empty or overlapping). */
  constructor(regions: readonly ModelRegion[], frames: FrameSource) {
    this.regions = canonicalRegions(regions);
    this.#frames = frames;
  }

  /** Frame and rights of a page, or null where the map has nothing (or nothing backs it). */
  lookup(page: number): Translation | null {
    const region = this.regions[firstRegionEndingAfter(this.regions, page)];
    if (region === undefined || region.iovaPfn > page) return null;
    const frame = this.#frames.frameAt(region.vaddrPfn + page - region.iovaPfn);
    return frame === null ? null : { pfn: frame, rights: region.rights };
  }
}
