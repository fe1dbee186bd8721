import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { CALL_MUTANTS, MUTANTS } from "../../src/check/mutants/index.ts";
import { commandName } from "../../src/cli/command-name.ts";
import {
  decidable,
  idsOf,
  onRunningKernel,
  parseMutant,
  seenByThreads,
} from "../../src/cli/mutant-option.ts";
import {
  formatDuration,
  parseCount,
  parseDuration,
  parseNames,
  parseSeed,
} from "../../src/cli/option-values.ts";
import { shellWord } from "../../src/cli/shell-word.ts";

describe("option values", () => {
  it("reads times in milliseconds, seconds, minutes and hours", () => {
    expect(["10s", "10", "500ms", "1.5m", "2h"].map(parseDuration)).toEqual([
      10_000, 10_000, 500, 90_000, 7_200_000,
    ]);
    for (const text of ["", "s", "1d", "-1s", "1e3s", "0"])
      expect(() => parseDuration(text)).toThrow(InvalidArgumentError);
  });

  it("writes times back in the largest exact unit", () => {
    const texts = ["10s", "1500ms", "90s", "5m", "2h"];
    expect(texts.map(parseDuration).map(formatDuration)).toEqual(texts);
  });

  it("reads seeds in decimal and hexadecimal", () => {
    expect(["0", "42", "0xff", "4294967295"].map(parseSeed)).toEqual([0, 42, 255, 0xffff_ffff]);
    for (const text of ["", "1.5", "0x", "4294967296", "x"])
      expect(() => parseSeed(text)).toThrow(InvalidArgumentError);
  });

  it("reads counts and lists of names within their bounds", () => {
    expect(parseCount(1, 16)("16")).toBe(16);
    for (const text of ["0", "17", "1.0", ""]) expect(() => parseCount(1, 16)(text)).toThrow(/from 1 to 16/);
    const parse = parseNames("colour", ["red", "blue"]);
    expect(parse("blue, red")).toEqual(["blue", "red"]);
    expect(() => parse("green")).toThrow("There is no colour 'green'; known: red, blue.");
  });
});

describe("the option --inject", () => {
  it("takes every fault that the command can have", () => {
    const ofChanges = [...MUTANTS.values()].filter((m) => !m.reports && !m.iommus).map((m) => m.id);
    expect(idsOf(decidable)).toEqual([...ofChanges, ...CALL_MUTANTS.keys()].sort());
    const ofOneIommu = [...MUTANTS.values()].filter((m) => !m.iommus).map((m) => m.id);
    expect(idsOf(onRunningKernel)).toEqual(ofOneIommu);
    expect(idsOf(seenByThreads)).toEqual(
      [...MUTANTS.values()].filter((m) => m.seenByThreads).map((m) => m.id),
    );
    for (const id of idsOf(decidable)) expect(parseMutant(decidable)(id)).toBe(id);
  });

  it.each([
    [decidable, "M15b", "behind 2 IOMMUs, which this command does not have; hitless mutants M15b does."],
    [onRunningKernel, "M35", "no running kernel can be made to have; hitless check --inject M35 decides it."],
    [seenByThreads, "M39", "no running kernel can be made to have; hitless check --inject M39 decides it."],
    [seenByThreads, "M33", "No device thread can see it; hitless check --inject M33 decides it."],
    [seenByThreads, "M30", "No device thread can see it; hitless mutants M30 decides it."],
    [decidable, "M30", "hitless mutants M30 and hitless fuzz do."],
    [decidable, "M09", "VT-d has no leaves that are replicated over several entries."],
    [decidable, "M99", "There is no mutant 'M99'; known: M01, "],
  ] as const)("says why a fault cannot be had (%#)", (refusal, id, reason) => {
    expect(() => parseMutant(refusal)(id)).toThrow(InvalidArgumentError);
    expect(() => parseMutant(refusal)(id)).toThrow(reason);
  });
});

describe("name of the command", () => {
  it("is what starts the program again from the same folder", () => {
    expect(commandName("/usr/bin/hitless", "/home/me")).toBe("hitless");
    expect(commandName("/p/dist/src/cli/main.js", "/p")).toBe("node dist/src/cli/main.js");
    expect(commandName("/p/src/cli/main.ts", "/p/test")).toBe("node --import tsx ../src/cli/main.ts");
    expect(commandName("/my p/main.js", "/")).toBe("node 'my p/main.js'");
  });
});

describe("shell words", () => {
  it("are quoted exactly when a shell would change them", () => {
    expect(["a/b-c.txt", "two words", "it's", "", "$HOME"].map(shellWord)).toEqual([
      "a/b-c.txt",
      "'two words'",
      "'it'\\''s'",
      "''",
      "'$HOME'",
    ]);
  });
});
