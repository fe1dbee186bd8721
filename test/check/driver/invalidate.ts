import {
  CACHE_ATC,
  CACHE_IOTLB,
  CACHE_WALK,
  CACHES_ALL,
  type InvalidateStep,
} from "../../../src/edit-script/index.ts";
import { iovaPfn } from "../../../src/units/index.ts";
import type { Shape } from "./entries.ts";
import type { Span } from "./page-map.ts";
import type { Random, Style, Width } from "./style.ts";

/** Pages below an entry that was overwritten. */
export interface Reached extends Span {
  /** A leaf of so many pages may be cached, and is dropped by what contains it. */
  readonly grain: number;
  readonly needsLinks: boolean;
}

/** The invalidations after some entries were overwritten, in rounds: each has to be complete before the next is posted. */
export function invalidationsFor(
  tag: number,
  reached: readonly Reached[],
  style: Style,
  random: Random,
  shape: Shape,
): InvalidateStep[][] {
  const ranges = style.leafScope
    ? [reached.filter((r) => !r.needsLinks), reached.filter((r) => r.needsLinks)].flatMap((part) =>
        rangesOf(part, style, random, shape),
      )
    : rangesOf(reached, style, random, shape);
  const rounds = cacheRounds(
    style,
    ranges.some((r) => r.needsLinks),
    random,
  );
  return rounds.map((orders) =>
    orders.flatMap((caches) =>
      ranges.map(({ start, end, needsLinks }): InvalidateStep => {
        const scope = needsLinks || !style.leafScope ? "nonLeaf" : "leaf";
        return { op: "invalidate", domain: tag, scope, caches, iovaPfn: iovaPfn(start), pages: end - start };
      }),
    ),
  );
}

/** Caches by round, and in a round by the order in which they are posted. */
function cacheRounds({ cacheOrder, hasDeviceCache }: Style, hasLinks: boolean, random: Random): number[][] {
  const own = CACHE_IOTLB | CACHE_WALK;
  const device = hasDeviceCache ? CACHE_ATC : 0;
  if (cacheOrder === "walk-first" && hasLinks) return [[CACHE_WALK], [CACHE_IOTLB | device]];
  if (cacheOrder === "device-behind" && hasDeviceCache) return [[own, CACHE_ATC]];
  if (cacheOrder === "device-after-wait" && hasDeviceCache) return [[own], [CACHE_ATC]];
  return [[random(2) === 0 ? own | device : CACHES_ALL]];
}

function rangesOf(reached: readonly Reached[], style: Style, random: Random, shape: Shape): Reached[] {
  if (reached.length === 0) return [];
  const merged = joined(reached);
  const widths = ["exact", "merged", "wide", "pieces", "powers"] as const;
  const width: Width = style.width === "any" ? widths[random(widths.length)]! : style.width;
  const needsLinks = reached.some((r) => r.needsLinks);
  switch (width) {
    case "exact":
      return merged;
    case "merged":
      return [{ start: merged[0]!.start, end: merged.at(-1)!.end, grain: 1, needsLinks }];
    case "wide":
      return merged.map((r) => ({
        ...r,
        start: Math.max(0, r.start - random(40)),
        end: Math.min(shape.pages, r.end + random(40)),
      }));
    case "pieces":
      return reached.flatMap((r) => piecesOf(r, random));
    case "domain":
      return [{ start: 0, end: shape.pages, grain: 1, needsLinks }];
    case "powers":
      return merged.map((r) => power(r));
  }
}

/** Neighbours as one. */
function joined(reached: readonly Reached[]): Reached[] {
  const result: Reached[] = [];
  for (const r of [...reached].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = result.at(-1);
    if (last === undefined || last.end < r.start) result.push(r);
    else
      result[result.length - 1] = {
        ...last,
        end: Math.max(last.end, r.end),
        needsLinks: last.needsLinks || r.needsLinks,
      };
  }
  return result;
}

/** In two parts, where no leaf is cut. */
function piecesOf(r: Reached, random: Random): Reached[] {
  const grains = (r.end - r.start) / r.grain;
  if (grains < 2) return [r];
  const cut = r.start + r.grain * (1 + random(grains - 1));
  return random(2) === 0
    ? [
        { ...r, end: cut },
        { ...r, start: cut },
      ]
    : [
        { ...r, start: cut },
        { ...r, end: cut },
      ];
}

/** The smallest aligned power of two around it, as an address mask says it. */
function power(r: Reached): Reached {
  let pages = 1;
  while (Math.floor(r.start / pages) !== Math.floor((r.end - 1) / pages)) pages *= 2;
  const start = Math.floor(r.start / pages) * pages;
  return { ...r, start, end: start + pages };
}
