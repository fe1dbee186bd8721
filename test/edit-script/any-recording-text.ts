import fc from "fast-check";

/** A line, given its place in the text: what must not be the same twice follows from that. */
type LineAt = (place: number) => string;
type Text = fc.Arbitrary<string>;
type Line = fc.Arbitrary<LineAt>;
type Weighted = readonly { weight: number; arbitrary: Line }[];

const chosen = fc.constantFrom;
const hex = (value: number): string => `0x${value.toString(16)}`;
const number = (value: number): Text =>
  chosen(hex(value), String(value), `0x${value.toString(16).padStart(16, "0")}`, `0${value}`);
const key = (name: string, value: Text): Text => value.map((v) => `${name}=${v}`);
const line = (...parts: (string | Text)[]): Line =>
  fc
    .tuple(...parts.map((part) => (typeof part === "string" ? fc.constant(part) : part)))
    .map((texts) => () => texts.join(""));
/** A value, seldom as one of a few that recorders write in no plain form. */
const mostly = (usual: Text, ...unusual: string[]): Text =>
  fc.oneof({ weight: 15, arbitrary: usual }, chosen(...unusual));
/** Options of which each may be left out, in any order; most lines have none. */
const some = (...options: Text[]): Text =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant("") },
    fc
      .tuple(fc.shuffledSubarray(options.map((_, i) => i)), fc.tuple(...options))
      .map(([order, values]) => order.map((i) => ` ${values[i]}`).join("")),
  );

/** Where kernels begin their direct map: in the middle of a high word, and not. */
const BASES = [0xffff_8880_0000_0000n, 0xffff_8fff_4000_0000n] as const;

