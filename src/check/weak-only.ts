import type { RawViolation } from "./judge.ts";
import { RangeList, type Ranges, touches } from "./ranges.ts";
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

const NONE: Ranges = { starts: [], ends: [] };

/**
 * Renames to V15 what exists in weak mode only: a store was published before it was visible. A page that is still missing
 * after the return because its store was never pushed out stays V05.
 */
export function publishedTooEarly(
  weak: readonly RawViolation[],
  strong: readonly RawViolation[],
): { violations: RawViolation[]; shows: Map<RawViolation, ViolationClass> } {
  const lists = new Map<string, RangeList>();
  for (const v of strong) {
    const key = `${v.class}|${v.domain}`;
    let ofClass = lists.get(key);
    if (ofClass === undefined) lists.set(key, (ofClass = new RangeList()));
    ofClass.push(v.start, v.end);
  }
  const known = new Map([...lists].map(([key, list]) => [key, list.union()]));
  const violations: RawViolation[] = [];
  const shows = new Map<RawViolation, ViolationClass>();
  for (const whole of weak) {
    if (!SHOWN_BY_BARRIERS.has(whole.class)) {
      violations.push(whole);
      continue;
    }
    for (const { v, inStrong } of parts(whole, known.get(`${whole.class}|${whole.domain}`) ?? NONE)) {
      if (inStrong) violations.push(v);
      else {
        const early: RawViolation = { ...v, class: "V15" };
        shows.set(early, v.class);
        violations.push(early);
      }
    }
  }
  return { violations, shows };
}

interface Part {
  readonly v: RawViolation;
  readonly inStrong: boolean;
}

/** Cuts a violation that is several in a row where some of them have pages in the ranges and others have none. */
function parts(whole: RawViolation, ranges: Ranges): Part[] {
  const grain = whole.grain ?? whole.end - whole.start;
  const list: Part[] = [];
  let from = whole.start;
  let inStrong = touches(ranges, from, from + grain);
  const cut = (end: number): void => {
    const index = whole.index + ((from - whole.start) / grain) * (whole.indexStep ?? 1);
    const isAll = from === whole.start && end === whole.end;
    list.push({ v: isAll ? whole : { ...whole, start: from, end, index }, inStrong });
  };
  for (let start = from + grain; start < whole.end; start += grain) {
    if (touches(ranges, start, start + grain) === inStrong) continue;
    cut(start);
    from = start;
    inStrong = !inStrong;
  }
  cut(whole.end);
  return list;
}
