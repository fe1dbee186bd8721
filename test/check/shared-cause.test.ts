import { describe, expect, it } from "vitest";
import { type CheckInput, check, inputOf } from "../../src/check/index.ts";
import { CAPABILITIES, EditScript, parseScript, printScript } from "../../src/edit-script/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";

const PAGES = 200;
const TABLE = 0x100002000;
const page = (i: number): string => `0x${(i * 4096).toString(16)}`;
/** Frames in no order, so that every page is a history of its own. */
const frame = (i: number): bigint => 0x1000000000n + BigInt((i * 37) % 512) * 4096n;
const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** A table of pages whose write access is taken, each by a store of its own, by the steps given. */
function protecting(steps: (store: (i: number) => string) => readonly string[]): string {
  const lines = [
    "hitless-edit-script 1 vtd-ss-39",
    "domain 1 root=0x100000000",
    "table 0x100000000[0] = 0x100001003",
    "table 0x100001000[0] = 0x100002003",
  ];
  for (let i = 0; i < PAGES; i++) {
    lines.push(`table ${hex(BigInt(TABLE))}[${i}] = ${hex(frame(i) | 3n)}`);
    for (const [which, rights] of [
      ["old", "rw"],
      ["new", "r"],
    ])
      lines.push(`map ${which} iova=${page(i)} size=4K frame=${hex(frame(i))} rights=${rights}`);
  }
  const store = (i: number): string => `store ${hex(BigInt(TABLE))}[${i}] = ${hex(frame(i) | 1n)}`;
  return [...lines, ...steps(store)].join("\n");
}
const stores = (store: (i: number) => string, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => store(from + i));

const foundIn = (text: string) =>
  check(inputOf(parseScript(text))).findings.map(
    ({ class: kind, cause, ranges }) =>
      `${kind} ${cause} ${ranges.map(({ start, end }) => `${start}-${end}`).join(" ")}`,
  );

describe("one cause behind more pages than are looked into", () => {
  it("is one finding", () => {
    const text = protecting((store) => [...stores(store, 0, PAGES), "barrier", "wait drain"]);
    expect(foundIn(text)).toEqual([`V04 missing-inv 0-${PAGES}`]);
  });

  it("is told from another cause on other pages", () => {
    const half = PAGES / 2;
    const text = protecting((store) => [
      ...stores(store, 0, half),
      "barrier",
      `invalidate iova=0 size=${page(half - 20)}`,
      "wait drain",
      ...stores(store, half, PAGES),
      "barrier",
      "wait drain",
    ]);
    expect(foundIn(text)).toEqual([
      `V04 under-range ${half - 20}-${half}`,
      `V04 missing-inv ${half}-${PAGES}`,
    ]);
  });

  it("is left open where no repair heals", () => {
    const wrong = protecting((store) => stores(store, 0, PAGES)).replace(
      /^(map new .*frame=)0x10/gm,
      "$10x20",
    );
    const found = check(inputOf(parseScript(`${wrong}\nbarrier\ninvalidate iova=0 size=2M\nwait drain`)));
    expect(found.findings.filter((f) => f.cause === "plan").length).toBeGreaterThan(0);
    for (const { cause } of found.findings) expect([null, "plan"]).toContain(cause);
  });
});

/** More pages than a history may have steps, in several tables; each goes by a store and loses a pin by an unpin of its own. */
function unmappingEachPage(
  steps: (stores: readonly string[], unpins: readonly string[]) => readonly string[],
) {
  const tables = 9;
  const lines = ["hitless-edit-script 1 vtd-ss-39", "domain 1 root=0x100000000", "map new none"];
  lines.push("table 0x100000000[0] = 0x100001003");
  const stores: string[] = [];
  const unpins: string[] = [];
  for (let t = 0; t < tables; t++) {
    const table = hex(BigInt(TABLE + t * 4096));
    lines.push(`table 0x100001000[${t}] = ${hex(BigInt(table) | 3n)}`);
    for (let i = 0; i < 512; i++) {
      const at = hex(frame(i) + BigInt(t * 512 * 4096));
      lines.push(`table ${table}[${i}] = ${hex(BigInt(at) | 3n)}`);
      lines.push(`map old iova=${page(t * 512 + i)} size=4K frame=${at}`);
      stores.push(`store ${table}[${i}] = 0`);
      unpins.push(`unpin ${at} size=4K`);
    }
  }
  return { text: [...lines, ...steps(stores, unpins)].join("\n"), pages: tables * 512 };
}

