import { callInputs, check } from "../../src/check/index.ts";
import { parseRecording, type Recording } from "../../src/edit-script/index.ts";
import { expectOutcome, type Row } from "../row.ts";
import { nowNs } from "../sampling.ts";
import { grouped } from "./check-scattered.ts";

const ENTRIES = 512;
const PAGE_BYTES = 4096;
const GIB = 2 ** 30;
const [ROOT, DIRECTORY, LEAF_TABLES] = [0x1_0000_0000, 0x1_0000_1000, 0x2_0000_0000];
/** Odd: multiples go through all of a power of two, in no order. */
const SCATTER = 0x9e37_79b1;
const CALLS = 400;

const hex = (value: number): string => `0x${value.toString(16)}`;
const link = (table: number): string => hex(table + 3);

/** A driver that breaks each page before it makes it anew, in a window of its own. Pre: a power of two. */
function brokenFirst(pages: number): Recording {
  const lines = ["hitless-edit-script 1 vtd-ss-39", `domain 1 root=${hex(ROOT)}`];
  lines.push(`table ${hex(ROOT)}[0] = ${link(DIRECTORY)}`);
  const [before, after] = [0x10_0000_0000, 0x20_0000_0000];
  for (let t = 0; t * ENTRIES < pages; t++) {
    const table = LEAF_TABLES + t * PAGE_BYTES;
    const first = hex(before + t * ENTRIES * PAGE_BYTES + 3);
    lines.push(`table ${hex(DIRECTORY)}[${t}] = ${link(table)}`);
    lines.push(`table ${hex(table)}[0] = ${first} count=512 stride=0x1000`);
  }
  const all = `iova=0 size=${hex(pages * PAGE_BYTES)}`;
  lines.push(`map old ${all} frame=${hex(before)}`, `map new ${all} frame=${hex(after)}`);
  for (let n = 0; n < pages; n++) {
    const page = (Math.imul(n, SCATTER) >>> 0) % pages;
    const at = `iova=${hex(page * PAGE_BYTES)} size=4K`;
    const slot = hex(LEAF_TABLES + page * 8);
    lines.push(`window open ${at}`, `store ${slot} = 0`, "barrier", `invalidate ${at}`, "wait drain");
    lines.push(`store ${slot} = ${hex(after + page * PAGE_BYTES + 3)}`, "barrier", `window close ${at}`);
    lines.push(`unpin ${hex(before + page * PAGE_BYTES)} size=4K`);
  }
  return parseRecording(lines.join("\n"));
}

/** Tables of one page each are taken away, every other one to be linked again, and the whole domain is flushed for each of them. */
function flushedEach(tables: number): Recording {
  const lines = ["hitless-edit-script 1 vtd-ss-48", `domain 1 root=${hex(ROOT)}`];
  lines.push(`table ${hex(ROOT)}[0] = ${link(DIRECTORY)}`);
  const steps: string[] = [];
  for (let n = 0; n < tables; n++) {
    const upper = LEAF_TABLES + Math.floor(n / ENTRIES) * PAGE_BYTES;
    const slot = `${hex(upper)}[${n % ENTRIES}]`;
    const table = 2 * LEAF_TABLES + n * PAGE_BYTES;
    const frame = hex(0x10_0000_0000 + 2 * n * PAGE_BYTES);
    const at = `iova=${hex(n * ENTRIES * PAGE_BYTES)}`;
    if (n % ENTRIES === 0) lines.push(`table ${hex(DIRECTORY)}[${n / ENTRIES}] = ${link(upper)}`);
    lines.push(`table ${slot} = ${link(table)}`, `table ${hex(table)}[0] = ${frame.slice(0, -1)}3`);
    lines.push(`map old ${at} size=4K frame=${frame}`);
    const isBack = n % 2 === 0;
    if (isBack) lines.push(`map new ${at} size=4K frame=${frame}`);
    if (isBack) steps.push(`window open ${at} size=2M`);
    steps.push(`store ${slot} = 0`, "barrier", "invalidate all", "wait drain");
    if (isBack) steps.push(`store ${slot} = ${link(table)}`, "barrier", `window close ${at} size=2M`);
    else steps.push(`unpin ${frame} size=4K`, `freeTable ${hex(table)}`);
  }
  return parseRecording([...lines, ...steps].join("\n"));
}

