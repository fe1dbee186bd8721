import { NO_RANGES, type Ranges, touches } from "./ranges.ts";
import type { ViolationClass } from "./violation-class.ts";
import { pagesByClass, Violations } from "./violations.ts";

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

/** The same where walks show the same in both orders. */
export const ONLY_LOST_BITS: ReadonlySet<ViolationClass> = new Set(["V10"]);

/**
 * Renames to V15 what exists in weak mode only: a store was published before it was visible. A page that is still missing
 * after the return because its store was never pushed out stays V05. Classes that are not `told` are taken to be the same in both
 * modes.
 */
export function publishedTooEarly(
  weak: Violations,
  strong: Violations,
  told = SHOWN_BY_BARRIERS,
): Violations {
  const known = new Map<number, ReadonlyMap<ViolationClass, Ranges>>();
  const shownIn = (domain: number, kind: ViolationClass): Ranges => {
    let ofDomain = known.get(domain);
    if (ofDomain === undefined) known.set(domain, (ofDomain = pagesByClass(strong, domain)));
    return ofDomain.get(kind) ?? NO_RANGES;
  };
  const result = new Violations(weak);
  let place = -1;
  let kind!: ViolationClass;
  let ranges = NO_RANGES;
  for (let i = 0; i < weak.length; i++) {
    const [start, end, grain] = [weak.start(i), weak.end(i), weak.grain(i)];
    if (weak.place(i) !== place) {
      place = weak.place(i);
      kind = weak.class(i);
      ranges = shownIn(weak.domain(i), kind);
    }
    if (!told.has(kind)) {
      result.copy(weak, i, kind, start, end);
      continue;
    }
    // Of several in a row some may have pages in the ranges and others none.
    for (let from = start; from < end; ) {
      const isInStrong = touches(ranges, from, from + grain);
      let to = from + grain;
      while (to < end && touches(ranges, to, to + grain) === isInStrong) to += grain;
      result.copy(weak, i, isInStrong ? kind : "V15", from, to);
      from = to;
    }
  }
  return result;
}
