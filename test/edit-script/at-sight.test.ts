import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteText } from "../../src/edit-script/byte-text.ts";
import { parseRecording, parseScript, ScriptTextError } from "../../src/edit-script/index.ts";
import { RecordingParser } from "../../src/edit-script/text-parse.ts";
import { anyRecordingText } from "./any-recording-text.ts";

const NAME = "driver.script";
const HEAD = "hitless-edit-script 1 vtd-ss-48\ndomain 1 root=0x100000000\n";

interface Outcome {
  /** Everything that is read of a text, or what is said against it. */
  readonly read: unknown;
  /** Lines recognised at sight. */
  readonly plainLines: number;
}

function outcome(text: string | Uint8Array, readsAtSight = true): Outcome {
  const parser = new RecordingParser(NAME, readsAtSight);
  let read: unknown;
  try {
    const recording = parser.parse(new ByteText(text));
    const calls = recording.calls.map((call) => ({
      ...call,
      script: [...call.script.words],
      nextUpdate: call.script.newUpdate(),
    }));
    read = { ...recording, calls };
  } catch (error) {
    if (!(error instanceof ScriptTextError)) throw error;
    read = error.message;
  }
  return { read, plainLines: parser.plainLines };
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
/** What a program that reads the file as text makes of its bytes. */
const decoded = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

describe("lines that are recognised at sight", () => {
  it("mean what they mean word by word, and what is wrong with them is the same", () => {
    let [lines, plainLines, right, wrong] = [0, 0, 0, 0];
    fc.assert(
      fc.property(anyRecordingText, (text) => {
        const slow = outcome(text, false);
        const fast = outcome(text);
        expect(fast.read).toEqual(slow.read);
        expect(slow.plainLines).toBe(0);
        const bytes = bytesOf(text);
        expect(outcome(bytes).read).toEqual(outcome(decoded(bytes), false).read);
        if (typeof slow.read === "string") {
          wrong++;
          return;
        }
        right++;
        lines += text.split(/\r\n|\r|\n/).length;
        plainLines += fast.plainLines;
      }),
      { numRuns: 3000 },
    );
    expect(right).toBeGreaterThan(600);
    expect(wrong).toBeGreaterThan(600);
    expect(plainLines / lines).toBeGreaterThan(0.5);
  });

  it.each([
    "store 0x100002018 = 0x1000000003",
    "store 0x100002000[3] = 0 u=7",
    "storeRun 0x100002000[3] = 0x3 count=4 stride=0x1000 u=7",
    "fill 0x100002000[0] = 0x3 count=512 stride=0x1000",
    "exchange 0x100002000[3] = 0x1003 expected=0x3",
    "collect 0x100002000[3] count=2",
    "clean 0x100002000[3]",
    "barrier",
    "invalidate iova=0 size=0x1000",
    "invalidate domain=1 scope=leaf caches=iotlb+walk iova=0x1000 size=0x1000",
    "invalidate iova=0x200000 size=2M",
    "unpin 0x1000000000 size=4K",
    "invalidate iova=0 size=4096T",
    "map new iova=0x1000 size=12k frame=0x1000000000",
    "wait",
    "wait drain",
    "freeTable 0x100002000",
    "unpin 0x1000000000 size=0x1000",
    "map old iova=0x1000 size=0x1000 frame=0x1000000000",
    "map new iova=0x1000 size=0x1000 frame=0x1000000000 rights=rw",
    "map add iova=0x1000 size=0x1000 frame=0x1000000000 rights=r",
    "map remove iova=0x1000 size=0x1000",
    "table 0x100001000[0] = 0x100002003",
    "table 0x100001000[0] = 0x1003 count=4 stride=0x1000",
    "table 0x100001000[0] = 0x1003 0x3003 0x2003",
    "pins 0x1000000000 size=0x1000 count=2",
    "# a comment",
    "   \t",
    "driver-1 [003] d..1. 1034.000321: bprint: set_pte: hitless: store 0x100002018 = 0x1000000003  # why",
  ])("are, among others: %s", (line) => {
    const text = `${HEAD}${line}\nqi 0x25 0\n`;
    const { read, plainLines } = outcome(text);
    expect(plainLines).toBe(1);
    expect(read).toEqual(outcome(text, false).read);
  });

  it.each([
    ["invalidate iova=0 size=0x1000", "domain 2 root=0x100005000\n"],
    ["table 0x100001000[0] = 0x1003", "call iommu_map\n"],
    ["map old iova=0 size=0x1000 frame=0x1000", "call iommu_map\n"],
    ["map old iova=0 size=0x1000 frame=0x1000", "map old none\n"],
    ["map new iova=0 size=0x1000 frame=0x1000", "map new none\n"],
    ["table 0x100001000[1] = 0x1003 0x2003", "table 0x100001000[2] = 0x3003\n"],
    ["table 0x100001000[0] = 0x1003 count=4 stride=0x1000", "table 0x100001000[3] = 0x3003\n"],
    ["store 0x100000000000[0] = 3", ""],
    ["freeTable 0x100000000000", ""],
    ["store 0x100001018 = 0x10000000000000000", ""],
    ["store 0x100001018 = 18446744073709551616", ""],
    ["store 0x100001018 =3", ""],
    ["store 0x100001018= 3", ""],
    ["store 0x10000101c = 3", ""],
    ["store 0x100001000[512] = 3", ""],
    ["clean 0x100001000[511] count=2", ""],
    ["clean 0x100001000[0] count=0", ""],
    ["fill 0x100001000[509] = 3 count=4 stride=0", ""],
    ["fill 0x100001000[0] = 3 count=4", ""],
    ["storeRun 0x100001000[0] = 0xffffffffff003 count=2 stride=0x1000", ""],
    ["table 0x100001000[0] = 0x1003 count=3 stride=0xfffffffffffff000", ""],
    ["invalidate iova=0x1000000000000 size=0x1000", ""],
    ["invalidate iova=0x2000 size=0xfffffffffffff000", ""],
    ["pins 0x1000 size=0x1000", "pins none\n"],
    ["table 0x100001000[510] = 1 2 3", ""],
    ["table 0x100001000[0] = 1 2 count=2", ""],
    ["unpin 0x1000 size=0", ""],
    ["unpin 0x1000 size=0K", ""],
    ["unpin 0x1000 size=3K", ""],
    ["unpin 0x1000 size=4KM", ""],
    ["invalidate iova=0 size=17000000T", ""],
    ["unpin 0x1001 size=0x1000", ""],
    ["store 0x100001018 = 3 u=0x100000000", ""],
    ["store 0x100001018 = 3 u=1 u=1", ""],
    ["exchange 0x100001018 = 3", ""],
    ["map old iova=0 size=0x1000", ""],
    ["map old iova=0 size=0x1000 frame=0x1000 rights=wr", ""],
    ["store 0xffff888000001018 = 3", ""],
  ])("are not those that may be refused: %s", (line, above) => {
    const text = `${HEAD}${above}${line}\nqi 0x25 0\n`;
    const { read } = outcome(text, false);
    expect(read).toMatch(/^driver\.script:\d+: /);
    expect(outcome(text).read).toBe(read);
  });

  it("are none before the header has been read, nor is a last line without an end", () => {
    expect(outcome("barrier\n")).toEqual({ ...outcome("barrier\n", false), plainLines: 0 });
    const text = `${HEAD}barrier`;
    expect(outcome(text)).toEqual(outcome(text, false));
  });
});

describe("a recording read from bytes", () => {
  const body = [...HEAD.trimEnd().split("\n"), "barrier", "", "store 0x100000008 = 0x3", "wait"];

  it.each(["\n", "\r\n", "\r"])("ends lines with %j, and the last one with that or nothing", (end) => {
    for (const text of [body.join(end), body.join(end) + end, `\ufeff${body.join(end)}${end}`]) {
      const { calls } = parseRecording(bytesOf(text));
      expect(calls[0]!.stepLines, JSON.stringify(text)).toEqual([3, 5, 6]);
      expect(outcome(bytesOf(text)).read).toEqual(outcome(text, false).read);
    }
  });

  it("counts lines whose ends are mixed", () => {
    const text = `${HEAD}barrier\r\r\nbarrier\n\rbarrier\r\n\nbarrier\r`;
    expect(parseScript(bytesOf(text)).stepLines).toEqual([3, 5, 7, 9]);
    expect(outcome(bytesOf(text)).read).toEqual(outcome(text, false).read);
  });

  it.each([
    ["nothing", ""],
    ["a byte order mark alone", "\ufeff"],
    ["a line end alone", "\n"],
    ["UTF-16", "h\0i\0t\0l\0e\0s\0s\0\n\0"],
    ["a zero byte in a step", `${HEAD}store 0x1000[0] = 3\0\nbarrier\n`],
    ["two byte order marks", `\ufeff\ufeff${HEAD}barrier\n`],
    ["one in a line", `${HEAD}\ufeffbarrier\n`],
    ["no domain, and a last line without an end", "hitless-edit-script 1 vtd-ss-48\nbarrier"],
    ["no domain, and a last line with an end", "hitless-edit-script 1 vtd-ss-48\nbarrier\n"],
    [
      "characters of two to four bytes",
      `${HEAD}# caf\u00e9 \u20ac \u{1f600}\ncall caf\u00e9 \u20ac \u{1f600}\nbarrier\n`,
    ],
    ["such characters where none belong", `${HEAD}store 0x1000[0] = \u20ac\nbarrier\n`],
    ["separators of lines that are none here", `${HEAD}barrier\u2028barrier\u0085\v\f\n`],
  ])("is what the same text is: %s", (_, text) => {
    expect(outcome(bytesOf(text)).read).toEqual(outcome(text, false).read);
    expect(outcome(text).read).toEqual(outcome(text, false).read);
  });

  it("takes bytes that are no UTF-8 for U+FFFD", () => {
    const anyBytes = fc.array(
      fc.oneof(
        fc.integer({ min: 0x80, max: 0xff }),
        fc.constantFrom(0x0a, 0x0d, 0x20, 0x41, 0xe2, 0x82, 0xac, 0xf0),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(anyBytes, anyBytes, (label, comment) => {
        const parts = [bytesOf(`${HEAD}# `), comment, bytesOf("\ncall "), label, bytesOf("\nbarrier\n")];
        const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
        expect(outcome(bytes).read).toEqual(outcome(decoded(bytes), false).read);
      }),
      { numRuns: 1000 },
    );
  });

  it("may be a part of a larger buffer", () => {
    const bytes = bytesOf(`xx${HEAD}barrier\nzz`);
    expect(parseScript(bytes.subarray(2, bytes.length - 2)).script.steps).toBe(1);
  });

  it("keeps halves of surrogate pairs of a string as they are", () => {
    const { calls } = parseRecording(`${HEAD}call \ud800\nbarrier\n`);
    expect(calls[0]!.label).toBe("\ud800");
  });
});
