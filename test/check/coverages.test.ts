import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { oneRange, type Ranges } from "../../src/check/lists/ranges.ts";
import { NEVER } from "../../src/check/script/positions.ts";
import { ScriptLog } from "../../src/check/script/script-log.ts";
import type { Coverage } from "../../src/check/walks/coverage.ts";
import { Coverages } from "../../src/check/walks/coverages.ts";
import { CACHE_ATC, CACHE_IOTLB, CACHE_WALK, EditScript, type Step } from "../../src/edit-script/index.ts";
import { iovaPfn, type Pfn } from "../../src/units/index.ts";
import { stretchesOf } from "./stretches.ts";

const PAGES = 12;
const TAG = 1;

const pageRange = fc
  .tuple(fc.nat(PAGES - 1), fc.integer({ min: 0, max: PAGES }))
  .map(([start, pages]) => ({ iovaPfn: iovaPfn(start), pages }));

/** Steps that invalidate, or wait, and some that only take their place. */
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        domain: fc.constantFrom(TAG, TAG, TAG, 2),
        scope: fc.constantFrom("leaf" as const, "nonLeaf" as const),
        caches: fc.constantFrom(7, 7, 3, 1, 4, 6, 2),
        where: fc.oneof(fc.constant({ iovaPfn: iovaPfn(0), pages: PAGES }), pageRange),
      })
      .map(({ where, ...how }) => ({ op: "invalidate" as const, ...how, ...where })),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("wait" as const), drain: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ op: "barrier" as const }) },
);

/** Pages that are looked at, in ranges. */
const wantedPages = fc.array(fc.boolean(), { minLength: PAGES, maxLength: PAGES });

function rangesOf(pages: readonly boolean[]): Ranges {
  const starts = pages.flatMap((is, page) => (is && !pages[page - 1] ? [page] : []));
  const ends = pages.flatMap((is, page) => (is && !pages[page + 1] ? [page + 1] : []));
  return { starts: Float64Array.from(starts), ends: Float64Array.from(ends) };
}

/** What is posted of the tag, as it stands in the script, with the wait that completes it. */
function postedIn(steps: readonly Step[]) {
  return steps.flatMap((step, k) => {
    if (step.op !== "invalidate" || step.domain !== TAG) return [];
    const wait = steps.findIndex((other, at) => at > k && other.op === "wait");
    const completes = wait < 0 ? NEVER : wait + 1;
    return [{ ...step, step: k + 1, completes, end: step.iovaPfn + step.pages }];
  });
}
type Posted = ReturnType<typeof postedIn>[number];

const stopsWalks = ({ scope, caches }: Posted): boolean => scope === "nonLeaf" && (caches & CACHE_WALK) !== 0;

/** When a leaf that a walk of one generation loads last at a position is out of all caches, by the rules as they are written. */
function leafDeath(
  reaching: readonly Posted[],
  hasAtc: boolean,
  mustContain: boolean,
  ender: Posted | undefined,
  loaded: number,
  start: number,
  end: number,
): number {
  const drops = (inv: Posted): boolean => !mustContain || (inv.iovaPfn <= start && end <= inv.end);
  const stops = (inv: Posted): boolean =>
    stopsWalks(inv) && ender !== undefined && inv.step >= ender.step && ender.step <= loaded;
  const first = reaching.findIndex(
    (inv) => inv.caches & CACHE_IOTLB && drops(inv) && (inv.step > loaded || stops(inv)),
  );
  if (first < 0) return NEVER;
  if (!hasAtc) return reaching[first]!.completes;
  return reaching.slice(first).find((inv) => inv.caches & CACHE_ATC && drops(inv))?.completes ?? NEVER;
}

describe("the stretches of pages that the same invalidations reach", () => {
  it("hold each wanted page once, and say of it what its own invalidations say", () => {
    const seen = { shared: 0, own: 0, mixed: 0, generations: 0, deaths: 0 };
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 24, size: "max" }),
        wantedPages,
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.nat(26), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (list, wanted, hasAtc, mustContain, positions, isTurned) => {
          const steps = list as Step[];
          const domain = { id: TAG, root: 0x100 as Pfn, levels: 2 };
          const log = new ScriptLog(EditScript.from(steps), [domain]);
          const posted = postedIn(steps);
          const expectOwn = (coverage: Coverage): void => {
            const own = posted.filter((inv) => inv.iovaPfn <= coverage.start && coverage.start < inv.end);
            expectAlike(log.invalidations, coverage, own, hasAtc, mustContain, positions, seen);
          };
          const all: Coverage[] = [];
          const made = new Coverages(log, TAG, PAGES, rangesOf(wanted), hasAtc, mustContain);
          for (const coverage of stretchesOf(made)) {
            expectOwn(coverage);
            all.push(coverage);
          }
          // Each says the same once the next ones have been looked at, in whatever order.
          for (const coverage of isTurned ? all.toReversed() : all) expectOwn(coverage);
          for (let page = 0; page < PAGES; page++) {
            const here = all.filter(({ start, end }) => start <= page && page < end);
            if (!wanted[page]) expect(here.length).toBeLessThanOrEqual(1);
            else expect(here).toHaveLength(1);
            for (const coverage of here) {
              const own = posted.filter((inv) => inv.iovaPfn <= page && page < inv.end);
              const isShared = (inv: Posted): boolean => wanted.every((is, p) => !is || covers(inv, p));
              const shared = own.filter(isShared).length;
              if (shared > 0) seen.shared++;
              if (shared < own.length) seen.own++;
              if (shared > 0 && shared < own.length && own.some((inv) => !isShared(inv) && stopsWalks(inv)))
                seen.mixed++;
              expect(own.map(({ step }) => step)).toEqual(
                posted
                  .filter((inv) => inv.iovaPfn <= coverage.start && coverage.start < inv.end)
                  .map(({ step }) => step),
              );
            }
          }
          expect(all.at(-1)?.end ?? PAGES).toBe(PAGES);
        },
      ),
      { numRuns: 400 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(200);
  });
});

