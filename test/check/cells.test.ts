import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellsOf } from "../../src/check/entries/cells.ts";
import { DECODERS } from "../../src/check/entries/decoder.ts";
import { ScriptLog } from "../../src/check/script/script-log.ts";
import { CAPABILITIES, EditScript, type Step } from "../../src/edit-script/index.ts";
import type { Pfn } from "../../src/units/index.ts";

const ENTRIES = 32;
const TABLE = 0x100 as Pfn;
const CAPABILITY = CAPABILITIES.get("vtd-ss-48")!;
const DECODER = DECODERS.get(CAPABILITY.format)!(CAPABILITY);

/** Runs of one or a few entries, some of which leave the table or are outside of it. */
const run = fc
  .tuple(fc.nat(ENTRIES + 2), fc.constantFrom(1, 1, 1, 2, 5), fc.integer({ min: 1, max: 3 }))
  .map(([index, count, frame]): Step => {
    const first = BigInt(frame * 0x1000 + index) * 0x1000n + 3n;
    return { op: "storeRun", update: 1, table: TABLE, index, count, first, stride: 0x1000n };
  });

describe("what a script writes into a table, as cells", () => {
  it("says of each entry whether it is written, how often, and where the next one is", () => {
    let few = 0;
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 6 }), (steps) => {
        const log = new ScriptLog(EditScript.from(steps), []);
        const cells = cellsOf(log.words, log.logAt(TABLE, 0)!, 0, ENTRIES, 1, DECODER, true);
        const writes = Array.from({ length: ENTRIES }, (_, entry) =>
          steps.filter((s) => s.op === "storeRun" && s.index <= entry && entry < s.index + s.count),
        );
        if (writes.filter((own) => own.length > 0).length < 4) few++;
        for (const [entry, own] of writes.entries()) {
          const cell = cells.cellAt(entry);
          expect(cells.isWritten(entry)).toBe(own.length > 0);
          expect(cell?.writes.length ?? 0).toBe(own.length);
          if (cell !== null) expect(cell.first <= entry && entry < cell.first + cell.count).toBe(true);
          for (const last of [entry, entry + 3, ENTRIES]) {
            const next = writes.findIndex((other, i) => i >= entry && i < last && other.length > 0);
            expect(cells.unwrittenUntil(entry, last)).toBe(next < 0 ? last : next);
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(few).toBeGreaterThan(30);
  });
});
