import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EditScript, type Step } from "../../src/edit-script/index.ts";
import { createEngine, type Engine } from "../../src/engine/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";
import { FIRST_RAM, FIRST_TABLE, PlainMachine } from "./plain-machine.ts";

const TABLES = 6;
const RAM = 4096;
const word64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const table = fc.integer({ min: 0, max: TABLES - 1 }).map((n) => pfn(FIRST_TABLE + n));

/** Entries of every kind: any bits at all, pointers into the window, leaves of all sizes, malformed pointers. */
const entry = fc.oneof(
  word64,
  fc
    .tuple(table, fc.integer({ min: 0, max: 0xfff }))
    .map(([t, low]) => (BigInt(t) << 12n) | BigInt(low & ~0x80)),
  table.map((t) => (BigInt(t) << 12n) | 3n),
  fc
    .tuple(fc.integer({ min: FIRST_RAM, max: FIRST_RAM + RAM - 1 }), fc.integer({ min: 0, max: 0xfff }))
    .map(([f, low]) => (BigInt(f) << 12n) | BigInt(low)),
  fc.constant(0n),
);
const place = fc
  .tuple(fc.integer({ min: 0, max: 511 }), fc.integer({ min: 0, max: 512 }))
  .map(([index, count]) => ({ index, count: Math.min(count, 512 - index) }));

const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .tuple(fc.constantFrom("fill" as const, "storeRun" as const), table, place, entry, word64)
    .map(([op, t, p, first, stride]) => ({ op, update: 1, table: t, ...p, first, stride })),
  fc
    .tuple(table, fc.integer({ min: 0, max: 500 }), fc.array(entry, { maxLength: 12 }))
    .map(([t, index, entries]) => ({ op: "gather" as const, update: 1, table: t, index, entries })),
  fc
    .tuple(table, fc.integer({ min: 0, max: 511 }), entry)
    .map(([t, index, e]) => ({ op: "store" as const, update: 1, table: t, index, entry: e })),
  fc.constantFrom<Step>({ op: "barrier" }, { op: "wait", drain: true }, { op: "wait", drain: false }),
  table.map((t) => ({ op: "clean" as const, table: t, index: 0, count: 512 })),
  fc.tuple(table, place).map(([t, p]) => ({ op: "collect" as const, table: t, ...p })),
);

/** Leaves with and without A and D, absent entries with bits that mean nothing there. */
const leafOrNothing = fc
  .tuple(
    fc.integer({ min: FIRST_RAM, max: FIRST_RAM + RAM - 1 }),
    fc.constantFrom(0n, 1n, 2n, 3n),
    fc.constantFrom(0n, 0x100n, 0x200n, 0x300n),
  )
  .map(([frame, rights, bits]) => (BigInt(frame) << 12n) | rights | bits);
/** Tables from the third on hold leaves, the second also pointers to those: trees without a cycle. */
const tree = fc
  .tuple(
    fc.array(leafOrNothing, { minLength: 8, maxLength: 8 }),
    fc.array(fc.integer({ min: 2, max: TABLES - 1 }), { minLength: 1, maxLength: 3 }),
  )
  .map(([leaves, children]): Step[] =>
    Array.from({ length: TABLES - 1 }, (_, i) => ({
      op: "gather",
      update: 1,
      table: pfn(FIRST_TABLE + 1 + i),
      index: 0,
      entries: Array.from({ length: 512 }, (_, at) => {
        const child = i === 0 && at % 97 === 0 ? children[at % children.length] : undefined;
        return child === undefined
          ? leaves[(at + i) % leaves.length]!
          : (BigInt(FIRST_TABLE + child) << 12n) | 3n;
      }),
    })),
  );

function compare(engine: Engine, plain: PlainMachine): void {
  for (let t = 0; t < TABLES; t++) {
    const frame = pfn(FIRST_TABLE + t);
    const words = engine.readTable(frame);
    const entries = Array.from(
      { length: 512 },
      (_, i) => (BigInt(words[2 * i + 1]!) << 32n) | BigInt(words[2 * i]!),
    );
    expect(entries).toEqual(plain.table(frame));
    expect(engine.loadEntry(frame, 511)).toBe(plain.table(frame)[511]);
  }
}

