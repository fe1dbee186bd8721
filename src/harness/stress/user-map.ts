import type { OracleRegion } from "../../device/index.ts";
import { canonicalRegions, type ModelRegion } from "../../model/index.ts";
import { type Pfn, type VaddrPfn, WRITE } from "../../units/index.ts";
import type { GuestBacking, GuestMemory, MapRegion, MemoryMap } from "../../vmm/index.ts";

/** A memory map in the words of those who judge: addresses for the model, frames for the devices' oracle. */
export interface UserMap {
  readonly map: MemoryMap;
  /** Canonical. */
  readonly regions: readonly ModelRegion[];
  readonly oracle: readonly OracleRegion[];
}

/** Where the pages of one backing are: one run, or blocks of 2^lg2 pages. */
type BackingFrames = { readonly base: Pfn } | { readonly list: Uint32Array; readonly lg2: number };

/** Translates the VMM's maps once each: from backings to vaddr, and from vaddr to frames as pagemap tells them. */
export class UserMaps {
  readonly #guest: GuestMemory;
  readonly #frames = new Map<string, BackingFrames>();
  readonly #known = new Map<MemoryMap, UserMap>();

  constructor(guest: GuestMemory) {
    this.#guest = guest;
    for (const backing of guest.backings) this.#frames.set(backing.name, framesOf(guest, backing));
  }

  of(map: MemoryMap): UserMap {
    let known = this.#known.get(map);
    if (known === undefined) {
      known = {
        map,
        regions: canonicalRegions(
          map.regions.map((r) => ({
            iovaPfn: r.iovaPfn,
            pages: r.pages,
            vaddrPfn: this.#guest.vaddrPfn(r),
            rights: r.rights,
          })),
        ),
        oracle: map.regions.map((r) => this.#oracleRegion(r)),
      };
      this.#known.set(map, known);
    }
    return known;
  }

  #oracleRegion(region: MapRegion): OracleRegion {
    const frames = this.#frames.get(region.backing)!;
    const { iovaPfn, pages, rights, offsetPages } = region;
    return {
      iovaPfn,
      pages,
      rights,
      frames:
        "base" in frames
          ? { base: (frames.base + offsetPages) as Pfn }
          : { list: frames.list, first: offsetPages, lg2: frames.lg2 },
    };
  }
}

/** Block sizes worth a list of their own: 1 GiB, 2 MiB, single pages. */
const BLOCK_LG2 = [18, 9, 0];

function framesOf(guest: GuestMemory, backing: GuestBacking): BackingFrames {
  const whole = { iovaPfn: 0, pages: backing.pages, backing: backing.name, offsetPages: 0, rights: WRITE };
  const region = whole as unknown as MapRegion;
  let lg2 = BLOCK_LG2[0]!;
  const blocks: { start: VaddrPfn; pages: number; pfn: number }[] = [];
  for (const run of guest.frameRuns(region)) {
    if (run.pages === backing.pages) return { base: run.pfn };
    const isLast = run.vaddrPfn + run.pages === backing.vaddrPfn + backing.pages;
    while (
      lg2 > 0 &&
      ((run.vaddrPfn - backing.vaddrPfn) % 2 ** lg2 !== 0 || (run.pages % 2 ** lg2 !== 0 && !isLast))
    )
      lg2 -= 9;
    if (lg2 === 0) break;
    blocks.push({ start: run.vaddrPfn, pages: run.pages, pfn: run.pfn });
  }
  if (lg2 === 0) {
    const frames = guest.frames(region);
    return frames.kind === "contiguous" ? { base: frames.base } : { list: frames.frames, lg2: 0 };
  }
  const list = new Uint32Array(Math.ceil(backing.pages / 2 ** lg2));
  for (const { start, pages, pfn } of blocks)
    for (let i = 0; i < pages; i += 2 ** lg2) list[(start - backing.vaddrPfn + i) / 2 ** lg2] = pfn + i;
  return { list, lg2 };
}
