import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeToken,
  encodeToken,
  type ReplayToken,
  sequenceHash,
  TokenError,
} from "../../src/harness/index.ts";
import { parseMapFile, SCENARIOS } from "../../src/vmm/index.ts";

const word = fc.oneof(
  fc.constantFrom("set-map", "thp", "V01", "", "vtd-ss-48"),
  fc.string({ maxLength: 300 }),
);
const name = word.filter((text) => text !== "");
const seed = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const change = fc.record({
  command: fc.constantFrom("check" as const, "stress" as const),
  inputs: fc.array(word, { maxLength: 3 }),
  addressSpace: fc.option(word),
  hash: seed,
  strategy: word,
  format: word,
  backing: word,
  mode: word,
  inject: fc.option(name),
  seed,
  step: fc.option(fc.nat({ max: 100_000 })),
  pass: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1_000_000 })),
  class: word,
  iovaPfn: fc.maxSafeNat(),
});
const fuzz = fc.record({
  command: fc.constant("fuzz" as const),
  format: word,
  seed,
  path: word,
  inject: fc.option(name),
});

describe("replay tokens", () => {
  it("come back as they went in, as one word that no shell touches", () => {
    fc.assert(
      fc.property(fc.oneof(change, fuzz), (token) => {
        const text = encodeToken(token as ReplayToken);
        expect(text).toMatch(/^[\w-]+$/);
        expect(decodeToken(text)).toEqual(token);
      }),
    );
  });

  it("are short for built-in scenarios", () => {
    const token: ReplayToken = {
      command: "check",
      inputs: ["pam-2020"],
      addressSpace: null,
      hash: 0xffff_ffff,
      strategy: "legacy",
      format: "vtd-ss-48",
      backing: "pop",
      mode: "weak",
      inject: null,
      seed: 1,
      step: 1,
      pass: 1,
      class: "V01",
      iovaPfn: 0xc0,
    };
    expect(encodeToken(token).length).toBeLessThanOrEqual(32);
    expect(encodeToken({ ...token, pass: 1000 }).length).toBeLessThanOrEqual(36);
  });

  it("stay readable: one made by the first version means the same for good", () => {
    expect(decodeToken("AQABLKyd6pgOAwsTCDUBAhjAAQQ")).toMatchObject({
      command: "check",
      inputs: ["pam-2020"],
      strategy: "legacy",
      format: "vtd-ss-48",
      backing: "pop",
      mode: "weak",
      inject: null,
      seed: 1,
      step: 1,
      pass: 1,
      class: "V01",
      iovaPfn: 0xc0,
    });
  });

  it("are refused when a letter is lost, changed or added, and never misread in silence", () => {
    const text = "AQABLKyd6pgOAwsTCDUBAhjAAQQ";
    let misread = 0;
    for (let i = 0; i < text.length; i++) {
      for (const other of ["A", "9", "_"].filter((c) => c !== text[i]))
        try {
          decodeToken(text.slice(0, i) + other + text.slice(i + 1));
          misread++;
        } catch (error) {
          expect(error).toBeInstanceOf(TokenError);
        }
      expect(() => decodeToken(text.slice(0, i))).toThrow(TokenError);
    }
    expect(misread).toBe(0);
    for (const bad of ["", "no token", "AAAA", "____", `${text}A`])
      expect(() => decodeToken(bad)).toThrow(TokenError);
  });

  it("survive any text whatever: TokenError or a token, nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeToken(Buffer.from(bytes).toString("base64url"));
        } catch (error) {
          expect(error).toBeInstanceOf(TokenError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("know the content of an input and not how its maps are called", () => {
    const { sequence } = SCENARIOS.get("tseg")!;
    const renamed = { ...sequence, name: "x", steps: sequence.steps.map((s) => ({ ...s, label: "y" })) };
    expect(sequenceHash(renamed)).toBe(sequenceHash(sequence));
    const text = "hitless-map 1\nmap a\nregion iova=0 size=4K backing=ram rights=";
    expect(sequenceHash(parseMapFile(`${text}rw`, "a"))).not.toBe(
      sequenceHash(parseMapFile(`${text}r`, "a")),
    );
  });
});
