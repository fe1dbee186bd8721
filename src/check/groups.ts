import type { CallGap } from "./between-calls.ts";
import { joined, type PageRange } from "./interest.ts";
import type { RawViolation } from "./judge.ts";
import type { Cause, ViolationClass } from "./violation-class.ts";

/** Violations of one class that one store, or one missing step, makes. */
export interface Group {
  readonly class: ViolationClass;
  /** What was met where the class itself is V15: a missing barrier shows as this. */
  readonly shows: ViolationClass;
  readonly domain: number;
  readonly ranges: readonly PageRange[];
  /** The violation whose first page stands for all of them. */
  readonly example: RawViolation;
  cause: Cause | null;
  /** Step the cause is about, or 0. */
  causeStep: number;
  /** The two calls it lies between, if it does. */
  gap: CallGap | null;
}

const pagesIn = (ranges: readonly PageRange[]): number => ranges.reduce((sum, r) => sum + r.end - r.start, 0);

export { pagesIn };

/** Puts violations together that share class, the store that shows and the invalidations that reach. */
export function grouped(
  violations: readonly RawViolation[],
  shows: ReadonlyMap<RawViolation, ViolationClass>,
): Group[] {
  const byKey = new Map<string, RawViolation[]>();
  for (const v of violations) {
    const key = [v.class, shows.get(v) ?? v.class, v.domain, v.step, v.until, v.coverage.start].join("|");
    const list = byKey.get(key);
    if (list === undefined) byKey.set(key, [v]);
    else list.push(v);
  }
  return [...byKey.values()].map((list) => {
    const example = list.reduce((best, v) => (v.start < best.start ? v : best));
    return {
      class: example.class,
      shows: shows.get(example) ?? example.class,
      domain: example.domain,
      ranges: joined(list, Infinity),
      example,
      cause: null,
      causeStep: 0,
      gap: null,
    };
  });
}

/** Joins groups of one class, one cause and one step; all that lies between calls has one cause. */
export function mergedByCause(groups: readonly Group[]): Group[] {
  const byKey = new Map<string, Group[]>();
  for (const group of groups) {
    const step = group.gap === null ? group.causeStep : "between calls";
    const key = [group.class, group.domain, group.cause, step].join("|");
    const list = byKey.get(key);
    if (list === undefined) byKey.set(key, [group]);
    else list.push(group);
  }
  return [...byKey.values()].map((list) => {
    const first = list.reduce((best, g) => (isBefore(g, best) ? g : best));
    return {
      ...first,
      ranges: joined(
        list.flatMap((g) => [...g.ranges]),
        Infinity,
      ),
    };
  });
}

/** The lowest page stands for all; of several faults on it the one that the cause itself makes. */
function isBefore(a: Group, b: Group): boolean {
  if (a.example.start !== b.example.start) return a.example.start < b.example.start;
  return a.gap !== null && a.example.step === a.gap.goneAt && b.example.step !== b.gap?.goneAt;
}
