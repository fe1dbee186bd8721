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
  const lists = new ListsByKey<RawViolation>();
  for (const v of violations) {
    const { domain, step, until, coverage } = v;
    lists.add(v, v.class, shows.get(v) ?? v.class, domain, coverage.start, step, until);
  }
  return lists.all.map((list) => {
    const example = list.reduce((best, v) => (v.start < best.start ? v : best));
    return {
      class: example.class,
      shows: shows.get(example) ?? example.class,
      domain: example.domain,
      ranges: list.length === 1 ? list : joined(list, Infinity),
      example,
      cause: null,
      causeStep: 0,
      gap: null,
    };
  });
}

/** Joins groups of one class, one cause and one step; all that lies between calls has one cause. */
export function mergedByCause(groups: readonly Group[]): Group[] {
  const lists = new ListsByKey<Group>();
  for (const group of groups) {
    const step = group.gap === null ? group.causeStep : -1;
    lists.add(group, group.class, group.cause ?? "", group.domain, step, 0, 0);
  }
  return lists.all.map((list) => {
    const first = list.reduce((best, g) => (isBefore(g, best) ? g : best));
    const ranges: PageRange[] = [];
    for (const group of list) for (const range of group.ranges) ranges.push(range);
    return { ...first, ranges: joined(ranges, Infinity) };
  });
}

/**
 * Lists of what shares two names and four numbers, in the order of their first. There may be as many as the script has stores:
 * the names and the first two numbers differ seldom, and make the only key that is a string.
 */
class ListsByKey<T> {
  readonly all: T[][] = [];
  readonly #byName = new Map<string, Map<number, Map<number, T[]> | KeyedList<T>>>();
  #last: readonly [string, string, number, number] | null = null;
  #own!: Map<number, Map<number, T[]> | KeyedList<T>>;

  add(
    item: T,
    name: string,
    other: string,
    first: number,
    second: number,
    third: number,
    fourth: number,
  ): void {
    const last = this.#last;
    if (last === null || last[0] !== name || last[1] !== other || last[2] !== first || last[3] !== second) {
      this.#last = [name, other, first, second];
      const key = this.#last.join("|");
      this.#own = this.#byName.get(key) ?? new Map();
      this.#byName.set(key, this.#own);
    }
    const own = this.#own;
    const known = own.get(third);
    if (known === undefined) own.set(third, { fourth, list: this.#started(item) });
    else if (!(known instanceof Map)) {
      if (known.fourth === fourth) known.list.push(item);
      else
        own.set(
          third,
          new Map([
            [known.fourth, known.list],
            [fourth, this.#started(item)],
          ]),
        );
    } else {
      const list = known.get(fourth);
      if (list === undefined) known.set(fourth, this.#started(item));
      else list.push(item);
    }
  }

  #started(item: T): T[] {
    const list = [item];
    this.all.push(list);
    return list;
  }
}

/** Nearly always the fourth number follows from the third. */
interface KeyedList<T> {
  readonly fourth: number;
  readonly list: T[];
}

/** The lowest page stands for all; of several faults on it the one that the cause itself makes. */
function isBefore(a: Group, b: Group): boolean {
  if (a.example.start !== b.example.start) return a.example.start < b.example.start;
  return a.gap !== null && a.example.step === a.gap.goneAt && b.example.step !== b.gap?.goneAt;
}
