import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Invalidations } from "../../src/check/script/invalidations.ts";
import { NEVER } from "../../src/check/script/positions.ts";
import { CutGenerations, Generations } from "../../src/check/walks/generations.ts";
import { CACHES_ALL } from "../../src/edit-script/index.ts";

const COUNT = 80;
const OWN = 3;

describe("generations that pages have in common", () => {
  it("are cut by the stops of one page after the other, whichever is asked for last", () => {
    let far = 0;
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: COUNT, maxLength: COUNT }),
        fc.array(fc.uniqueArray(fc.nat(COUNT - 1), { minLength: OWN, maxLength: OWN }), {
          minLength: 2,
          maxLength: 6,
        }),
        (isOwn, pages) => {
          const posted = new Invalidations(COUNT);
          for (let at = 0; at < COUNT; at++) {
            posted.push(2 * at + 1, 1, CACHES_ALL, true, 0, 1);
            posted.complete(at, 2 * at + 2);
          }
          const owns = new Set(pages.flat().filter((at) => isOwn[at]));
          const shared = Array.from({ length: COUNT }, (_, at) => at).filter((at) => !owns.has(at));
          const all = Generations.whole.cut(posted, shared);
          const byCount = new Map<number, CutGenerations>();
          const made = pages.map((page) => {
            const stops = page.filter((at) => owns.has(at)).sort((a, b) => a - b);
            const cuts = byCount.get(stops.length) ?? new CutGenerations(all, posted, stops.length);
            byCount.set(stops.length, cuts);
            const generations = cuts.at(stops);
            expectCut(generations, [...shared, ...stops]);
            return { generations, stops };
          });
          far += Math.max(...made.map(({ stops }) => (stops.at(-1) ?? 0) - (stops[0] ?? 0))) > 32 ? 1 : 0;
          for (const { generations, stops } of made.reverse()) expectCut(generations, [...shared, ...stops]);
        },
      ),
      { numRuns: 300 },
    );
    expect(far).toBeGreaterThan(50);
  });
});

/** They begin and die as the invalidations say that stop the walks. */
function expectCut(generations: Generations, stops: readonly number[]): void {
  const steps = stops.map((at) => 2 * at + 1).sort((a, b) => a - b);
  expect([...generations.begins]).toEqual([0, ...steps, NEVER]);
  expect([...generations.deaths]).toEqual([...steps.map((step) => step + 1), NEVER]);
  for (const position of [1, COUNT, 2 * COUNT]) {
    expect(generations.firstAlive(position)).toBe(steps.filter((step) => step + 1 <= position).length);
    expect(generations.lastBegun(position)).toBe(steps.filter((step) => step < position).length);
  }
}