describe("one cause behind what a recorder lists page by page and frame by frame", () => {
  it.each([
    ["missing-inv", "V06", ["barrier"]],
    ["no-drain", "V06", ["barrier", "invalidate iova=0 size=18M", "wait"]],
    ["no-barrier", "V15", ["invalidate iova=0 size=18M", "wait drain"]],
  ])("is named %s, once for all pages", (cause, kind, ordered) => {
    const { text, pages } = unmappingEachPage((stores, unpins) => [...stores, ...ordered, ...unpins]);
    expect(foundIn(text)).toEqual([`${kind} ${cause} 0-${pages}`]);
  });

  it("is no fault where all that orders is there", () => {
    const ordered = ["barrier", "invalidate iova=0 size=18M", "wait drain"];
    const { text } = unmappingEachPage((stores, unpins) => [...stores, ...ordered, ...unpins]);
    expect(foundIn(text)).toEqual([]);
  });
});

/** Tables replaced by new ones, 2 MiB each, with all frames moved; `without` leaves out what orders the steps. */
function replacingTables(without: readonly string[]): { text: string; pages: number } {
  const tables = 80;
  const [first, fresh] = [0x110000000, 0x120000000];
  const lines = ["hitless-edit-script 1 vtd-ss-39", "domain 1 root=0x100000000"];
  lines.push("table 0x100000000[0] = 0x100001003");
  const fills: string[] = [];
  const links: string[] = [];
  const frees: string[] = [];
  for (let t = 0; t < tables; t++) {
    const [old, next] = [first + t * 4096, fresh + t * 4096].map((table) => `0x${table.toString(16)}`);
    const [from, to] = [0x1000000000 + t * 2 ** 21, 0x2000000000 + t * 2 ** 21 + 4096];
    lines.push(`table 0x100001000[${t}] = ${hex(BigInt(old!) | 3n)}`);
    lines.push(`table ${old}[0] = ${hex(BigInt(from) | 3n)} count=512 stride=4096`);
    for (const [which, at] of [
      ["old", from],
      ["new", to],
    ] as const)
      lines.push(`map ${which} iova=${page(t * 512)} size=2M frame=${hex(BigInt(at))}`);
    fills.push(`fill ${next}[0] = ${hex(BigInt(to) | 3n)} count=512 stride=4096`);
    links.push(`store 0x100001000[${t}] = ${hex(BigInt(next!) | 3n)}`);
    frees.push(`freeTable ${old}`, `unpin ${hex(BigInt(from))} size=2M`);
  }
  const ordered = (...steps: string[]): string[] => steps.filter((step) => !without.includes(step));
  const flush = ordered("barrier", "invalidate iova=0 size=160M", "wait drain");
  const steps = [...fills, ...ordered("barrier"), ...links, ...flush, ...frees];
  return { text: [...lines, ...steps].join("\n"), pages: tables * 512 };
}

describe("one cause behind many tables that are replaced", () => {
  it.each([
    ["missing-inv", "V07", ["invalidate iova=0 size=160M"]],
    ["no-wait", "V07", ["wait drain"]],
    ["no-barrier", "V15", ["barrier"]],
  ])("is named %s, once for all pages", (cause, kind, without) => {
    const { text, pages } = replacingTables(without);
    expect(foundIn(text)).toEqual([`${kind} ${cause} 0-${pages}`]);
  });

  it("is no fault where all that orders is there", () => {
    expect(foundIn(replacingTables([]).text)).toEqual([]);
  });
});

