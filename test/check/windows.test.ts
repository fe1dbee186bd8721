import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { declaredWindows, type Window, type WindowStep } from "../../src/check/script/declared-windows.ts";
import { NEVER } from "../../src/check/script/positions.ts";
import { Windows } from "../../src/check/script/windows.ts";

const PAGES = 9;

const range = fc.tuple(fc.nat(PAGES - 1), fc.integer({ min: 1, max: 5 }));
const steps = fc
  .array(
    fc.tuple(
      fc.integer({ min: 0, max: 4 }),
      range,
      fc.constantFrom(1, 1, 1, 2),
      fc.integer({ min: 1, max: 3 }),
    ),
    {
      maxLength: 24,
    },
  )
  .map((all) => {
    let step = 0;
    return all.map(([kind, [start, pages], domain, by]): WindowStep => {
      step += by;
      return { step, opens: kind < 3, domain, start, end: start + pages };
    });
  });

/** What the steps declare, by going through all windows at each of them. */
function declaredPlainly(all: readonly WindowStep[]): Window[] {
  let windows: Window[] = [];
  for (const { step, opens, domain, start, end } of all) {
    if (opens) {
      windows.push({ domain, start, end, open: step, close: NEVER });
      continue;
    }
    const isTouched = (w: Window): boolean =>
      w.domain === domain && w.close === NEVER && w.start < end && start < w.end;
    const isInside = (w: Window): boolean => isTouched(w) && start <= w.start && w.end <= end;
    if (windows.some(isInside)) {
      for (const w of windows) if (isInside(w)) w.close = step;
      continue;
    }
    windows = windows.flatMap((w) => {
      if (!isTouched(w)) return [w];
      const parts = [
        { ...w, end: Math.max(w.start, start) },
        { ...w, start: Math.max(w.start, start), end: Math.min(w.end, end), close: step },
        { ...w, start: Math.min(w.end, end) },
      ];
      return parts.filter((part) => part.start < part.end);
    });
  }
  return windows;
}

const texts = (windows: readonly Window[]): string[] => windows.map((w) => JSON.stringify(w)).sort();

describe("declared windows", () => {
  it("are those that going through all of them at each step finds", () => {
    let split = 0;
    fc.assert(
      fc.property(steps, (all) => {
        const windows = declaredWindows(all);
        if (windows.length > all.filter(({ opens }) => opens).length) split++;
        expect(texts(windows)).toEqual(texts(declaredPlainly(all)));
      }),
      { numRuns: 2_000 },
    );
    expect(split).toBeGreaterThan(200);
  });

  it("begin and end where one of them does, for pages asked about in any order", () => {
    fc.assert(
      fc.property(steps, fc.array(fc.nat(PAGES + 6), { minLength: 1, maxLength: 20 }), (all, pages) => {
        const declared = declaredPlainly(all);
        const windows = new Windows(declared);
        for (const page of pages) {
          const edges = declared.flatMap(({ start, end }) => [start, end]).filter((edge) => edge > page);
          expect(windows.edgeBehind(page)).toBe(Math.min(...edges));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("allow what at each position one of them allows", () => {
    const seen = { allowed: 0, joined: 0 };
    const asked = fc.array(fc.tuple(fc.nat(PAGES + 5), fc.array(fc.nat(40), { maxLength: 4 }), fc.nat(45)), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(steps, asked, (all, asks) => {
        const declared = declaredPlainly(all);
        const windows = new Windows(declared);
        for (const [page, edges, end] of asks) {
          const spans = edges.toSorted((a, b) => a - b).slice(edges.length % 2);
          const own = declared.filter((w) => w.start <= page && page < w.end);
          const positions = Array.from({ length: end }, (_, at) => at).filter((at) =>
            spans.some((from, i) => i % 2 === 0 && from <= at && at < spans[i + 1]!),
          );
          const isAllowed =
            own.length > 0 && positions.every((at) => own.some((w) => w.open <= at && at < w.close));
          expect(windows.allow(page, spans, end)).toBe(isAllowed);
          if (!isAllowed || positions.length === 0) continue;
          seen.allowed++;
          if (!own.some((w) => positions.every((at) => w.open <= at && at < w.close))) seen.joined++;
        }
      }),
      { numRuns: 5_000 },
    );
    expect(seen.allowed).toBeGreaterThan(200);
    expect(seen.joined).toBeGreaterThan(10);
  });
});
