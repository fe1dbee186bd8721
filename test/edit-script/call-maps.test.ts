import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRecording, ScriptTextError } from "../../src/edit-script/index.ts";
import type { MapRun } from "../../src/edit-script/text.ts";

const PAGES = 12;
const hex = (page: number): string => `0x${(page * 4096).toString(16)}`;

const edit = fc.record({
  isAdded: fc.boolean(),
  start: fc.nat(PAGES - 1),
  pages: fc.integer({ min: 1, max: 4 }),
  frame: fc.integer({ min: 0x100, max: 0x104 }),
  rights: fc.constantFrom("r", "rw"),
});
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;
const recorded = fc.array(fc.array(edit, { maxLength: 4 }), { minLength: 1, maxLength: 6 });

const lineOf = ({ isAdded, start, pages, frame, rights }: Edit): string => {
  const range = `iova=${hex(start)} size=${hex(pages)}`;
  return isAdded ? `map add ${range} frame=${hex(frame)} rights=${rights}` : `map remove ${range}`;
};

/** Pages of a map, each with its frame and rights. */
const pagesOf = (map: readonly MapRun[]): string[] =>
  map.flatMap(({ iovaPfn, pages, pfn, rights }) =>
    Array.from({ length: pages }, (_, i) => `${iovaPfn + i} ${pfn + i} ${rights}`),
  );

/** What the edits make of the pages; null where one adds what is there. */
function edited(before: ReadonlyMap<number, string>, edits: readonly Edit[]): Map<number, string> | null {
  const map = new Map(before);
  for (const { isAdded, start, pages, frame, rights } of edits)
    for (let i = 0; i < pages; i++) {
      if (!isAdded) map.delete(start + i);
      else if (map.has(start + i)) return null;
      else map.set(start + i, `${start + i} ${frame + i} ${rights === "r" ? 1 : 3}`);
    }
  return map;
}
const inOrder = (map: ReadonlyMap<number, string>): string[] =>
  [...map].sort(([a], [b]) => a - b).map(([, page]) => page);

describe("maps of a recording of several calls", () => {
  it("are what each call adds and removes, page by page, in whatever order they are asked for", () => {
    const seen = { right: 0, refused: 0 };
    fc.assert(
      fc.property(recorded, fc.infiniteStream(fc.nat(5)), (calls, order) => {
        const lines = ["hitless-edit-script 1 vtd-ss-39", "domain 1 root=0x100000000"];
        const expected: string[][] = [];
        let map: Map<number, string> | null = new Map();
        for (const [i, edits] of calls.entries()) {
          lines.push(`call ${i}`, ...edits.map(lineOf));
          map = map && edited(map, edits);
          if (map !== null) expected.push(inOrder(map));
        }
        const text = lines.join("\n");
        if (map === null) {
          expect(() => parseRecording(text)).toThrow(ScriptTextError);
          seen.refused++;
          return;
        }
        const recording = parseRecording(text);
        expect(recording.calls.map(({ newMap }) => pagesOf(newMap))).toEqual(expected);
        for (let k = 0; k < 6; k++) {
          const at = order.next().value % calls.length;
          expect(pagesOf(recording.calls[at]!.newMap)).toEqual(expected[at]);
        }
        seen.right++;
      }),
      { numRuns: 1500 },
    );
    expect(seen.right).toBeGreaterThan(300);
    expect(seen.refused).toBeGreaterThan(100);
  });
});
