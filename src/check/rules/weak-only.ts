import { firstEndingAfter, NO_RANGES, type Ranges, touches } from "../lists/ranges.ts";
import { pagesByClass } from "./pages-by-class.ts";
import type { ViolationClass } from "./violation-class.ts";
import { Violations } from "./violations.ts";

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
  "V08",
  "V09",
  "V10",
  "V11",
  "V13",
]);

/** Classes that keep their name: what is missing is missing, whatever hides what is there. */
const NAMED_ALIKE: ReadonlySet<ViolationClass> = new Set(["V05"]);
const NONE: ReadonlySet<ViolationClass> = new Set();

/** The same where walks show the same in both orders. */
const LOST_BITS: ReadonlySet<ViolationClass> = new Set(["V10"]);

/**
 * Renames to V15 what exists in weak mode only: a store was published before it was visible. A page that is still missing
 * after the return because its store was never pushed out stays V05.
 */
export function publishedTooEarly(weak: Violations, strong: Violations): Violations {
  const known = new Map<number, ReadonlyMap<ViolationClass, Ranges>>();
  const shownIn = (domain: number, kind: ViolationClass): Ranges => {
    let ofDomain = known.get(domain);
    if (ofDomain === undefined) known.set(domain, (ofDomain = pagesByClass(strong, domain)));
    return ofDomain.get(kind) ?? NO_RANGES;
  };
  return renamed(weak, SHOWN_BY_BARRIERS, NAMED_ALIKE, shownIn);
}

/** The same where only dirty bits depend on the mode, by the pages of each domain that lose one in strong mode too. */
export const lostTooEarly = (weak: Violations, strong: ReadonlyMap<number, Ranges>): Violations =>
  renamed(weak, LOST_BITS, NONE, (domain) => strong.get(domain) ?? NO_RANGES);

/**
 * Violations of which those of some classes are V15 where they are not shown in strong mode, and those of others only marked; the very
 * same where all are shown.
 */
function renamed(
  weak: Violations,
  classes: ReadonlySet<ViolationClass>,
  marked: ReadonlySet<ViolationClass>,
  shownIn: (domain: number, kind: ViolationClass) => Ranges,
): Violations {
  let result: Violations | null = null;
  let place = -1;
  let kind!: ViolationClass;
  let ranges = NO_RANGES;
  for (let i = 0; i < weak.length; i++) {
    const [start, end] = [weak.start(i), weak.end(i)];
    if (weak.place(i) !== place) {
      place = weak.place(i);
      kind = weak.class(i);
      ranges = shownIn(weak.domain(i), kind);
    }
    // Some of the pages may be in the ranges and others not.
    for (let from = start; from < end; ) {
      let [isShown, to] = [true, end];
      if (classes.has(kind) || marked.has(kind)) {
        const at = firstEndingAfter(ranges, from);
        const first = ranges.starts[at] ?? Infinity;
        // What takes two pages is not the one's or the other's.
        const seen = kind === "V11" ? weak.relapse(i)?.seen : undefined;
        isShown = seen === undefined ? first <= from : first < end || touches(ranges, seen.start, seen.end);
        if (seen === undefined) to = Math.min(end, isShown ? ranges.ends[at]! : first);
      }
      if (!isShown) result ??= copied(weak, i, from);
      const isNamedAlike = isShown || marked.has(kind);
      result?.copy(weak, i, { class: isNamedAlike ? kind : "V15", isWeakOnly: !isShown }, from, to);
      from = to;
    }
  }
  return result ?? weak;
}

const shown = (violations: Violations, i: number) => ({ class: violations.class(i), isWeakOnly: false });

/** The first rows of some violations, and of the next one the pages before `end`. */
function copied(violations: Violations, rows: number, end: number): Violations {
  const copy = new Violations(violations);
  for (let i = 0; i < rows; i++)
    copy.copy(violations, i, shown(violations, i), violations.start(i), violations.end(i));
  if (violations.start(rows) < end)
    copy.copy(violations, rows, shown(violations, rows), violations.start(rows), end);
  return copy;
}
