import { describe, expect, it } from "vitest";
import { Decision } from "../../src/check/decide.ts";
import type { CheckInput } from "../../src/check/index.ts";
import { Standing } from "../../src/check/rules/standing.ts";
import { NEVER } from "../../src/check/script/positions.ts";
import { EditScript, type Step } from "../../src/edit-script/index.ts";
import type { Pfn } from "../../src/units/index.ts";
import { ROOT, randomCase } from "./random-script.ts";
import { scatteredCase } from "./scattered-script.ts";
import { seededRandom } from "./seeded-random.ts";

/** Rights of every page after every step, by a memory that is written step by step and walked. */
function walked({ capability, tables, script }: CheckInput): number[][] {
  const size = 2 ** (capability.indexLg2 ?? 9);
  const memory = new Map<string, bigint>();
  const held = (table: number, index: number): bigint =>
    memory.get(`${table} ${index}`) ?? tables.entry(table as Pfn, index);
  const rightsOf = (page: number): number => {
    const upper = held(ROOT, Math.floor(page / size));
    const own = Number(upper & 3n);
    if (own === 0 || (upper & 0x80n) !== 0n) return own;
    return own & Number(held(Number(upper >> 12n) & 0xff_ffff, page % size) & 3n);
  };
  const everyPage = (): number[] => Array.from({ length: size * size }, (_, page) => rightsOf(page));
  const rights = [everyPage()];
  for (const step of script) {
    if (step.op === "store") memory.set(`${step.table} ${step.index}`, step.entry);
    else if (step.op === "exchange" && held(step.table, step.index) === step.expected)
      memory.set(`${step.table} ${step.index}`, step.entry);
    else if (step.op === "gather")
      for (const [i, entry] of step.entries.entries()) memory.set(`${step.table} ${step.index + i}`, entry);
    else if (step.op === "fill")
      for (let i = 0; i < step.count; i++)
        memory.set(`${step.table} ${step.index + i}`, step.first + BigInt(i) * step.stride);
    rights.push(everyPage());
  }
  return rights;
}

/** Some stores take place only if the entry holds what it may not hold. */
function withExchanges(input: CheckInput, seed: number): CheckInput {
  const random = seededRandom(seed);
  const script = [...input.script].map((step): Step => {
    if (step.op !== "store" || random(4) > 0) return step;
    const expected = random(2) === 0 ? 0n : input.tables.entry(step.table, step.index);
    return { ...step, op: "exchange", expected };
  });
  return { ...input, script: EditScript.from(script) };
}

describe("the standing of a page", () => {
  for (const [what, make, seeds] of [
    ["few writes", (seed: number) => randomCase(seed).input, 300],
    ["tables edited page by page or rebuilt", scatteredCase, 60],
  ] as const)
    it(`is what a walk of the memory at that position finds, for scripts of ${what}`, () => {
      let changes = 0;
      for (let seed = 1; seed <= seeds; seed++) {
        const input = withExchanges(make(seed), seed);
        const rights = walked(input);
        const standing = new Standing(new Decision(input), 1);
        const random = seededRandom(seed);
        for (let page = 0; page < rights[0]!.length; page++) {
          const found: number[] = [];
          for (let at = 0; at !== NEVER; at = standing.until) {
            standing.look(page, at);
            for (let until = Math.min(standing.until, rights.length); found.length < until; )
              found.push(standing.rights);
            if (at > 0) changes++;
          }
          // The same out of turn.
          const at = random(rights.length);
          standing.look(page, at);
          expect([...found, standing.rights], `seed ${seed}, page ${page}, then at ${at}`).toEqual([
            ...rights.map((all) => all[page]),
            rights[at]![page],
          ]);
        }
      }
      expect(changes).toBeGreaterThan(1000);
    });
});