/** The statements of recordings; `isCareful` leaves out what is wrong. Above 0, `directMap` is taken off addresses of tables. */
function statements(isCareful: boolean, directMap: bigint) {
  const virtual = (physical: bigint): string => `0x${(directMap + physical).toString(16)}`;
  const or = (good: Text, ...wrong: string[]): Text =>
    isCareful ? good : fc.oneof({ weight: 30, arbitrary: good }, chosen(...wrong));
  const table = or(
    directMap > 0n
      ? chosen("0x100001000", virtual(0x1_0000_1000n), virtual(0x1_c000_2000n), virtual(0n))
      : mostly(
          chosen("0x100000000", "0x100001000", "4096", "0x0000000200000000", "0xffffffff000"),
          "0x1_0000_0000",
          "4K",
        ),
    ...[
      "0x100000800",
      "0x100000000000",
      "0x1ffffffffffff000",
      `0x${((directMap || BASES[0]) - 4096n).toString(16)}`,
      `0x${(BASES[0] + 8192n).toString(16)}`,
      "0x",
    ],
  );
  const index = or(fc.nat(508).chain(number), "512", "0x200", "", "-1", "1K");
  const slot = fc.oneof(
    fc.tuple(table, index).map(([at, i]) => `${at}[${i}]`),
    or(
      fc.nat(508).map((i) => `0x10000${hex(0x1000 + 8 * i).slice(2)}`),
      "0x100001004",
      "0x100001001",
    ),
  );
  const entry = or(
    mostly(
      fc.oneof(
        fc.nat().map(hex),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((v) => `0x${v.toString(16)}`),
        chosen(
          "0",
          "0x0000001000000003",
          "0xffffffffffffffff",
          "0x001fffffffffffff",
          "007",
          "999999999999999",
        ),
      ),
      ...["1K", "0xffff_ffff", "9007199254740993", "18446744073709551615", "0x000000000000000000001"],
    ),
    ...["0x10000000000000000", "18446744073709551616", "x", "0x", "1e3", "0b1", "-1"],
  );
  const page = or(
    mostly(
      fc.oneof(
        fc.nat(2 ** 27).map((p) => hex(p * 4096)),
        chosen("0", "4096", "0x7ffffffffff000", "0xfffffffffffff000"),
      ),
      ...["8K", "0x10_0000_0000"],
    ),
    ...["0x1001", "12", "2_000", "0xfffffffffffffffff000"],
  );
  const size = or(mostly(chosen("0x1000", "4096", "0x2000", "0x200000"), "4K", "2M"), "0", "0x800", "0x0");
  const invalidated = or(mostly(size, "0xfffffffffffff000"), "0xfffffffffffff000");
  const count = or(fc.integer({ min: 1, max: 3 }).chain(number), "0", "512", "513", "0x100000000", "");
  const update = or(
    mostly(chosen("u=0", "u=1", "u=7", "u=0x9", "u=4294967295"), "u=1K"),
    ...["u=4294967296", "u=-1", "u=", "v=1"],
  );
  /** What follows the entry of a run: mostly a stride that the address bits of most entries have room for. */
  const stride = key(
    "stride",
    or(
      mostly(chosen("0x1000", "4096", "0", "0x200000", "0x0000000000001000"), "0xfffffffffffff000", "4K"),
      "0x8000000000000000",
      "0xfffffffffffff",
      "",
      "-1",
    ),
  );
  const runEntry = or(
    mostly(chosen("0x3", "0", "0x0000001000000003", "007", "0xfff0000001000083"), "0xffff_f003", "1K"),
    "0xffffffffff003",
    "0xfffffffffffff003",
    "18446744073709551615",
    "0x",
  );
  const run = fc
    .tuple(runEntry, key("count", count), stride, fc.boolean(), some(update))
    .map(
      ([first, counted, by, isTurned, more]) =>
        `${first}${more} ${isTurned ? `${by} ${counted}` : `${counted} ${by}`}`,
    );
  const runs = or(
    fc.oneof(
      { weight: 5, arbitrary: run },
      fc.tuple(runEntry, some(update)).map(([first, more]) => first + more),
    ),
    "0 count=3",
    "0x3 count=3",
    "0x3 count=3 stride=0",
  );
  const iovaOfStep = or(
    mostly(chosen("0", "4096", "0x1000000", "0xfffffffff000"), "8K", "0x10_0000_0000"),
    "0x1000000000000",
    "0xfffffffffffff000",
    "0x1001",
  );
  const rights = or(chosen("rights=rw", "rights=r", "rights=w"), "rights=wr", "rights=", "rights=rwx");
  const domain = or(fc.constant("domain=1"), "domain=9", "domain=");
  const scope = or(chosen("scope=leaf", "scope=nonLeaf"), "scope=leafs", "scope=");
  const caches = or(
    chosen("caches=all", "caches=iotlb+walk", "caches=atc", "caches=context", "caches=none"),
    ...["caches=iotlb+", "caches=", "caches=all+x"],
  );
  /** Behind that of the lines above. */
  const iova: Line = fc
    .tuple(fc.nat(3), isCareful ? fc.constant(0) : fc.constantFrom(...Array<number>(40).fill(0), 1, 2, 9))
    .map(
      ([gap, back]) =>
        (place) =>
          `iova=${hex((place * 0x400 + gap - back * 0x400) * 4096)}`,
    );
  const region = (which: string): Line =>
    fc
      .tuple(
        iova,
        size,
        or(
          page.map((at) => `frame=${at}`),
          "vaddr=0x5000",
          "vaddr=0x5",
          "frame=",
        ),
        some(rights),
        fc.boolean(),
      )
      .map(([at, bytes, behind, more, isTurned]) => (place) => {
        const range = [at(place), `size=${bytes}`];
        return `map ${which} ${(isTurned ? range.reverse() : range).join(" ")} ${behind}${more}`;
      });
  const listing: Line = fc
    .tuple(fc.nat(500), fc.array(entry, { minLength: 1, maxLength: 5 }), run, fc.nat(19))
    .map(([at, entries, counted, kind]) => (place) => {
      if (kind === 0) return "table 0x100001000[7] = 0x1003 0x1003";
      if (kind === 1) return "table 0x100001000[6] = 0x1003 count=2";
      if (kind === 2 && !isCareful) return `table 0x100001000[${at % 9}] = ${entries.join(" ")}`;
      const own = `table ${hex(0x3_0000_0000 + place * 4096)}[${at}] = `;
      return own + (kind < 10 ? entries.join(" ") : counted);
    });
  const either = (good: readonly [string, ...string[]], ...wrong: string[]): Line =>
    line(or(chosen(...good), ...wrong));
  const steps: Weighted = [
    { weight: 6, arbitrary: line("store ", slot, " = ", entry, some(update)) },
    { weight: 3, arbitrary: line("unpin ", page, " ", key("size", size)) },
    { weight: 2, arbitrary: line("clean ", slot, some(key("count", count))) },
    { weight: 2, arbitrary: line("collect ", slot, some(key("count", count))) },
    {
      weight: 1,
      arbitrary: line("storeRun ", slot, " = ", runs),
    },
    {
      weight: 1,
      arbitrary: line("fill ", slot, " = ", runs),
    },
    {
      weight: 2,
      arbitrary: line("exchange ", slot, " = ", entry, " ", key("expected", entry), some(update)),
    },
    {
      weight: 2,
      arbitrary: line(
        "invalidate ",
        key("iova", iovaOfStep),
        " ",
        key("size", invalidated),
        some(domain, scope, caches),
      ),
    },
    {
      weight: 3,
      arbitrary: either(["barrier", "wait", "wait drain"], "barrier u=1", "wait drained", "wait iommu=3"),
    },
    { weight: 2, arbitrary: line("freeTable ", table) },
    { weight: 1, arbitrary: line("gather ", slot, " = ", entry, " ", entry, some(update)) },
    {
      weight: 1,
      arbitrary: either(
        ["qi 0x100f2 0x3000", "qi 0x10032 0x5000", "wait drain iommu=0", "invalidate all"],
        "qi 0",
      ),
    },
    { weight: 1, arbitrary: either(["window open iova=0 size=0x1000"], "window close iova=0 size=0x1000") },
    { weight: 1, arbitrary: line("setRoot root=0x100005000", some(update)) },
  ];
  const before: Weighted = [
    { weight: 6, arbitrary: region("old") },
    { weight: 4, arbitrary: listing },
    { weight: 3, arbitrary: line("pins ", page, " ", key("size", size), some(key("count", count))) },
    { weight: isCareful ? 0 : 1, arbitrary: line("pins none") },
    {
      weight: 1,
      arbitrary: either(
        ["", "  ", "# comment", "epoch", "keep 0x100007000"],
        "keep",
        "epoch 1",
        "directMap 0x10",
      ),
    },
  ];
  const edits: Weighted = [
    { weight: 4, arbitrary: region("add") },
    {
      weight: 2,
      arbitrary: fc.tuple(iova, size).map(
        ([at, bytes]) =>
          (place) =>
            `map remove ${at(place)} size=${bytes}`,
      ),
    },
    { weight: 2, arbitrary: line("pins ", page, " ", key("size", size)) },
  ];
  const changes: Weighted = [
    { weight: 6, arbitrary: region("new") },
    { weight: isCareful ? 0 : 1, arbitrary: line("map new none") },
  ];
  return { before, steps, changes, edits, newRegion: region("new") };
}

