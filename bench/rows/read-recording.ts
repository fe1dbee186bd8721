import { parseRecording } from "../../src/edit-script/index.ts";
import { expectOutcome, type Row } from "../row.ts";
import { repeating } from "../sampling.ts";
import { grouped } from "./check-scattered.ts";

const ENTRIES = 512;
const TABLES = 600;
const PAGES = TABLES * ENTRIES;
const PAGE_BYTES = 4096;
const [ROOT, DIRECTORIES, LEAF_TABLES] = [0x1_0000_0000, 0x1_0000_1000, 0x2_0000_0000];
/** An odd factor and a power of two above PAGES: multiples of one are scattered over the other without meeting. */
const SCATTER = 0x9e37_79b1;
const PLACES = 2 ** 19;

const hex = (value: number): string => `0x${value.toString(16)}`;
/** Frame of a page, in one of two parts of memory. */
const frameOf = (page: number, part: number): number =>
  part * 0x10_0000_0000 + (Math.imul(page, SCATTER) & (PLACES - 1)) * 2 * PAGE_BYTES;

/** A recording of a driver that moves every page by a store of its own, as bytes of a file: both maps, tables, stores, unpins. */
function movedPageByPage(): Uint8Array {
  const lines = ["hitless-edit-script 1 vtd-ss-39", `domain 1 root=${hex(ROOT)}`];
  const pages = Array.from({ length: PAGES }, (_, page) => page);
  const tables = pages.slice(0, TABLES);
  for (let d = 0; d * ENTRIES < TABLES; d++)
    lines.push(`table ${hex(ROOT)}[${d}] = ${hex(DIRECTORIES + d * PAGE_BYTES + 3)}`);
  for (const t of tables)
    lines.push(`table ${hex(DIRECTORIES + t * 8)} = ${hex(LEAF_TABLES + t * PAGE_BYTES + 3)}`);
  for (const t of tables) {
    const entries = pages.slice(t * ENTRIES, (t + 1) * ENTRIES).map((page) => hex(frameOf(page, 1) + 3));
    lines.push(`table ${hex(LEAF_TABLES + t * PAGE_BYTES)}[0] = ${entries.join(" ")}`);
  }
  for (const [part, which] of [
    [1, "old"],
    [2, "new"],
  ] as const)
    for (const page of pages)
      lines.push(
        `map ${which} iova=${hex(page * PAGE_BYTES)} size=0x1000 frame=${hex(frameOf(page, part))} rights=rw`,
      );
  for (const page of pages) lines.push(`store ${hex(LEAF_TABLES + page * 8)} = ${hex(frameOf(page, 2) + 3)}`);
  lines.push("barrier", `invalidate iova=0 size=${hex(PAGES * PAGE_BYTES)}`, "wait drain");
  for (const page of pages) lines.push(`unpin ${hex(frameOf(page, 1))} size=0x1000`);
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

/** Steps of the recording: a store and an unpin a page, and what completes them. */
const STEPS = 2 * PAGES + 3;

export const readRecordingRow: Row = {
  group: "check",
  yardstick: null,
  isApart: true,
  figures: [
    {
      name: `read a recording of ${grouped(PAGES)} stores`,
      unit: "MB/s",
      yardstickAnswer: null,
      goal: { kind: "value", atLeast: 80 },
    },
  ],
  prepare() {
    const bytes = movedPageByPage();
    let steps = 0;
    let runs = 0;
    const take = repeating(() => {
      const { oldMap, calls } = parseRecording(bytes);
      steps = calls[0]!.script.steps;
      runs = oldMap.length + calls[0]!.newMap.length;
    }, 1);
    take();
    return {
      sample() {
        const ns = take();
        expectOutcome(steps === STEPS, `read: ${steps} steps of ${STEPS}`);
        expectOutcome(runs === 2 * PAGES, `read: ${runs} runs of two maps of ${PAGES} pages`);
        return [(bytes.length / ns) * 1000];
      },
    };
  },
};
