import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { type CheckInput, check, Decision } from "../../src/check/index.ts";
import { EditScript, type InvalidateStep, type Step } from "../../src/edit-script/index.ts";
import { DriverAtWork } from "./driver/recorded-call.ts";
import { styleOf } from "./driver/style.ts";
import { randomDirtyCase } from "./random-dirty-script.ts";
import { randomCase } from "./random-script.ts";
import { scatteredCase } from "./scattered-script.ts";
import { seededRandom } from "./seeded-random.ts";

const SECOND = 9;

/** What may set the second domain apart: one of its invalidations is not as the first one's, or a wait is not for its IOMMU. */
const DIFFERENCES = ["none", "none", "missing", "scope", "caches", "pages", "later", "wait"] as const;
type Difference = (typeof DIFFERENCES)[number];

const changed: Partial<Record<Difference, (step: InvalidateStep) => InvalidateStep[]>> = {
  missing: () => [],
  scope: (step) => [{ ...step, scope: step.scope === "leaf" ? "nonLeaf" : "leaf" }],
  caches: (step) => [{ ...step, caches: step.caches & 5 }],
  pages: (step) => [{ ...step, pages: Math.max(1, step.pages - 1) }],
};

/** The same script for two domains with the same tables, each behind an IOMMU; the one on which they differ is drawn. */
function forTwo(input: CheckInput, difference: Difference, random: (below: number) => number): CheckInput {
  const [domain] = input.domains;
  const own = [...input.script].filter((step) => !("domain" in step) || step.domain === domain!.id);
  const odd = (op: Step["op"]): number => {
    const places = own.flatMap((step, i) => (step.op === op ? [i] : []));
    return places[random(places.length)] ?? -1;
  };
  const [oddOne, oddWait] = [odd("invalidate"), difference === "wait" ? odd("wait") : -1];
  let late: Step[] = [];
  const steps = own.flatMap((step, i): Step[] => {
    const held = late;
    late = [];
    if (i === oddWait && step.op === "wait") return [{ ...step, iommu: 0 }, ...held];
    if (step.op !== "invalidate") return [step, ...held];
    const copy: InvalidateStep = { ...step, domain: SECOND };
    if (i !== oddOne) return [step, ...held, copy];
    if (difference === "later") late = [copy];
    return [step, ...held, ...(difference === "later" ? [] : (changed[difference]?.(copy) ?? [copy]))];
  });
  return {
    ...input,
    domains: [
      { ...domain!, iommu: 0 },
      { ...domain!, id: SECOND, iommu: 1 },
    ],
    script: EditScript.from([...steps, ...late]),
  };
}

/** The second of two calls of a driver that makes no mistake. */
function ofDriver(seed: number): CheckInput {
  const work = new DriverAtWork(styleOf(seed, { trees: [[0]] }), seededRandom(seed));
  work.call();
  return work.call().input;
}

const kinds: readonly (readonly [string, number, (seed: number) => CheckInput])[] = [
  ["small scripts", 600, (seed) => randomCase(700_000 + seed).input],
  ["scattered pages", 60, (seed) => scatteredCase(700_000 + seed)],
  ["dirty bits", 300, (seed) => randomDirtyCase(700_000 + seed).input],
  ["calls of drivers", 150, ofDriver],
];

describe("a domain that is invalidated with another one that has its tables", () => {
  const seen = { decided: 0, taken: 0, apart: 0 };
  afterAll(() => {
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20);
  });
  afterEach(() => vi.restoreAllMocks());

  it.each(kinds)("is judged as it is by itself, in %s", (_, cases, make) => {
    const walks = vi.spyOn(Decision.prototype, "walk");
    for (let seed = 1; seed <= cases; seed++) {
      const random = seededRandom(seed);
      const input = forTwo(make(seed), DIFFERENCES[random(DIFFERENCES.length)]!, random);
      const mode = seed % 3 === 0 ? "strong" : "weak";
      const byItself = check(input, { mode, causes: false, skipTwins: false });
      walks.mockClear();
      expect(check(input, { mode, causes: false }), `seed ${seed}`).toEqual(byItself);
      const isTaken = byItself.verdict === "clean" && walks.mock.calls.length === 1;
      seen[isTaken ? "taken" : "decided"]++;
      if (byItself.findings.length > 0 && byItself.findings.every((f) => f.domain === SECOND)) seen.apart++;
    }
  });
});