/** Other ways to write a line; they mean the same where they do not hide it. */
const RESPELLINGS: readonly ((text: string) => string)[] = [
  (text) => text.replace(" ", "  "),
  (text) => text.replace(/ (?=\S+$)/, "\t"),
  (text) => text.replace(/ (?=\S+$)/, "\u00a0"),
  (text) => `${text}   # store 0x0 = 1`,
  (text) => `${text}#x`,
  (text) => `  ${text}\t`,
  (text) => text.replace(/[a-f]+(?=[^=]*$)/, (digits) => digits.toUpperCase()),
  (text) => text.replace("] = ", "]="),
  (text) => text.replace("] = ", "]   ="),
  (text) => text.replace(" = ", "\t=  "),
  (text) => text.replace("0x", "0X"),
  (text) => text.replace(/(\d)(\d)(?!.*\d\d)/, "$1_$2"),
  (text) => `qemu-kvm-4711  [003] d..1.  1034.000321: bprint: set_pte: hitless: ${text}`,
  (text) => `store 0x1000 = 1 hitless:   ${text}`,
  (text) => `# hitless: ${text}`,
  (text) => `caf\u00e9: hitless: ${text}`,
];
const STRANGE = [
  ..." =[]#\t\0_KMx0g+,\v\r",
  "\u00e9",
  "\u00a0",
  "\ufeff",
  "\ud800",
  "\u{1f600}",
  "hitless: ",
];
/** Ways to spoil a line at a place. */
const SPOILINGS: readonly ((text: string, at: number) => string)[] = [
  (text, at) => text.slice(0, at),
  (text, at) => text.slice(0, at) + text.slice(at + 1),
  (text, at) => text.slice(0, at) + STRANGE[at % STRANGE.length] + text.slice(at),
  (text, at) => text.slice(0, at) + STRANGE[(at * 7) % STRANGE.length] + text.slice(at + 1),
  (text) => `${text} ${text.split(" ").at(-1)}`,
  (text) => text.replace(/=(\w+)$/, "=$1K"),
  (text) => text.replace(/=(\w+)$/, `=$1${"0".repeat(20)}`),
  (text) => text.replace(/ (\w+=\S+)/, " $1 $1"),
  (text) => text.replace(/ \w+=\S+/, ""),
];

