import { describe, expect, it } from "vitest";
import { EditScript } from "../../src/edit-script/index.ts";
import { bruteForce } from "./brute-force.ts";
import { compare, machineOf, violationsOf } from "./compare-brute.ts";
import { behindTwoIommus, randomCase } from "./random-script.ts";

const CASES = 1500;
const PAIR_CASES = 200;
const TWO_IOMMU_CASES = 500;

describe("checker against an enumerator of all schedules", () => {
  it(`agrees on outcomes and verdicts of ${CASES} random scripts`, () => {
    let wrong = 0;
    let right = 0;
    let outcomes = 0;
    let tearing = 0;
    for (let seed = 1; seed <= CASES; seed++) {
      const random = randomCase(seed);
      const mode = seed % 2 === 0 ? "strong" : "weak";
      const collapse = seed % 3 !== 0;
      const input = { ...random.input, script: EditScript.from(random.steps) };
      const raw = violationsOf(input, mode, collapse, seed % 5 < 3);
      for (let page = 0; page < random.pages; page++) {
        const label = `seed ${seed}, page ${page}, ${mode}`;
        const seen = compare({ ...random, input }, 1, page, mode, collapse, raw, label);
        outcomes += seen.outcomes;
        if (seen.isTearing) tearing++;
        if (seen.isWrong) wrong++;
        else right++;
      }
    }
    expect(wrong).toBeGreaterThan(CASES);
    expect(right).toBeGreaterThan(CASES);
    expect(outcomes).toBeGreaterThan(5 * CASES);
    expect(tearing).toBeGreaterThan(CASES / 10);
  });

  it(`agrees on those of ${TWO_IOMMU_CASES} random scripts for two IOMMUs, each with its own queue and waits`, () => {
    let wrong = 0;
    let right = 0;
    let apart = 0;
    for (let seed = 1; seed <= TWO_IOMMU_CASES; seed++) {
      const random = behindTwoIommus(300_000 + seed);
      const mode = seed % 2 === 0 ? "strong" : "weak";
      const collapse = seed % 3 !== 0;
      const raw = violationsOf(random.input, mode, collapse, seed % 5 < 3);
      for (let page = 0; page < random.pages; page++) {
        const [first, second] = random.input.domains.map(({ id }) => {
          const label = `seed ${300_000 + seed}, domain ${id}, page ${page}, ${mode}`;
          return compare(random, id, page, mode, collapse, raw, label).isWrong;
        });
        if (first !== second) apart++;
        if (first || second) wrong++;
        else right++;
      }
    }
    expect(wrong).toBeGreaterThan(TWO_IOMMU_CASES);
    expect(right).toBeGreaterThan(TWO_IOMMU_CASES);
    expect(apart).toBeGreaterThan(TWO_IOMMU_CASES / 10);
  });

  it(`finds V09 exactly where two leaves of different size can be held at once, in ${PAIR_CASES} scripts`, () => {
    let overlaps = 0;
    for (let seed = 1; seed <= PAIR_CASES; seed++) {
      const random = randomCase(100_000 + seed);
      const mode = seed % 2 === 0 ? "strong" : "weak";
      const input = { ...random.input, script: EditScript.from(random.steps) };
      const raw = violationsOf(input, mode, seed % 3 !== 0, seed % 5 < 3);
      for (let page = 0; page < random.pages; page++) {
        const { together } = bruteForce(machineOf(random, mode), page, 2);
        const overlap = [...together].some((pair) => {
          const [a, b] = pair.split(" | ").map((leaf) => leaf.split(" "));
          return a![0] !== b![0] && (a![1] !== b![1] || a![2] !== b![2]);
        });
        const found = raw.some((v) => v.class === "V09" && v.start <= page && page < v.end);
        expect(found, `seed ${100_000 + seed}, page ${page}, ${mode}`).toBe(overlap);
        if (overlap) overlaps++;
      }
    }
    expect(overlaps).toBeGreaterThan(PAIR_CASES / 10);
  });

  it("says the same with page classes and skipped subtrees and without", () => {
    for (let seed = 1; seed <= CASES; seed++) {
      const { input } = randomCase(200_000 + seed);
      const pagesOf = (collapse: boolean, skip: boolean): string[] =>
        violationsOf(input, "weak", collapse, skip)
          .flatMap((v) => Array.from({ length: v.end - v.start }, (_, i) => `${v.class} ${v.start + i}`))
          .sort();
      const plain = [...new Set(pagesOf(false, false))];
      expect([...new Set(pagesOf(true, false))], `seed ${200_000 + seed}`).toEqual(plain);
      expect([...new Set(pagesOf(true, true))], `seed ${200_000 + seed}`).toEqual(plain);
    }
  });
});
