import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { importText } from "../../src/vmm/importers/detect.ts";
import { importListenerTrace } from "../../src/vmm/importers/listener-trace.ts";
import { parseMapFile, printMapFile } from "../../src/vmm/importers/map-file.ts";
import { importMtree, importMtreeFolder } from "../../src/vmm/importers/mtree-sequence.ts";
import { InputError } from "../../src/vmm/input-error.ts";
import { type MapSequence, makeMemoryMap } from "../../src/vmm/memory-map.ts";
import { recorded } from "./captures.ts";

const trace = recorded("l2-pc-seabios-vfio", "vfio-listener-trace.txt");
const dispatch = recorded("pc-seabios-boot", "final-mtree-f-d.txt.gz").slice(0, 12_000);
const mtree = recorded("l2-pc-seabios-vfio", "raw-info-mtree-f.txt.gz").split("@@@ SNAP 4")[0]!;
const owners = recorded("q35-linux-vtd-strict", "final-mtree-f-o.txt.gz");
const mapFile = printMapFile(importListenerTrace(trace, "t"));
const tsv =
  "step\tfile\tcommit\tt_ms\tduring\n0\ta.txt\t1\t0.0\t\n1\tb.txt\t2\t9.1\tcont\n2\ta.txt\t3\t9.9\tcont\n";
const small = dispatch.slice(0, dispatch.indexOf("  Dispatch")) + "\n";

/** Everything that was read keeps the promises of the type; everything refused names a place that exists. */
function judge(read: () => MapSequence, text: string): "read" | "refused" {
  let sequence: MapSequence;
  try {
    sequence = read();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    const { line, message, expected } = error as InputError;
    expect(line).toBeGreaterThanOrEqual(0);
    expect(line).toBeLessThanOrEqual(Math.max(1, text.split("\n").length));
    expect(expected).not.toBe("");
    expect(message).not.toMatch(/\n/);
    return "refused";
  }
  expect(sequence.steps.length).toBeGreaterThan(0);
  for (const { map } of sequence.steps) {
    expect(makeMemoryMap(map.regions)).toEqual(map);
    for (const r of map.regions) {
      expect(Number.isSafeInteger(r.iovaPfn + r.pages) && Number.isSafeInteger(r.offsetPages)).toBe(true);
      expect([1, 2, 3]).toContain(r.rights);
    }
  }
  return "read";
}

/** Changes that people and tools make to text: cut, repeat, drop, swap, overwrite, insert. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  length: fc.integer({ min: 0, max: 80 }),
  how: fc.constantFrom("cut", "drop", "repeat", "overwrite", "insert", "dropLine", "repeatLine", "swapLines"),
  text: fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.constantFrom(
      "0",
      "f",
      "\n",
      "\r\n",
      " ",
      "FlatView #0",
      "-",
      "@@@ SNAP 1",
      "map x\n",
      "\t",
      ")",
      "rw",
    ),
  ),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(text: string, { at, length, how, text: inserted }: Mutation): string {
  const i = Math.floor(at * text.length);
  switch (how) {
    case "cut":
      return text.slice(0, i);
    case "drop":
      return text.slice(0, i) + text.slice(i + length);
    case "repeat":
      return text.slice(0, i + length) + text.slice(i);
    case "overwrite":
      return text.slice(0, i) + inserted + text.slice(i + inserted.length);
    case "insert":
      return text.slice(0, i) + inserted + text.slice(i);
  }
  const lines = text.split("\n");
  const n = Math.floor(at * lines.length);
  if (how === "dropLine") lines.splice(n, 1);
  else if (how === "repeatLine") lines.splice(n, 0, lines[n]!);
  else lines.splice(n, 2, ...lines.slice(n, n + 2).reverse());
  return lines.join("\n");
}

const mutated = (text: string) =>
  fc.array(mutation, { minLength: 1, maxLength: 4 }).map((changes) => changes.reduce(mutate, text));

describe("mutated input is read or refused with a place, never anything else", () => {
  const runs = { numRuns: 400 };

  it.each([
    ["a listener trace", trace, (text: string) => importListenerTrace(text, "f")],
    ["info mtree -f -d", dispatch, (text: string) => importMtree(text, "f")],
    ["marked info mtree -f", mtree, (text: string) => importMtree(text, "f")],
    ["info mtree -f -o", owners, (text: string) => importMtree(text, "f", { addressSpace: "vtd-02.0" })],
    ["a map file", mapFile, (text: string) => parseMapFile(text, "f")],
    ["a sequence.tsv", tsv, (text: string) => folder(text)],
  ])("%s", (_, valid, read) => {
    expect(judge(() => read(valid), valid)).toBe("read");
    const seen = { read: 0, refused: 0 };
    fc.assert(
      fc.property(mutated(valid), (text) => {
        seen[judge(() => read(text), text)]++;
        judge(() => importText(text, "f"), text);
      }),
      runs,
    );
    expect(seen.read).toBeGreaterThan(0);
    expect(seen.refused).toBeGreaterThan(0);
  });

  it("text of no kind at all", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        judge(() => importText(text, "f"), text);
      }),
    );
  });
});

const folder = (sequence: string): MapSequence =>
  importMtreeFolder(
    new Map([
      ["a.txt", small],
      ["b.txt", small],
      ["sequence.tsv", sequence],
    ]),
    "dir",
  );
