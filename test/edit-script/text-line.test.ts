import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CAPABILITIES } from "../../src/edit-script/index.ts";
import { ADDRESS_END_BIT, TextLine } from "../../src/edit-script/text-line.ts";

/** What a number means, by the rule of the documented form alone; null where it is none. */
function meaning(text: string): bigint | null {
  const suffixes = ["k", "m", "g", "t"];
  const lower = text.toLowerCase();
  const power = suffixes.indexOf(lower.at(-1) ?? "");
  const digits = (power < 0 ? lower : lower.slice(0, -1)).split("_");
  const isHex = digits[0]!.startsWith("0x");
  const groups = isHex ? [digits[0]!.slice(2), ...digits.slice(1)] : digits;
  if (!groups.every((group) => (isHex ? /^[0-9a-f]+$/ : /^[0-9]+$/).test(group))) return null;
  const value = BigInt((isHex ? "0x" : "") + groups.join("")) * 1024n ** BigInt(power + 1);
  return value < 2n ** 64n ? value : null;
}

const read = (text: string): bigint | null => {
  try {
    return new TextLine("file", 1, "store").unsigned(text, "entry");
  } catch {
    return null;
  }
};

describe("a line of the text form", () => {
  it("takes addresses of entries to end where they do on every profile", () => {
    for (const { outputBits } of CAPABILITIES.values()) expect(outputBits).toBe(ADDRESS_END_BIT);
  });

  it("reads numbers as they are written, long and short, grouped and with suffix, and nothing else as a number", () => {
    const anyText = fc.string({
      unit: fc.constantFrom(..."0123456789abcdefABCDEFxX_KMGTkmgt:@`/-"),
      maxLength: 22,
    });
    const written = fc
      .tuple(fc.bigInt({ min: 0n, max: 2n ** 66n }), fc.constantFrom("", "K", "g", "T"), fc.boolean())
      .map(([value, suffix, isHex]) => (isHex ? `0x${value.toString(16)}` : String(value)) + suffix);
    let numbers = 0;
    fc.assert(
      fc.property(fc.oneof(anyText, written), (text) => {
        const value = meaning(text);
        expect(read(text), text).toBe(value);
        if (value !== null) numbers++;
      }),
      { numRuns: 5000 },
    );
    expect(numbers).toBeGreaterThan(300);
  });

  it.each(["9007199254740991", "0x1fffffffffffff", "0xfffffffffffff", "999999999999999", "0", "0x0", "007"])(
    "reads %s",
    (text) => expect(read(text)).toBe(BigInt(text)),
  );

  it("means the same whatever blanks stand between its words", () => {
    const blanks = fc.constantFrom(" ", "  ", "\t", " \t ", "\u00a0");
    const lines = fc.constantFrom(
      ["store", "0x100002018", " = ", "0x1003"],
      ["table", "0x100002000[3]", "=", "0x1003", "0x2003", "count=2"],
      ["map", "old", "iova=0x3000", "size=4K", "frame=0x1000"],
    );
    const cut = ({ words, values }: TextLine): unknown => ({ words, values });
    fc.assert(
      fc.property(lines, fc.array(blanks, { minLength: 8, maxLength: 8 }), (words, between) => {
        const text = words.map((word, i) => (i === 0 ? "" : between[i]!) + word.trim()).join("");
        const expected = new TextLine("file", 1, words.map((word) => word.trim()).join(" "));
        const actual = new TextLine("file", 1, text);
        expect(cut(actual)).toEqual(cut(expected));
        for (const key of ["count", "iova", "size", "frame"])
          expect(actual.take(key)).toBe(expected.take(key));
      }),
    );
  });
});
