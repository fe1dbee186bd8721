import { joined, type PageRange } from "./interest.ts";
import type { RawViolation } from "./judge.ts";
import type { ViolationClass } from "./violation-class.ts";

/** Classes that a missing barrier can only cause by letting an old value be read. */
const SHOWN_BY_BARRIERS: ReadonlySet<ViolationClass> = new Set([
  "V01",
  "V01b",
  "V02",
  "V03",
  "V04",
  "V04b",
  "V06",
  "V07",
  "V09",
  "V10",
  "V11",
]);

/**
 * Renames to V15 what exists in weak mode only: a store was published before it was visible. A page that is still missing
 * after the return because its store was never pushed out stays V05.
 */
export function publishedTooEarly(
  weak: readonly RawViolation[],
  strong: readonly RawViolation[],
): { violations: RawViolation[]; shows: Map<RawViolation, ViolationClass> } {
  const known = new Map<string, PageRange[]>();
  for (const v of strong) {
    const key = `${v.class}|${v.domain}`;
    const ofClass = known.get(key);
    if (ofClass === undefined) known.set(key, [v]);
    else ofClass.push(v);
  }
  for (const [key, ranges] of known) known.set(key, joined(ranges, Infinity));
  const violations: RawViolation[] = [];
  const shows = new Map<RawViolation, ViolationClass>();
  for (const v of weak) {
    const inStrong = meets(known.get(`${v.class}|${v.domain}`) ?? [], v);
    if (inStrong || !SHOWN_BY_BARRIERS.has(v.class)) violations.push(v);
    else {
      const early: RawViolation = { ...v, class: "V15" };
      shows.set(early, v.class);
      violations.push(early);
    }
  }
  return { violations, shows };
}

/** True iff one of the ranges, ascending and free of overlap, has a page in common with `wanted`. */
function meets(ranges: readonly PageRange[], wanted: PageRange): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (ranges[mid]!.end > wanted.start) high = mid;
    else low = mid + 1;
  }
  return low < ranges.length && ranges[low]!.start < wanted.end;
}
