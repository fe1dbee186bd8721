import type { Operation } from "./driver.ts";
import { isSame, type Shape, type Translation } from "./entries.ts";
import { differing, framesIn, type PageMap, type Span } from "./page-map.ts";
import type { Random } from "./style.ts";

/** Frames begin far above tables. */
const FRAMES = 2 ** 28;
/** Pages around a place that are never left, half of them in front. */
const REACH = 2 ** 19;

/** A part of the IOVA space that is used. */
export interface Area extends Span {
  readonly number: number;
}

/** Where a driver is asked to map. */
export function areasOf(shape: Shape, random: Random): Area[] {
  const large = shape.span(2);
  const size = shape.entries > 100 ? 3 * shape.span(1) : 2 * large;
  const count = 1 + random(2);
  return Array.from({ length: count }, (_, number) => {
    const slots = Math.floor(shape.pages / large / count);
    const start = large * (number * slots + random(Math.max(1, slots - 3)));
    const isBefore = shape.entries > 100 && random(2) === 0;
    return isBefore
      ? { number, start: start + large - shape.span(1), end: start + large - shape.span(1) + size }
      : { number, start, end: start + size };
  });
}

/** Frame of a page in one of several memories; in each, superpages are possible. */
export function frameOf({ number, start }: Area, page: number, memory: number, large: number): number {
  const base = Math.floor(start / large) * large;
  return FRAMES * (memory + 1) + number * 2 * REACH + page - base;
}

/** A range to do something with: pages that `isFit` takes, none of which was touched. */
function rangeIn(
  area: Area,
  shape: Shape,
  random: Random,
  most: number,
  isFit: (page: number) => boolean,
): Span | null {
  for (let attempt = 0; attempt < 6; attempt++) {
    const block = shape.span(1);
    let start = area.start + random(area.end - area.start);
    if (random(2) === 0) start = Math.floor(start / block) * block;
    if (random(12) === 0 && shape.entries < 100) start = Math.floor(start / shape.span(2)) * shape.span(2);
    if (start < area.start || !isFit(start)) continue;
    const lengths = [1 + random(6), 1 + random(most), block, shape.entries < 100 ? shape.span(2) : 2 * block];
    const length = lengths[random(4)]!;
    let end = start + 1;
    while (end < area.end && end < start + length && isFit(end)) end++;
    return { start, end };
  }
  return null;
}

/** The operations that lead from one map to another, drawn at random; the new map is made beside them. */
export function drawOperations(
  before: PageMap,
  areas: readonly Area[],
  shape: Shape,
  random: Random,
  most: number,
): { operations: Operation[]; after: PageMap } {
  const after: PageMap = new Map(before);
  const touched = new Set<number>();
  const operations: Operation[] = [];
  const count = 1 + random(5);
  const kinds = ["map", "map", "unmap", "change", "change", "split", "promote"] as const;
  for (let i = 0; i < count * 3 && operations.length < count; i++) {
    const kind = before.size === 0 ? "map" : kinds[random(kinds.length)]!;
    const area = areas[random(areas.length)]!;
    const resizes = kind === "split" || kind === "promote";
    const isFit = (page: number): boolean =>
      resizes ? after.has(page) : before.has(page) === (kind !== "map") && !touched.has(page);
    const span = rangeIn(area, shape, random, most, isFit);
    if (span === null) continue;
    operations.push({ kind, ...span });
    if (resizes) continue;
    const become = becoming(kind, area, shape, random, before);
    for (let page = span.start; page < span.end; page++) {
      touched.add(page);
      const now = become(page);
      if (now === undefined) after.delete(page);
      else after.set(page, now);
    }
  }
  return { operations, after };
}

function becoming(
  kind: Operation["kind"],
  area: Area,
  shape: Shape,
  random: Random,
  before: PageMap,
): (page: number) => Translation | undefined {
  const memory = random(3);
  const rights = [3, 3, 3, 1, 2][random(5)]!;
  const large = shape.span(2);
  // Now and then a second page leads to frames that another one leads to.
  const shift = random(6) === 0 ? shape.span(1) : 0;
  const there = (page: number): number => frameOf(area, page + shift, memory, large);
  if (kind === "unmap") return () => undefined;
  if (kind === "map" || random(2) === 0) return (page) => ({ frame: there(page), rights });
  const keepsRights = random(2) === 0;
  if (keepsRights) return (page) => ({ frame: there(page), rights: before.get(page)!.rights });
  return (page) => ({ frame: before.get(page)!.frame, rights });
}

/** Frames that lose one pin each when some pages have changed; `repins`: also where a page keeps its frame. */
export const releasedBy =
  (before: PageMap, after: PageMap, repins: boolean) =>
  ({ start, end }: Span): number[] => {
    const frames: number[] = [];
    for (let page = start; page < end; page++) {
      const old = before.get(page);
      if (old === undefined || isSame(old, after.get(page))) continue;
      if (repins || old.frame !== after.get(page)?.frame) frames.push(old.frame);
    }
    return frames;
  };

/** Pins when the script starts: those of the old map, and those that were taken for the new one. */
export function pinsFor(before: PageMap, after: PageMap, repins: boolean): Map<number, number> {
  const pins = framesIn(before);
  for (const page of differing(before, after)) {
    const now = after.get(page);
    if (now === undefined || (!repins && now.frame === before.get(page)?.frame)) continue;
    pins.set(now.frame, (pins.get(now.frame) ?? 0) + 1);
  }
  return pins;
}
