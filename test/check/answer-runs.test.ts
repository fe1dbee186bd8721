import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnswerRuns } from "../../src/check/rules/answer-runs.ts";
import { type OneSidedAnswer, relapses, type View } from "../../src/check/rules/relapse.ts";
import type { StoredEntries } from "../../src/check/script/stored-entries.ts";

/** Pages of a table. */
const SPAN = 4;
const NOTHING: readonly StoredEntries[] = [];
/** Below an entry that an old answer may be read from, too. */
const LINK: readonly StoredEntries[] = [{ table: 5, first: 1, count: 1, step: 3 }];

/** An answer of one page; what lies before `until` can be met. */
const answer = fc.record({
  page: fc.nat(SPAN),
  isNew: fc.boolean(),
  from: fc.integer({ min: 1, max: 4 }),
  until: fc.integer({ min: 2, max: 6 }),
  isKept: fc.nat(3).map((n) => n === 0),
  isKeptByDevice: fc.nat(3).map((n) => n === 0),
  table: fc.constantFrom(5, 5, 5, 6),
  step: fc.integer({ min: 0, max: 4 }),
  above: fc.constantFrom(NOTHING, NOTHING, LINK),
  tellsEntries: fc.nat(3).map((n) => n > 0),
});
interface Drawn extends Omit<typeof answer extends fc.Arbitrary<infer T> ? T : never, "until"> {
  until: number;
}

const key = fc.constantFrom(
  "page",
  "from",
  "until",
  "isKept",
  "table",
  "step",
  "above",
  "tellsEntries",
  "none",
);

/** Answers of pages in rising order: each is that of the page before, but mostly in one thing. */
const drawn = fc
  .array(fc.record({ answer, key, gap: fc.constantFrom(1, 1, 1, 2) }), { maxLength: 14 })
  .map((list) => {
    const all: Drawn[] = [];
    for (const { answer, key, gap } of list) {
      const last = all.at(-1);
      if (last === undefined || key === "page") all.push(answer);
      else if (key === "none") all.push({ ...last, page: last.page + gap });
      else all.push({ ...last, page: last.page + gap, [key]: answer[key] });
    }
    return all.map((each) => ({ ...each, until: Math.max(each.until, each.from + 1) }));
  });

const originOf = ({ page, table, step, until, above }: Drawn) => {
  return { table, index: page % SPAN, level: 0, at: page, span: 1, step, until, above };
};

function plain(drawn: Drawn): OneSidedAnswer {
  const { page, from, until, isKept, isKeptByDevice, table, step, above, tellsEntries } = drawn;
  const entries = tellsEntries ? { table, first: page % SPAN, count: 1, step } : null;
  const when = { from, until, isKept, isKeptByDevice };
  return { start: page, end: page + 1, ...when, origin: originOf(drawn), entries, above };
}

function joined(all: readonly Drawn[], isNew: boolean, isHeld: boolean): AnswerRuns {
  const runs = new AnswerRuns(isNew);
  for (const each of all.filter((a) => a.isNew === isNew)) {
    const { page, from, until, isKept, isKeptByDevice, tellsEntries } = each;
    runs.add(page, page + 1, from, until, isKept, isKeptByDevice, originOf(each), tellsEntries);
    // Whoever asks for reads and for writes gets the same answer twice.
    runs.add(page, page + 1, from, until, isKept, isKeptByDevice, originOf(each), tellsEntries);
  }
  if (!isHeld) return runs;
  const others = new AnswerRuns(isNew);
  others.addAll(runs);
  return others;
}

/** Pages that relapse, each with the entry that shows it. */
const pagesOf = (views: readonly View[], hasAtc: boolean): string[] => {
  const pages = relapses(views, hasAtc).flatMap(({ old: { start, end, origin } }) =>
    Array.from({ length: end - start }, (_, i) => {
      const index = origin.index + Math.floor((start + i - origin.at) / origin.span);
      return `${start + i} ${origin.table}[${index}] ${origin.until}`;
    }),
  );
  return [...new Set(pages)].sort();
};

describe("answers that only one map gives", () => {
  it("show the same pages whether those of a table are one answer or one each", () => {
    let relapsing = 0;
    let fewer = 0;
    let most = 0;
    fc.assert(
      fc.property(drawn, drawn, fc.boolean(), fc.boolean(), (first, second, hasAtc, isHeld) => {
        const [one, other] = [first, second].map((all, tag) => {
          const beginsUntil = tag === 0 ? 4 : 1000;
          const [news, olds] = [true, false].map((isNew) => all.filter((a) => a.isNew === isNew).map(plain));
          const [newRuns, oldRuns] = [true, false].map((isNew) => joined(all, isNew, isHeld));
          most += all.length;
          fewer += newRuns!.list.length + oldRuns!.list.length;
          return [
            { beginsUntil, news: news!, olds: olds! },
            { beginsUntil, news: newRuns!.list, olds: oldRuns!.list },
          ] as const;
        });
        const expected = pagesOf([one![0], other![0]], hasAtc);
        expect(pagesOf([one![1], other![1]], hasAtc)).toEqual(expected);
        if (expected.length > 0) relapsing++;
      }),
      { numRuns: 8000 },
    );
    expect(relapsing).toBeGreaterThan(800);
    expect(fewer).toBeLessThan(most / 1.2);
  });
});