describe("engine against a plain BigInt machine", () => {
  it("leaves the same entries behind after any script", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const engine = createEngine({ tablePages: TABLES, ramFrames: RAM });
        const plain = new PlainMachine(TABLES);
        engine.execute(EditScript.from(steps).words);
        plain.run(steps);
        compare(engine, plain);
      }),
      { numRuns: 150 },
    );
  });

  it("carries and collects A and D alike, through trees of any leaves", () => {
    const large = leafOrNothing.map((entry) => entry | 0x83n);
    const next = fc.oneof(
      leafOrNothing,
      fc.constantFrom(1, 2, 3).map((t) => (BigInt(FIRST_TABLE + t) << 12n) | 3n),
    );
    fc.assert(
      fc.property(tree, large, next, fc.nat(0x3ff), table, place, (steps, old, entry, bits, t, p) => {
        const engine = createEngine({ tablePages: TABLES, ramFrames: RAM });
        const plain = new PlainMachine(TABLES);
        const expected = old ^ (BigInt(bits) & 0x300n);
        const script: Step[] = [
          ...steps,
          { op: "store", update: 1, table: pfn(FIRST_TABLE), index: 7, entry: old },
          { op: "exchange", update: 2, table: pfn(FIRST_TABLE), index: 7, expected, entry },
          { op: "collect", table: t, ...p },
          { op: "collect", table: t, index: 0, count: 1 },
        ];
        engine.execute(EditScript.from(script).words);
        plain.run(script);
        compare(engine, plain);
        const found = [...engine.takeFound(t)].flatMap((word, w) =>
          Array.from({ length: 32 }, (_, i) => i)
            .filter((i) => (word >>> i) & 1)
            .map((i) => `${t} ${32 * w + i}`),
        );
        expect(new Set(found)).toEqual(plain.found);
        expect(engine.takeFound(t).every((word) => word === 0)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("walks any tables to the same frame, rights and level, or to the same fault", () => {
    const page = fc.oneof(fc.integer({ min: 0, max: 2 ** 45 - 1 }), fc.integer({ min: 0, max: 4096 }));
    /* Dense tables: every index below holds something, so that walks get deep. */
    const tables = fc.array(fc.array(entry, { minLength: 4, maxLength: 4 }), {
      minLength: TABLES,
      maxLength: TABLES,
    });
    let hits = 0;
    fc.assert(
      fc.property(
        tables,
        fc.integer({ min: 1, max: 5 }),
        fc.array(page, { maxLength: 20 }),
        (content, levels, pages) => {
          const engine = createEngine({ tablePages: TABLES, ramFrames: RAM });
          const plain = new PlainMachine(TABLES);
          const steps: Step[] = content.map((entries, t) => ({
            op: "gather",
            update: 1,
            table: pfn(FIRST_TABLE + t),
            index: 0,
            entries: Array.from({ length: 512 }, (_, i) => entries[i % 4]!),
          }));
          engine.execute(EditScript.from(steps).words);
          plain.run(steps);
          for (const p of pages) {
            const expected = plain.walk(FIRST_TABLE, levels, p);
            if (expected !== null) hits++;
            expect(engine.walk(pfn(FIRST_TABLE), levels, iovaPfn(p))).toEqual(expected);
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(hits).toBeGreaterThan(100);
  });

  it("counts pins alike for any order of pins and unpins of any runs", () => {
    const run = fc.tuple(fc.integer({ min: 0, max: RAM - 1 }), fc.integer({ min: 0, max: 1600 }));
    fc.assert(
      fc.property(
        fc.array(run, { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        (runs, choice) => {
          const engine = createEngine({ tablePages: 1, ramFrames: RAM });
          const plain = new PlainMachine(1);
          const clipped = runs.map(([at, pages]) => ({
            first: pfn(FIRST_RAM + at),
            pages: Math.min(pages, RAM - at),
          }));
          for (const { first, pages } of clipped) {
            engine.pinFrames(first, pages);
            plain.pin(first, pages);
          }
          const same = (): void => {
            for (let f = FIRST_RAM; f < FIRST_RAM + RAM; f++)
              if (engine.framePins(pfn(f)) !== (plain.pins.get(f) ?? 0))
                expect(`${f}: ${engine.framePins(pfn(f))}`).toBe(`${f}: ${plain.pins.get(f) ?? 0}`);
          };
          same();
          /* Unpin every run cut in two at a random place, so that whole-chunk pins are taken back piecemeal. */
          const pieces = clipped.flatMap(({ first, pages }) => {
            const cut = choice.next().value! % (pages + 1);
            return [
              { first, pages: cut },
              { first: pfn(first + cut), pages: pages - cut },
            ];
          });
          pieces.forEach(({ first, pages }, i) => {
            const script = new EditScript();
            script.unpin(first, pages);
            engine.execute(script.words);
            plain.run(script);
            if (i === 0) same();
          });
          same();
          expect([...plain.pins.values()].every((n) => n === 0)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
