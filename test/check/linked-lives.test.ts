import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DECODERS } from "../../src/check/entries/decoder.ts";
import { ABSENT, TABLE } from "../../src/check/entries/entry-kind.ts";
import { highWord, lowWord } from "../../src/check/entries/entry-words.ts";
import type { Version } from "../../src/check/entries/versions.ts";
import { ScriptLog } from "../../src/check/script/script-log.ts";
import type { HeldTable } from "../../src/check/walks/held-table.ts";
import { LinkedLives } from "../../src/check/walks/linked-lives.ts";
import { CAPABILITIES, EditScript, type Step } from "../../src/edit-script/index.ts";
import type { Pfn } from "../../src/units/index.ts";

const CAPABILITY = CAPABILITIES.get("vtd-ss-39")!;
const TABLES = [0x10_0000, 0x10_0001, 0x10_0002];

/** What a version says: nothing, or a table with some rights; the page may be freed and filled again before. */
const said = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  {
    weight: 4,
    arbitrary: fc.record({
      table: fc.constantFrom(...TABLES),
      rights: fc.constantFrom(1, 3),
      isReused: fc.boolean(),
    }),
  },
);

describe("the lives of tables that an entry leads to", () => {
  it("are told apart in a long history as in a short one", () => {
    const seen = { few: 0, many: 0, again: 0, apart: 0, fewApart: 0, lives: 0 };
    fc.assert(
      fc.property(fc.array(said, { minLength: 1, maxLength: 24 }), (list) => {
        const steps: Step[] = [];
        const versions = list.map((what) => {
          const table = (what?.table ?? 0) as Pfn;
          if (what?.isReused) {
            steps.push({ op: "freeTable", table });
            steps.push({ op: "fill", update: 0, table, index: 0, count: 1, first: 3n, stride: 0n });
          }
          steps.push({ op: "barrier" });
          const entry = what === null ? 0n : (BigInt(table) << 12n) | BigInt(what.rights);
          const kind = what === null ? ABSENT : TABLE;
          return { kind, lo: lowWord(entry), hi: highWord(entry), step: steps.length } as Version;
        });
        const log = new ScriptLog(EditScript.from(steps), []);
        const lives = new LinkedLives(versions, DECODERS.get(CAPABILITY.format)!(CAPABILITY), log);
        const added: { table: number; life: number; rights: number; since: number; step: number }[] = [];
        const isLong = list.length > 8;
        for (const [i, what] of list.entries()) {
          if (what === null) continue;
          const { table, rights } = what;
          const { step } = versions[i]!;
          const own = log.logAt(table, step);
          const life = own?.number ?? -1;
          const isSame = (k: number): boolean =>
            list[k]?.table === table && (log.logAt(table, versions[k]!.step)?.number ?? -1) === life;
          // As long as nothing is written while it leads elsewhere it has hung there.
          const isWritten = (from: number, to: number): boolean =>
            steps.some(
              ({ op }, at) => op === "fill" && at + 1 > versions[from]!.step && at + 1 < versions[to]!.step,
            );
          let before = i;
          for (let k = i - 1; k >= 0; k--) {
            if (!isSame(k)) continue;
            if (k + 1 < before && isWritten(k + 1, before)) break;
            before = k;
          }
          const since = versions[before]!.step;
          expect(lives.firstLink(table, own, step)).toBe(since);
          if (before < i) seen.again++;
          if (list.some((_, k) => k < before && isSame(k))) seen[isLong ? "apart" : "fewApart"]++;
          const isKnown = (a: (typeof added)[number]): boolean =>
            a.table === table && a.life === life && a.rights === rights && a.since === since;
          const known = added.find(isKnown);
          expect(lives.held(table, own, rights, since)?.step).toBe(known?.step);
          if (known !== undefined) continue;
          added.push({ table, life, rights, since, step });
          lives.add({ table, log: own, rights, step, linkedSince: since, isCurrent: false } as HeldTable);
        }
        expect(lives.children.map((child) => child.step)).toEqual(added.map((a) => a.step));
        const last = added.at(-1);
        if (last !== undefined) {
          const own = lives.children.at(-1)!;
          lives.makeCurrent(own.table, own.log, own.rights);
          const current = lives.children.filter((child) => child.isCurrent).map((child) => child.step);
          const alike = added.filter(
            (a) => a.table === last.table && a.life === last.life && a.rights === last.rights,
          );
          expect(current).toEqual(alike.map((a) => a.step));
        }
        seen[isLong ? "many" : "few"]++;
        seen.lives += Number(log.lives > 3);
      }),
      { numRuns: 400 },
    );
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(10);
  });
});