describe("stretches of one page that somebody decides", () => {
  it("are left out, and were shown with all that reaches the page", () => {
    const seen = { passed: 0, refused: 0, deaths: 0 };
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 24, size: "max" }),
        wantedPages,
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.boolean(), { minLength: PAGES, maxLength: PAGES }),
        (list, wanted, hasAtc, mustContain, decided) => {
          const steps = list as Step[];
          const log = new ScriptLog(EditScript.from(steps), [{ id: TAG, root: 0x100 as Pfn, levels: 2 }]);
          const posted = postedIn(steps);
          const stretches = (): Coverages =>
            new Coverages(log, TAG, PAGES, rangesOf(wanted), hasAtc, mustContain);
          const placeOf = ({ start, end }: Coverage) => ({ start, end });
          const all = [...stretchesOf(stretches())].map(placeOf);
          const shown: number[] = [];
          const left = [
            ...stretchesOf(stretches(), (lone) => {
              const page = lone.start;
              expect(lone.end).toBe(page + 1);
              shown.push(page);
              const own = posted.filter((inv) => covers(inv, page));
              for (let until = 1; until <= steps.length + 1; until++) {
                const death = leafDeath(own, hasAtc, mustContain, undefined, until - 1, page, page + 1);
                if (death < NEVER) seen.deaths++;
                const drop = lone.leafDropBehind(until);
                expect(lone.deathBy(drop)).toBe(death);
                expect(lone.drainedBy(drop)).toBe(lone.drained(death));
                expect(lone.deathBy(lone.absenceDropBehind(until))).toBe(
                  leafDeath(own, false, mustContain, undefined, until - 1, page, page + 1),
                );
              }
              seen[decided[page] ? "passed" : "refused"]++;
              return decided[page]!;
            }),
          ].map(placeOf);
          const isOne = ({ start, end }: { start: number; end: number }): boolean => end - start === 1;
          expect(shown).toEqual(all.filter((s) => isOne(s) && wanted[s.start]).map(({ start }) => start));
          expect(left).toEqual(all.filter((s) => !(isOne(s) && wanted[s.start] && decided[s.start])));
        },
      ),
      { numRuns: 1000 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
  });

  it("leave the next ones with what reaches them", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 24, size: "max" }),
        fc.array(fc.boolean(), { minLength: PAGES, maxLength: PAGES }),
        (list, decided) => {
          const log = new ScriptLog(EditScript.from(list as Step[]), [
            { id: TAG, root: 0x100 as Pfn, levels: 2 },
          ]);
          const make = (): Coverages => new Coverages(log, TAG, PAGES, oneRange(0, PAGES), true, true);
          const all = new Map([...stretchesOf(make())].map((stretch) => [stretch.start, stretch]));
          for (const left of stretchesOf(make(), ({ start }) => decided[start]!)) {
            const same = all.get(left.start)!;
            expect([...left.reaching()]).toEqual([...same.reaching()]);
            expect([...left.begins]).toEqual([...same.begins]);
            expect([...left.deaths]).toEqual([...same.deaths]);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});

const covers = ({ iovaPfn: start, end }: Posted, page: number): boolean => start <= page && page < end;

function expectAlike(
  posted: ScriptLog["invalidations"],
  coverage: Coverage,
  own: readonly Posted[],
  hasAtc: boolean,
  mustContain: boolean,
  positions: readonly number[],
  seen: { generations: number; deaths: number },
): void {
  const { start, end } = coverage;
  expect([...coverage.reaching()].map((at) => posted.step(at))).toEqual(own.map(({ step }) => step));
  const stops = own.filter(stopsWalks);
  expect([...coverage.begins]).toEqual([0, ...stops.map(({ step }) => step), NEVER]);
  expect([...coverage.deaths]).toEqual([...stops.map(({ completes }) => completes), NEVER]);
  expect(coverage.isContaining(start, end)).toBe(own.every((inv) => inv.iovaPfn <= start && end <= inv.end));
  if (stops.length > 1) seen.generations++;
  for (const position of positions) {
    expect(coverage.firstAlive(position)).toBe(coverage.deaths.findIndex((death) => death > position));
    const begun = stops.filter(({ step }) => step < position + 1).length;
    expect(coverage.lastBegun(position + 1)).toBe(begun);
    expect(coverage.lastSubmitBefore(position)).toBe(own.findLast((i) => i.step < position)?.step ?? 0);
    expect(coverage.firstSubmitFrom(position)).toBe(own.find((i) => i.step >= position)?.step ?? NEVER);
    for (let g = 0; g < coverage.generations; g++) {
      const loaded = Math.max(position, coverage.begins[g]!);
      if (loaded >= coverage.deaths[g]!) continue;
      for (const leaf of [start, Math.max(0, start - 1)]) {
        const expected = leafDeath(own, hasAtc, mustContain, stops[g], loaded, leaf, leaf + 2);
        if (expected < NEVER) seen.deaths++;
        expect(coverage.leafDeath(g, loaded, leaf, leaf + 2)).toBe(expected);
      }
      expect(coverage.absenceDeath(g, loaded)).toBe(
        leafDeath(own, false, mustContain, stops[g], loaded, start, end),
      );
    }
  }
}
