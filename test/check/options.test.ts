import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type CheckInput, type CheckOptions, check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";
import { seededRandom } from "./seeded-random.ts";

/** What only saves work. */
const SAVINGS = ["collapse", "skipUntouched", "acceptPlain", "skipHidden", "skipTwins"] as const;
const without = (...left: readonly (typeof SAVINGS)[number][]): CheckOptions =>
  Object.fromEntries(left.map((own) => [own, false]));

const FOLDERS = ["faults", "legal", "two-faults"].map((name) => ({
  name,
  folder: new URL(`../data/scripts/${name}/`, import.meta.url),
}));
const SCRIPTS = FOLDERS.flatMap(({ name, folder }) =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".script"))
    .map((file) => ({ name: `${name}/${file}`, text: readFileSync(new URL(file, folder), "utf8") })),
);

const READ_OR_WRITE = 3n;
const SNOOP = 1n << 11n;
const LOWEST_FRAME = 0x10_0000_0000n;
/** A line that writes entries, up to the first of them. */
const ENTRIES = /^((?:table|fill|store|storeRun|exchange) .*?= )(0x[0-9a-f]+)/;

/** A script with snooping forced by some of its leaves, which no map says. */
function withAttributes(text: string, seed: number): string {
  const random = seededRandom(seed);
  const lines = text.split("\n").map((line) =>
    line.replace(ENTRIES, (same: string, head: string, entry: string) => {
      const value = BigInt(entry);
      const isLeaf = value >= LOWEST_FRAME && (value & READ_OR_WRITE) !== 0n;
      return isLeaf && random(2) === 0 ? `${head}0x${(value | SNOOP).toString(16)}` : same;
    }),
  );
  return lines.join("\n");
}

function told(input: CheckInput, options: CheckOptions): readonly string[] {
  const { findings } = check(input, { ...options, causes: false });
  return findings
    .map((f) => `${f.class} ${f.ranges.map(({ start, end }) => `${start}-${end}`).join()}`)
    .sort();
}

describe("what saves the checker work", () => {
  it("is tried on leaves that have attributes", () => {
    const changed = SCRIPTS.filter(({ text }) => withAttributes(text, 1) !== text);
    expect(changed.length).toBeGreaterThan(SCRIPTS.length / 2);
  });

  it.each(SCRIPTS)("makes no difference to $name, nor where leaves have attributes", ({ name, text }) => {
    const seed = [...name].reduce((sum, letter) => (31 * sum + letter.charCodeAt(0)) % 0x7fff_ffff, 7);
    for (const own of [text, withAttributes(text, seed), withAttributes(text, seed + 1)]) {
      const input = inputOf(parseScript(own, name));
      const all = told(input, {});
      for (const saving of SAVINGS)
        expect(told(input, without(saving)), `without ${saving}, seed ${seed}`).toEqual(all);
      expect(told(input, without(...SAVINGS)), `without any, seed ${seed}`).toEqual(all);
    }
  });
});
