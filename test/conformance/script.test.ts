import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExpressionError, evaluate, parseExpression } from "../../src/harness/conformance/expression.ts";
import { parseScript } from "../../src/harness/conformance/index.ts";
import { InputError } from "../../src/vmm/input-error.ts";

const value = (text: string, symbols: Record<string, bigint> = {}): bigint =>
  evaluate(parseExpression(text), new Map(Object.entries(symbols)));

describe("numbers", () => {
  it("are decimal or hex, with a power of 1024", () => {
    expect(["0", "4095", "0x1F", "64K", "0x10K", "3M", "2G", "1T"].map((text) => value(text))).toEqual([
      0n,
      4095n,
      31n,
      65536n,
      16384n,
      3n << 20n,
      2n << 30n,
      1n << 40n,
    ]);
  });

  it("add up with symbols modulo 2^64", () => {
    expect(value("a+0x1000-1", { a: 0x10n })).toBe(0x100fn);
    expect(value("top-0xfff", { top: 0x7fffffffffn })).toBe(0x7ffffff000n);
    expect(value("-1")).toBe(2n ** 64n - 1n);
    expect(value("0xffffffffffffffff+2")).toBe(1n);
  });

  it("equal their value whatever the spelling", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), (a, b) => {
        expect(value(`0x${a.toString(16)}+${b}`)).toBe(BigInt.asUintN(64, a + b));
        expect(value(`${a}-0x${b.toString(16)}`)).toBe(BigInt.asUintN(64, a - b));
      }),
      { seed: 3 },
    );
  });

  it.each(["", "+", "0x", "1Q", "a+", "a b", "1+-+2", "0x10KK", "a*2"])("refuse %j", (text) => {
    expect(() => parseExpression(text)).toThrow(ExpressionError);
  });

  it("refuse a symbol that nobody made", () => {
    expect(() => value("b", { a: 1n })).toThrow(/'b' to be made by mem/);
  });
});

describe("a script", () => {
  it("counts comment and empty lines, and keeps the text of an operation", () => {
    const script = parseScript(
      "s",
      "s.txt",
      "# title\n\nsetup\n  map vaddr=0 iova=0x1000   size=4K # comment\n",
    );
    expect(script.operations.map(({ line, text }) => [line, text])).toEqual([
      [3, "setup"],
      [4, "map vaddr=0 iova=0x1000   size=4K"],
    ]);
    expect(script.operations[1]!.keys.get("size")).toBe("4K");
  });

  it.each([
    ["mapp size=1", /s\.txt:2: expected the name of an operation, got "mapp"/],
    ["map sise=1", /expected map to take c=, place=, .*size=, got "sise="/],
    ["map size=1Z", /expected size= to be a number .*, got "1Z"/],
    ["map flags=RX", /expected flags= to be a number or R, W, RW, VADDR joined by \|, got "RX"/],
    ["map place=there", /expected place= to be null, bad, kernel, ro, misaligned or end:N/],
    ["mem a 4M gold", /expected one of anon, pop, huge2m, .*, got "gold"/],
    ["mem a", /expected mem to be followed by name, number, memory-kind, name\?, got "a"/],
    ["drop now", /expected drop to be followed by key=value only/],
    ["set-iommu", /expected set-iommu type=/],
    ["mprotect a 4K rwx", /expected one of r, rw, none, got "rwx"/],
    ["group 0g", /expected a name, got "0g"/],
    ["file n dev/null", /expected an absolute path/],
    ["rlimit nofile 3", /expected one of memlock/],
  ])("names file, line and what was expected: %s", (line, message) => {
    expect(() => parseScript("s", "s.txt", `setup\n${line}\n`)).toThrow(InputError);
    expect(() => parseScript("s", "s.txt", `setup\n${line}\n`)).toThrow(message);
  });

  it("needs an operation", () => {
    expect(() => parseScript("s", "s.txt", "# nothing\n")).toThrow(/s\.txt: expected at least one operation/);
  });
});
