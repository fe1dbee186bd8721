import { RangeList, type Ranges } from "../lists/ranges.ts";
import type { ViolationClass } from "./violation-class.ts";
import type { Violations } from "./violations.ts";

/** Pages of one domain that the violations from row `first` on show, by class. */
export function pagesByClass(
  violations: Violations,
  domain: number,
  first = 0,
): ReadonlyMap<ViolationClass, Ranges> {
  const lists = new Map<ViolationClass, RangeList>();
  let place = -1;
  let list: RangeList | null = null;
  for (let i = first; i < violations.length; i++) {
    if (violations.place(i) !== place) {
      place = violations.place(i);
      const kind = violations.class(i);
      list = violations.domain(i) === domain ? (lists.get(kind) ?? new RangeList()) : null;
      if (list !== null) lists.set(kind, list);
    }
    list?.push(violations.start(i), violations.end(i));
  }
  return new Map([...lists].map(([kind, all]) => [kind, all.union()]));
}