/** Pages unmapped one after the other, each with all that orders it; `without` says of a page what it goes without. */
function pageByPage(
  without: (i: number) => string | null,
  tables = 2,
): { text: string; pages: number; lines: string[] } {
  const pages = tables * 512;
  const before = ["hitless-edit-script 1 vtd-ss-39", "domain 1 root=0x100000000", "map new none"];
  before.push("table 0x100000000[0] = 0x100001003");
  const steps: string[] = [];
  for (let i = 0; i < pages; i++) {
    const table = hex(BigInt(TABLE + Math.floor(i / 512) * 4096));
    const at = hex(frame(i % 512) + BigInt(Math.floor(i / 512) * 512 * 4096));
    if (i % 512 === 0) before.push(`table 0x100001000[${i / 512}] = ${hex(BigInt(table) | 3n)}`);
    before.push(`table ${table}[${i % 512}] = ${hex(BigInt(at) | 3n)}`);
    before.push(`map old iova=${page(i)} size=4K frame=${at}`);
    const own = [`store ${table}[${i % 512}] = 0`, "barrier", `invalidate iova=${page(i)} size=4K`];
    own.push("wait drain", `unpin ${at} size=4K`);
    const left = without(i);
    steps.push(
      ...own.flatMap((step) =>
        left === null || !step.startsWith(left) ? [step] : left === "wait" ? ["wait"] : [],
      ),
    );
  }
  const lines = [...before, ...steps];
  return { text: lines.join("\n"), pages, lines };
}

describe("what a script that goes page by page forgets", () => {
  it.each([
    ["missing-inv", "V06", "invalidate"],
    ["no-drain", "V06", "wait"],
    ["no-barrier", "V15", "barrier"],
  ])("of every page is one finding, %s", (cause, kind, without) => {
    const { text, pages } = pageByPage(() => without);
    expect(foundIn(text)).toEqual([`${kind} ${cause} 0-${pages}`]);
    const [found] = check(inputOf(parseScript(text))).findings;
    expect(found!.causeText).toContain("here and in other places");
  });

  it("of one page is named and shown in a few steps where all is flushed for every page", () => {
    const { text } = pageByPage((i) => (i === 1000 ? "invalidate" : null), 8);
    const flushed = text.replaceAll(/^invalidate .*$/gm, "invalidate all");
    const { findings } = check(inputOf(parseScript(flushed)));
    expect(findings.map(({ class: kind, cause, page }) => [kind, cause, page])).toEqual([
      ["V06", "early-unpin", 1000],
    ]);
    expect(findings[0]!.events.length).toBeLessThan(20);
    const kernel = findings[0]!.events.filter(({ who }) => who === "kernel").map(({ text }) => text);
    expect(kernel.map((step) => step.split(" ")[0])).toEqual(["store", "barrier", "wait", "unpin"]);
  });

  it("of every page is one finding where dirty bits are stored over, split-store", () => {
    const { text, pages } = pageByPage(() => null);
    const protecting = text
      .replace("vtd-ss-39", "vtd-ss-39-ad")
      .replace("map new none\n", "")
      .replaceAll(/^map old (.*)$/gm, "map old $1\nmap new $1 rights=r")
      .replaceAll(/^unpin .*\n?/gm, "");
    const entries = [...text.matchAll(/^table (0x\S+\]) = (0x\S+)3$/gm)];
    const entryOf = new Map(entries.map(([, slot, entry]) => [slot!, `${entry}1`]));
    const stored = protecting.replaceAll(
      /^store (\S+) = 0$/gm,
      (_, slot) => `store ${slot} = ${entryOf.get(slot)}`,
    );
    expect(foundIn(stored)).toEqual([`V10 split-store 0-${pages}`]);
    const [found] = check(inputOf(parseScript(stored))).findings;
    expect(found!.causeText).toContain("here and in other places");
    expect(found!.events.length).toBeLessThan(20);
    const exchanged = stored.replaceAll(/^store (\S+) = (0x\S+)1$/gm, "exchange $1 = $21 expected=$23");
    expect(foundIn(exchanged)).toEqual([]);
  });

  it("of every other page of a long recording is one finding as well", () => {
    const { text, pages } = pageByPage((i) => (i % 2 === 0 ? "invalidate" : null), 20);
    const { findings } = check(inputOf(parseScript(text)));
    expect(findings.map(({ class: kind, cause, pages }) => [kind, cause, pages])).toEqual([
      ["V06", "missing-inv", pages / 2],
    ]);
  });

  it("of every page is one finding where the invalidation stands in front of its store, order", () => {
    const { lines, pages } = pageByPage(() => null);
    const first = lines.findIndex((line) => line.startsWith("store "));
    for (let at = first; at < lines.length; at += 5) {
      const [store, barrier, invalidate] = lines.slice(at, at + 3);
      lines.splice(at, 3, barrier!, invalidate!, store!);
    }
    expect(foundIn(lines.join("\n"))).toEqual([`V06 order 0-${pages}`]);
  });

  it("of one page is named at its step, with no step of other pages around it", () => {
    const { text } = pageByPage((i) => (i === 700 ? "invalidate" : null));
    expect(foundIn(text)).toEqual(["V06 missing-inv 700-701"]);
    const [found] = check(inputOf(parseScript(text))).findings;
    // The store, barrier and wait of the page; the invalidation would have stood in front of its unpin.
    expect(found!.causeStep).toBe(5 * 700 + 4);
    const kernel = found!.events.filter(({ who }) => who === "kernel").map(({ step }) => step);
    expect(kernel).toEqual([1, 2, 3, 4].map((k) => 5 * 700 + k));
  });

  it("of a few pages among others is missing there only", () => {
    const few = new Set([3, 200, 650]);
    const { text } = pageByPage((i) => (few.has(i) ? "invalidate" : null));
    expect(foundIn(text)).toEqual([...few].map((i) => `V06 missing-inv ${i}-${i + 1}`));
  });
});

