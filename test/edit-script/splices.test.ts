import fc from "fast-check";
import { expect, it } from "vitest";
import { spliced } from "../../src/check/cause/repair.ts";
import { EditScript, recordLength, type Splice, type Step } from "../../src/edit-script/index.ts";
import { anyStep } from "./any-script.ts";

/** A script, and what is taken out and put in at some of its places. */
const drawn = fc
  .array(fc.record({ step: anyStep, fate: fc.nat(5), added: fc.array(anyStep, { maxLength: 3 }) }), {
    maxLength: 12,
  })
  .chain((parts) => fc.record({ parts: fc.constant(parts), last: fc.array(anyStep, { maxLength: 3 }) }))
  .map(({ parts, last }) => {
    const splices: Splice[] = [];
    const expected: Step[] = [];
    for (const [place, { step, fate, added }] of parts.entries()) {
      const removed = fate === 0 || fate === 1 ? 1 : 0;
      const put = fate === 1 || fate === 2 ? added : [];
      if (removed > 0 || put.length > 0) splices.push({ place, removed, added: put });
      expected.push(...put);
      if (removed === 0) expected.push(step);
    }
    splices.push({ place: parts.length, removed: 0, added: last });
    return { before: parts.map(({ step }) => step), splices, expected: [...expected, ...last] };
  });

function recordsOf({ words, steps }: EditScript): Uint32Array {
  const records = new Uint32Array(steps);
  for (let at = 0, step = 0; at < words.length; at += recordLength(words, at)) records[step++] = at;
  return records;
}

it("a script with splices is the script of the steps that they leave and add, and what it was made of stays as it is", () => {
  let gathers = 0;
  fc.assert(
    fc.property(drawn, ({ before, splices, expected }) => {
      const script = EditScript.from(before);
      const result = script.withSplices(recordsOf(script), splices);
      expect([...result]).toEqual(expected);
      expect(spliced(before, splices)).toEqual(expected);
      expect(result.steps).toBe(expected.length);
      const every = EditScript.from([...before, ...expected]);
      expect(result.newUpdate()).toBe(every.newUpdate());
      expect([...script]).toEqual(before);
      // It can be added to like any other.
      result.barrier();
      expect([...result]).toEqual([...expected, { op: "barrier" }]);
      if (expected.some(({ op }) => op === "gather")) gathers++;
    }),
    { numRuns: 500 },
  );
  expect(gathers).toBeGreaterThan(25);
});
