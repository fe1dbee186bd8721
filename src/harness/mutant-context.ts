import type { MutantContext } from "../check/mutants/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { Pfn } from "../units/index.ts";
import { entryReader } from "./stress/entry-reader.ts";

/** What a mutant may know of a booted kernel. Pre: a domain exists. */
export function mutantContext({ engine, iommu }: Kernel): MutantContext {
  const [domain] = iommu.domains;
  const entries = entryReader(domain!.format, engine);
  const linkTo = (table: Pfn): { table: Pfn; index: number } | null => {
    const place = iommu.pool.positionOf(table);
    const above = iommu.domains.find((d) => d.id === place?.domain);
    if (place === undefined || above === undefined) return null;
    let at = above.root;
    for (let level = above.levels - 1; level > place.level; level--) {
      const index = Math.floor(place.base / 512 ** level) % 512;
      const entry = engine.loadEntry(at, index);
      if (!entries.isPresent(entry) || !entries.isTable(entry)) return null;
      const child = entries.pfnOf(entry);
      if (level - 1 === place.level) return child === table ? { table: at, index } : null;
      at = child;
    }
    return null;
  };
  return {
    capability: domain!.capability,
    entries,
    entryAt: (table, index) => engine.loadEntry(table, index),
    placeOf: (table) => iommu.pool.positionOf(table) ?? null,
    linkTo,
  };
}
