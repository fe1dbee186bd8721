import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NEVER } from "../../src/check/script/positions.ts";
import { ScriptLog } from "../../src/check/script/script-log.ts";
import { EditScript, type Step } from "../../src/edit-script/index.ts";
import type { Pfn } from "../../src/units/index.ts";

const at = { table: 0x100 as Pfn, index: 0 };
const STEPS: Readonly<Record<string, Step>> = {
  store: { op: "store", update: 0, ...at, entry: 0n },
  clean: { op: "clean", ...at, count: 1 },
  collect: { op: "collect", ...at, count: 1 },
  barrier: { op: "barrier" },
  wait: { op: "wait", drain: false },
};
const kind = fc.constantFrom("store", "store", "store", "clean", "collect", "barrier", "wait", "wait");

describe("what comes behind a step that writes", () => {
  it("is the first step that neither stores nor cleans, and the first barrier, whatever was asked before", () => {
    const seen = { stops: 0, barriers: 0, neither: 0, collects: 0 };
    fc.assert(
      fc.property(
        fc.array(kind, { minLength: 1, maxLength: 400, size: "max" }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 30 }),
        (kinds, asks) => {
          const { stops } = new ScriptLog(EditScript.from(kinds.map((own) => STEPS[own]!)), [], true);
          const writes = kinds.flatMap((own, k) => (/store|clean|collect/.test(own) ? [k + 1] : []));
          const firstBehind = (step: number, isWanted: (own: string) => boolean): number => {
            const found = kinds.findIndex((own, k) => k + 1 > step && isWanted(own));
            return found < 0 ? NEVER : found + 1;
          };
          for (const ask of writes.length === 0 ? [] : asks) {
            const step = writes[ask % writes.length]!;
            const stop = firstBehind(step, (own) => own !== "store" && own !== "clean");
            const barrier = firstBehind(step, (own) => own === "barrier");
            if (ask % 2 === 0) expect(stops.behind(step)).toBe(stop);
            expect(stops.barrierBehind(step)).toBe(barrier);
            expect(stops.behind(step)).toBe(stop);
            seen[stop === NEVER ? "neither" : barrier === stop ? "barriers" : "stops"]++;
            if (kinds[step - 1] === "collect") seen.collects++;
          }
        },
      ),
      { numRuns: 300 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
  });
});