const written = (isCareful: boolean, as: Line): Line =>
  fc
    .tuple(
      as,
      fc.option(chosen(...RESPELLINGS), { freq: 6, nil: null }),
      isCareful ? fc.constant(null) : fc.option(chosen(...SPOILINGS), { freq: 20, nil: null }),
      fc.nat(200),
    )
    .map(([at, respell, spoil, anywhere]) => (place) => {
      const text = respell === null ? at(place) : respell(at(place));
      return spoil === null ? text : spoil(text, anywhere % (text.length + 1));
    });

function recordingText(isCareful: boolean, directMap: bigint): Text {
  const { before, steps, changes, edits, newRegion } = statements(isCareful, directMap);
  const linesOf = (what: Weighted, maxLength: number): fc.Arbitrary<LineAt[]> =>
    fc.array(written(isCareful, fc.oneof(...what)), { maxLength, size: "max" });
  const calls = fc
    .array(linesOf([...steps, ...edits], 10), { maxLength: 3 })
    .map((all) => all.flatMap((lines, i) => [() => `call iommu_map ${i}`, ...lines]));
  const ioctls = linesOf(steps, 9).map((lines) => [() => "ioctl UNMAP_DMA", ...lines, () => "ioctl"]);
  // Without calls it has to be said what the new map is.
  const mapped = (lines: fc.Arbitrary<LineAt[]>): fc.Arbitrary<LineAt[]> =>
    fc.tuple(newRegion, lines).map(([first, rest]) => [first, ...rest]);
  const after = [mapped(linesOf([...steps, ...changes], 25)), calls, mapped(ioctls)];
  if (!isCareful) after.push(linesOf([...before, ...steps, ...changes, ...edits], 20));
  return fc
    .record({
      first: chosen("", "", "", "\ufeff", "\n", "# trace\n"),
      domains: isCareful
        ? chosen("domain 1 root=0x1000")
        : chosen("domain 1 root=0x1000", "domain 5 root=0\ndomain 1 root=0"),
      above: linesOf(before, 15),
      below: fc.oneof(...after),
      end: chosen("\n", "\n", "\n", "\r\n", "\r"),
      isEnded: fc.boolean(),
    })
    .map(({ first, domains, above, below, end, isEnded }) => {
      const lines = ["hitless-edit-script 1 vtd-ss-48", ...domains.split("\n")];
      if (directMap > 0n) lines.push(`directMap 0x${directMap.toString(16)}`);
      for (const at of [...above, ...below]) lines.push(at(lines.length));
      return first + lines.join(end) + (isEnded ? end : "");
    });
}

/** Texts of recordings, right ones and wrong ones: most lines as recorders write them, some spelt otherwise. */
export const anyRecordingText: Text = fc.oneof(
  ...[0n, ...BASES].flatMap((directMap) => [recordingText(true, directMap), recordingText(false, directMap)]),
);
