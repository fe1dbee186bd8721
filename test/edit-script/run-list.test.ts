import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type RunExtent, RunList } from "../../src/edit-script/run-list.ts";

interface Run {
  readonly at: number;
  readonly length: number;
}
const EXTENT: RunExtent<Run> = { start: ({ at }) => at, end: ({ at, length }) => at + length };
const PLACES = 4000;

/** A change of the places [start, start + length): they are filled anew by runs of some length, or left empty. */
const partChange = fc.record({
  start: fc.nat(PLACES - 1),
  length: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 12 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: PLACES }) },
  ),
  runs: fc.nat(3),
});
const change = fc.oneof(
  { weight: 12, arbitrary: partChange },
  { weight: 1, arbitrary: fc.nat(2).map((runs) => ({ start: 0, length: 2 * PLACES, runs })) },
);

const touches = (run: Run, start: number, end: number): boolean =>
  run.at < end && start < run.at + run.length;

/** Runs side by side that fill [start, end). */
function filling(start: number, end: number, length: number): Run[] {
  const runs: Run[] = [];
  for (let at = start; at < end; at += length) runs.push({ at, length: Math.min(length, end - at) });
  return runs;
}

/** Lists of thousands are compared word for word only where they are not the very same runs. */
function expectSame(found: readonly Run[], expected: readonly Run[]): void {
  const isSame = found.length === expected.length && found.every((run, i) => run === expected[i]);
  if (!isSame) expect(found).toEqual(expected);
}

describe("a list of runs", () => {
  it("is what changes make of it one by one, and stays as it is when others are made of it", () => {
    const seen = { long: 0, empty: 0 };
    fc.assert(
      fc.property(fc.boolean(), fc.array(change, { maxLength: 40, size: "max" }), (isFull, changes) => {
        let runs = isFull ? filling(0, PLACES, 2) : [];
        let list = RunList.of(runs, EXTENT);
        const before: (readonly [RunList<Run>, readonly Run[]])[] = [];
        for (const { start, length, runs: most } of changes) {
          before.push([list, runs]);
          const end = start + length;
          const met = runs.filter((run) => touches(run, start, end));
          expectSame(list.touching(start, end), met);
          const others = most === 0 ? [] : filling(start, end, most);
          list = list.replaced(start, end, others);
          const kept = runs.filter((run) => !touches(run, start, end));
          runs = [...kept, ...others].sort((a, b) => a.at - b.at);
          expect(list.length).toBe(runs.length);
          expect(list.end).toBe(runs.length === 0 ? 0 : EXTENT.end(runs.at(-1)!));
          if (runs.length > 1000) seen.long++;
          if (runs.length === 0) seen.empty++;
        }
        before.push([list, runs]);
        for (const [one, expected] of before) expectSame(one.all(), expected);
      }),
      { numRuns: 150 },
    );
    expect(seen.long).toBeGreaterThan(100);
    expect(seen.empty).toBeGreaterThan(20);
  });
});
