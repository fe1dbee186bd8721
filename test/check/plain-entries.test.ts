import { afterEach, describe, expect, it, vi } from "vitest";
import { type CheckInput, check, Decision } from "../../src/check/index.ts";
import { PlainRules } from "../../src/check/rules/plain-rules.ts";
import { WholeMapSink } from "../../src/check/rules/whole-map.ts";
import { PlainEntries } from "../../src/check/walks/plain-entries.ts";
import { randomDirtyCase } from "./random-dirty-script.ts";
import { randomCase } from "./random-script.ts";
import { scatteredCase } from "./scattered-script.ts";

const CASES = 1500;

/** Everything a decision finds, in its order, and how many histories it took. */
function decided(input: CheckInput, seed: number, acceptPlain: boolean) {
  const decision = new Decision(input);
  const found = decision.violations({
    mode: seed % 2 === 0 ? "strong" : "weak",
    collapse: seed % 3 !== 0,
    skipUntouched: seed % 5 < 3,
    journalRules: seed % 7 !== 0,
    acceptPlain,
    only: null,
  });
  return { violations: [...found], effort: decision.effort };
}

const kinds: readonly (readonly [string, (seed: number) => CheckInput])[] = [
  ["small scripts", (seed) => randomCase(300_000 + seed).input],
  ["scattered pages", scatteredCase],
];

describe("entries decided at sight", () => {
  afterEach(() => void vi.restoreAllMocks());

  it.each(kinds)("change nothing that is found in %s, wrong ones among them", (_, make) => {
    const accepts = vi.spyOn(PlainEntries.prototype, "accepts");
    const tells = (["leaf", "fault", "stale"] as const).map((what) => vi.spyOn(PlainRules.prototype, what));
    const found = new Set<string>();
    let clean = 0;
    for (let seed = 1; seed <= CASES; seed++) {
      const input = make(seed);
      const told = decided(input, seed, false);
      expect(decided(input, seed, true), `seed ${seed}`).toEqual(told);
      if (told.violations.length === 0) clean++;
      for (const v of told.violations) found.add(v.class);
    }
    const answers = accepts.mock.results.map((result) => result.value);
    expect(answers.filter((isAccepted) => isAccepted).length).toBeGreaterThan(CASES / 2);
    expect(answers.filter((isAccepted) => !isAccepted).length).toBeGreaterThan(CASES / 3);
    for (const tell of tells) expect(tell.mock.calls.length).toBeGreaterThan(CASES / 20);
    expect(clean).toBeGreaterThan(CASES / 10);
    for (const kind of ["V01", "V01b", "V02", "V04", "V05", "V06", "V07"]) expect(found).toContain(kind);
  });

  it.each(kinds)(
    "change nothing under epoch mode either, in %s: whoever compares the maps sees them",
    (_, make) => {
      const seen = vi.spyOn(WholeMapSink.prototype, "seen");
      let relapses = 0;
      for (let seed = 1; seed <= CASES; seed++) {
        const input = { ...make(1_000_000 + seed), isEpoch: true };
        const told = decided(input, seed, false);
        expect(decided(input, seed, true), `seed ${1_000_000 + seed}`).toEqual(told);
        if (told.violations.some((v) => v.class === "V11")) relapses++;
      }
      expect(seen.mock.calls.length).toBeGreaterThan(CASES / 3);
      expect(relapses).toBeGreaterThan(CASES / 10);
    },
  );

  it("find the same, in whatever order, where walkers set dirty bits", () => {
    const told = vi.spyOn(PlainRules.prototype, "leaf");
    for (let seed = 1; seed <= CASES; seed++) {
      const { input } = randomDirtyCase(90_000 + seed);
      const found = (acceptPlain: boolean): string[] =>
        decided(input, seed, acceptPlain)
          .violations.filter((v) => v.class !== "V10")
          .map((violation) => JSON.stringify(violation))
          .sort();
      expect(found(true), `seed ${90_000 + seed}`).toEqual(found(false));
    }
    expect(told.mock.calls.length).toBeGreaterThan(CASES / 20);
  });

  it("change nothing where hardware may not replace one leaf by another in place", () => {
    const accepts = vi.spyOn(PlainEntries.prototype, "accepts");
    let unlike = 0;
    for (let seed = 1; seed <= CASES / 5; seed++) {
      const { capability, ...others } = scatteredCase(20_000 + seed);
      const swapInPlace = { frame: false, rights: false };
      const input = { ...others, capability: { ...capability, swapInPlace } };
      const told = decided(input, seed, false);
      expect(decided(input, seed, true), `seed ${20_000 + seed}`).toEqual(told);
      if (told.violations.some((v) => v.class === "V09")) unlike++;
    }
    expect(accepts.mock.results.filter((result) => result.value).length).toBeGreaterThan(CASES / 10);
    expect(unlike).toBeGreaterThan(CASES / 20);
  });

  it("change no result: findings, causes, classes and schedules", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const input = scatteredCase(10_000 + seed);
      const told = check(input, { acceptPlain: false });
      expect(check(input), `seed ${10_000 + seed}`).toEqual(told);
    }
  });
});
