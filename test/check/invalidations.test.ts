import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { InvalidationQueues } from "../../src/check/script/invalidation-queues.ts";
import { NEVER } from "../../src/check/script/positions.ts";
import { ScriptLog } from "../../src/check/script/script-log.ts";
import { CACHES_ALL, EditScript, type Step } from "../../src/edit-script/index.ts";
import { iovaPfn, type Pfn } from "../../src/units/index.ts";

const iommu = fc.constantFrom(null, null, 0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .tuple(fc.constantFrom(1, 2, 3), fc.constantFrom("leaf" as const, "nonLeaf" as const), fc.nat(3))
    .map(([domain, scope, caches]): Step => {
      return { op: "invalidate", domain, scope, caches: CACHES_ALL ^ caches, iovaPfn: iovaPfn(0), pages: 1 };
    }),
  fc.tuple(fc.boolean(), iommu).map(([drain, own]): Step => {
    return own === null ? { op: "wait", drain } : { op: "wait", drain, iommu: own };
  }),
  fc.constant<Step>({ op: "barrier" }),
);
/** Domain 2 has an IOMMU of its own; nobody has tag 3, which belongs to the first until domain 2 gets it. */
const DOMAINS = [1, 2].map((id) => ({ id, root: 0x100 as Pfn, levels: 2, iommu: id - 1 }));
const RETAGGED: Step = { op: "setRoot", update: 1, domain: 2, root: 0x200 as Pfn, levels: 2, tag: 3 };
const iommuOf = (tag: number, isRetagged: boolean): number =>
  tag === 2 || (tag === 3 && isRetagged) ? 1 : 0;

describe("what a script posts", () => {
  it("is complete by the next wait for its IOMMU, and drained by the next one behind that drains", () => {
    const seen = { drainedLater: 0, never: 0, undrained: 0, retagged: 0 };
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 30, size: "max" }),
        fc.nat(60),
        (drawn, place) => {
          const steps = place < drawn.length ? drawn.toSpliced(place, 0, RETAGGED) : drawn;
          const { invalidations } = new ScriptLog(EditScript.from(steps), DOMAINS);
          let at = 0;
          for (const [k, posted] of steps.entries()) {
            if (posted.op !== "invalidate") continue;
            const waitFrom = (from: number, mustDrain: boolean): number => {
              // It stays in the queue that it was posted to; whose accesses it is about shows in the end.
              const isRetagged = place < (mustDrain ? drawn.length : k);
              const isOwn = (other: Step): boolean =>
                other.op === "wait" &&
                (other.iommu === undefined || other.iommu === iommuOf(posted.domain, isRetagged)) &&
                (other.drain || !mustDrain);
              const found = steps.findIndex((other, i) => i >= from && isOwn(other));
              return found < 0 ? NEVER : found + 1;
            };
            const completes = waitFrom(k, false);
            const drained = completes === NEVER ? NEVER : waitFrom(completes - 1, true);
            expect(invalidations.step(at)).toBe(k + 1);
            expect(invalidations.completes(at)).toBe(completes);
            expect(invalidations.drained(at)).toBe(drained);
            expect(invalidations.caches(at)).toBe(posted.caches);
            expect(invalidations.isNonLeaf(at)).toBe(posted.scope === "nonLeaf");
            if (posted.domain === 3 && place < drawn.length) seen.retagged++;
            if (completes === NEVER) seen.never++;
            else if (drained === NEVER) seen.undrained++;
            else if (drained > completes) seen.drainedLater++;
            at++;
          }
          expect(invalidations.length).toBe(at);
        },
      ),
      { numRuns: 300 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
  });

  it("is looked up once for each tag where a domain got another one, however much is posted", () => {
    const drainsOf = vi.spyOn(InvalidationQueues.prototype, "drainsOf");
    const own: Step = { op: "wait", drain: true, iommu: 1 };
    const all = { scope: "leaf", caches: CACHES_ALL, iovaPfn: iovaPfn(0), pages: 1 } as const;
    const posted = Array.from({ length: 50 }, (): Step[] => [{ op: "invalidate", domain: 3, ...all }, own]);
    const { invalidations } = new ScriptLog(EditScript.from([RETAGGED, ...posted.flat()]), DOMAINS);
    expect(invalidations.drained(49)).toBe(101);
    expect(drainsOf.mock.calls).toEqual([[3]]);
    drainsOf.mockRestore();
  });
});