/** A driver that maps single pages far apart: each call links two tables, whose entries are stored one by one. */
function farApart(): Recording {
  const lines = [
    "hitless-edit-script 1 vtd-ss-39",
    `domain 1 root=${hex(ROOT)}`,
    "map old none",
    "pins none",
  ];
  for (let n = 0; n < CALLS; n++) {
    const table = LEAF_TABLES + 2 * n * PAGE_BYTES;
    const frame = hex(0x10_0000_0000 + n * PAGE_BYTES);
    lines.push("call", `map add iova=${hex(n * GIB)} size=4K frame=${frame}`, `pins ${frame} size=4K`);
    lines.push(`store ${hex(ROOT)}[${n}] = ${link(table)}`, "barrier");
    lines.push(`store ${hex(table)}[0] = ${link(table + PAGE_BYTES)}`, "barrier");
    lines.push(`store ${hex(table + PAGE_BYTES)}[0] = ${frame.slice(0, -1)}3`, "barrier");
  }
  return parseRecording(lines.join("\n"));
}

/** Nanoseconds that all calls of a recording take. */
function decide(recording: Recording): number {
  let found = 0;
  const start = nowNs();
  for (const { input } of callInputs(recording)) found += check(input).findings.length;
  const ns = nowNs() - start;
  expectOutcome(found === 0, `check: ${found} findings in a recording that is right`);
  return ns;
}

/** A recording of some size, and what is said of it. */
interface Scale {
  readonly recorded: (count: number) => Recording;
  readonly few: number;
  readonly many: number;
  readonly name: string;
  /** What is counted, and how it is told from others of its kind. */
  readonly one: string;
  readonly how: string;
  readonly mostMicroseconds: number;
}

/** What one of many costs, and how much more than one of few. */
function scaleRow({ recorded, few, many, name, one, how, mostMicroseconds }: Scale): Row {
  return {
    group: "check",
    yardstick: null,
    isApart: true,
    figures: [
      {
        name: `decide ${grouped(many)} ${name}`,
        unit: `us/${one}`,
        yardstickAnswer: null,
        goal: { kind: "value", atMost: mostMicroseconds },
      },
      {
        name: `a ${one} of ${grouped(many)} ${how} / of ${grouped(few)}`,
        unit: "times",
        yardstickAnswer: null,
        goal: { kind: "value", atMost: 3 },
      },
    ],
    prepare() {
      const recordings = [few, many].map(recorded);
      for (const recording of recordings) decide(recording);
      return {
        sample() {
          const [little, much] = recordings.map(decide);
          return [much! / many / 1000, much! / many / (little! / few)];
        },
      };
    },
  };
}

const farApartRow: Row = {
  group: "check",
  yardstick: null,
  isApart: true,
  figures: [
    {
      name: "decide a recorded call that links two tables in an empty GiB",
      unit: "us",
      yardstickAnswer: null,
      goal: { kind: "value", atMost: 500 },
    },
  ],
  prepare() {
    const recording = farApart();
    decide(recording);
    return { sample: () => [decide(recording) / CALLS / 1000] };
  },
};

export const sparseCheckRows: readonly Row[] = [
  scaleRow({
    recorded: brokenFirst,
    few: 2 ** 14,
    many: 2 ** 17,
    name: "pages broken before they are made, a window each",
    one: "page",
    how: "with windows",
    mostMicroseconds: 10,
  }),
  scaleRow({
    recorded: flushedEach,
    few: 2 ** 12,
    many: 2 ** 15,
    name: "tables taken away, half of them linked again, a flush of the whole domain each",
    one: "table",
    how: "with flushes",
    mostMicroseconds: 30,
  }),
  farApartRow,
];
