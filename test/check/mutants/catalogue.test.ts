import { describe, expect, it } from "vitest";
import { CALL_MUTANTS, CATALOGUE, MUTANTS } from "../../../src/check/mutants/index.ts";
import { CAPABILITIES } from "../../../src/edit-script/index.ts";
import { SCENARIOS } from "../../../src/vmm/index.ts";

const numbers = Array.from({ length: 42 }, (_, i) => `M${String(i + 1).padStart(2, "0")}`);
const variants = ["M15b", "M17b", "M19b", "M20b", "M27b", "M27c", "M29b", "M39b"];

describe("the catalogue of mutants", () => {
  it("has every id from M01 to M42 with its variants exactly once, in order", () => {
    expect(CATALOGUE.map(({ mutant }) => mutant.id)).toEqual([...numbers, ...variants].sort());
  });

  it("carries what VT-d can carry", () => {
    const notCarried = CATALOGUE.filter((entry) => entry.kind === "not-carried").map((e) => e.mutant.id);
    expect(notCarried).toEqual("M09 M27b M27c M29b".split(" "));
  });

  it("says of every entry what it does, where it comes from and what shows it", () => {
    for (const { kind, mutant } of CATALOGUE) {
      expect(mutant.title, mutant.id).toMatch(/^[a-zA-Z][^.]{15,}[^.]$/);
      expect(mutant.source.length, mutant.id).toBeGreaterThanOrEqual(6);
      expect(mutant.expected, mutant.id).toMatch(/^V\d\d$/);
      if (kind === "not-carried") expect(mutant.reason.length).toBeGreaterThan(30);
      else {
        expect(SCENARIOS.has(mutant.scenario), `${mutant.id}: ${mutant.scenario}`).toBe(true);
        if (mutant.format !== undefined) expect(CAPABILITIES.has(mutant.format)).toBe(true);
      }
    }
  });

  it("finds script mutants and call mutants by their id", () => {
    for (const [id, mutant] of [...MUTANTS, ...CALL_MUTANTS]) expect(mutant.id).toBe(id);
    expect([...CALL_MUTANTS.keys()]).toEqual(["M35", "M37", "M38", "M39", "M39b"]);
  });

  it("declares a mutant equivalent only where the hardware or the memory order makes it so", () => {
    const plain = CAPABILITIES.get("vtd-ss-48")!;
    const caching = CAPABILITIES.get("vtd-ss-48-cm")!;
    const reasons = (capability: typeof plain, mode: "weak" | "strong") =>
      [...MUTANTS.values(), ...CALL_MUTANTS.values()]
        .filter((mutant) => (mutant.equivalent?.(capability, mode) ?? null) !== null)
        .map((mutant) => mutant.id);
    const dirty = CAPABILITIES.get("vtd-ss-48-ad")!;
    expect(reasons(caching, "weak")).toEqual(["M28", "M29", "M30", "M42"]);
    expect(reasons(plain, "weak")).toEqual(["M20", "M28", "M29", "M30", "M42"]);
    expect(reasons(caching, "strong")).toEqual(["M28", "M29", "M30", "M31", "M42"]);
    expect(reasons(dirty, "weak")).toEqual(["M20", "M42"]);
  });
});