describe("a script with more steps than a function takes arguments", () => {
  const pages = 150_000;
  const root = 0x10_0000;
  const tableOf = (i: number): number => 0x20_0000 + (i >> 9);
  const frameOf = (i: number): number => 0x100_0000 + ((i * 7919) % pages);
  const link = (table: number): bigint => (BigInt(table) << 12n) | 3n;
  const script = new EditScript();
  for (let i = 0; i < pages; i++) script.store(0, pfn(tableOf(i)), i & 511, 0, 0);
  for (let i = 0; i < pages; i++) script.unpin(pfn(frameOf(i)), 1);
  script.barrier();
  script.invalidate(1, "leaf", 7, iovaPfn(0), pages);
  script.wait(true);
  const capability = CAPABILITIES.get("vtd-ss-39")!;
  const input: CheckInput = {
    capability,
    domains: [{ id: 1, root: pfn(root), levels: 3 }],
    tables: {
      isTable: (table) => table === root || table === root + 1 || table >= 0x20_0000,
      entry(table, index) {
        if (table === root) return index === 0 ? link(root + 1) : 0n;
        if (table === root + 1) return index <= (pages - 1) >> 9 ? link(tableOf(index << 9)) : 0n;
        const page = ((table - 0x20_0000) << 9) + index;
        return page < pages ? link(frameOf(page)) : 0n;
      },
    },
    script,
    oldMap: Array.from({ length: pages }, (_, i) => {
      return { iovaPfn: iovaPfn(i), pages: 1, pfn: pfn(frameOf(i)), rights: 3 as const };
    }),
    newMap: [],
  };

  it("has its cause named, where the repair moves a step of every page", () => {
    const found = check(input).findings.map((f) => `${f.class} ${f.cause} ${f.pages}`);
    expect(found).toEqual([`V06 early-unpin ${pages}`]);
  });

  it("is printed whole", () => {
    const before = { ...input, tables: [], keptTables: [], deviceCaches: 7, isEpoch: false, ioctls: [] };
    const text = printScript({ ...before, capability, pins: null, stepLines: [] });
    expect(text.split("\n").filter((line) => line.startsWith("unpin ")).length).toBe(pages);
  });
});

describe("a store that comes too early for many pages", () => {
  it("is one cause, also where each page is exchanged by a step of its own", () => {
    const pages = Array.from({ length: PAGES }, (_, i) => i);
    const leaf = (i: number, rights: bigint): string => hex(frame(i) | rights);
    const lines = [
      "hitless-edit-script 1 vtd-ss-39-ad",
      "domain 1 root=0x100000000",
      "table 0x100000000[0] = 0x100001003",
      "table 0x100001000[0] = 0x100002001",
      ...pages.flatMap((i) => [
        `table 0x100002000[${i}] = ${leaf(i, 3n)}`,
        ...["old", "new"].map((map) => `map ${map} iova=${page(i)} size=4K frame=${hex(frame(i))} rights=r`),
      ]),
      "store 0x100001000[0] = 0x100002003",
      ...pages.map((i) => `exchange 0x100002000[${i}] = ${leaf(i, 1n)} expected=${leaf(i, 3n)}`),
      "barrier",
      "invalidate iova=0 size=2M",
      "wait drain",
    ];
    const { findings } = check(inputOf(parseScript(lines.join("\n"))));
    expect(findings.map((f) => [f.class, f.cause, f.causeStep, f.pages])).toEqual([
      ["V03", "order", 1, PAGES],
    ]);
  });
});
