import fc from "fast-check";
import { expect, it } from "vitest";
import { EditScript } from "../../src/edit-script/index.ts";
import { anyStep } from "./any-script.ts";

const steps = fc.array(anyStep, { maxLength: 12 });

it("a script with steps inserted is the script of all of them, and what it was made of stays as it is", () => {
  let gathers = 0;
  fc.assert(
    fc.property(steps, steps, fc.nat(12), (before, added, at) => {
      const script = EditScript.from(before);
      const place = Math.min(at, before.length);
      const word = EditScript.from(before.slice(0, place)).words.length;
      const result = script.withInserted(word, added);
      const all = before.toSpliced(place, 0, ...added);
      expect([...result]).toEqual(all);
      expect(result.steps).toBe(all.length);
      expect(result.newUpdate()).toBe(EditScript.from(all).newUpdate());
      expect([...script]).toEqual(before);
      // It can be added to like any other.
      result.barrier();
      expect([...result]).toEqual([...all, { op: "barrier" }]);
      if (all.some(({ op }) => op === "gather")) gathers++;
    }),
  );
  expect(gathers).toBeGreaterThan(5);
});
