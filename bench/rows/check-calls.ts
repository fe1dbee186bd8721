import { callInputs, check } from "../../src/check/index.ts";
import { parseRecording, type Recording } from "../../src/edit-script/index.ts";
import { expectOutcome, type Row } from "../row.ts";
import { nowNs } from "../sampling.ts";
import { grouped } from "./check-scattered.ts";

const ENTRIES = 512;
const PAGE_BYTES = 4096;
const [ROOT, DIRECTORY, LEAF_TABLES] = [0x1_0000_0000, 0x1_0000_1000, 0x2_0000_0000];
const CALLS = 1000;
/** Odd: multiples are scattered over a power of two without meeting. */
const SCATTER = 0x9e37_79b1;

const hex = (value: number): string => `0x${value.toString(16)}`;

/** A driver that unmaps single pages of a scattered map and maps other frames there, call by call, with all pins. */
function singlePages(pages: number): Recording {
  const places = 2 ** Math.ceil(Math.log2(2 * (pages + CALLS)));
  const frameOf = (n: number): string =>
    hex(0x10_0000_0000 + (Math.imul(n, SCATTER) & (places - 1)) * 2 * PAGE_BYTES);
  const lines = ["hitless-edit-script 1 vtd-ss-39", `domain 1 root=${hex(ROOT)}`];
  lines.push(`table ${hex(ROOT)}[0] = ${hex(DIRECTORY + 3)}`);
  for (let t = 0; t * ENTRIES < pages; t++)
    lines.push(`table ${hex(DIRECTORY)}[${t}] = ${hex(LEAF_TABLES + t * PAGE_BYTES + 3)}`);
  const slot = (page: number): string => hex(LEAF_TABLES + page * 8);
  const entry = (frame: string): string => `${frame.slice(0, -1)}3`;
  for (let page = 0; page < pages; page++) {
    const frame = frameOf(page);
    lines.push(`table ${slot(page)} = ${entry(frame)}`);
    lines.push(`map old iova=${hex(page * PAGE_BYTES)} size=4K frame=${frame}`, `pins ${frame} size=4K`);
  }
  for (let n = 0; n < CALLS / 2; n++) {
    const page = (Math.imul(n, SCATTER) >>> 0) % pages;
    const at = `iova=${hex(page * PAGE_BYTES)} size=4K`;
    const [old, next] = [frameOf(page), frameOf(pages + n)];
    lines.push("call unmap", `map remove ${at}`, `store ${slot(page)} = 0`, "barrier");
    lines.push(`invalidate ${at}`, "wait drain", `unpin ${old} size=4K`);
    lines.push("call map", `map add ${at} frame=${next}`, `pins ${next} size=4K`);
    lines.push(`store ${slot(page)} = ${entry(next)}`, "barrier");
    lines.push("call unmap again", `map remove ${at}`, `store ${slot(page)} = 0`, "barrier");
    lines.push(`invalidate ${at}`, "wait drain", `unpin ${next} size=4K`);
    lines.push("call map again", `map add ${at} frame=${old}`, `pins ${old} size=4K`);
    lines.push(`store ${slot(page)} = ${entry(old)}`, "barrier");
  }
  return parseRecording(lines.join("\n"));
}

/** What a call costs that changes one page, and how that grows with the map. */
function callsRow(counts: readonly number[]): Row {
  return {
    group: "check",
    yardstick: null,
    isApart: true,
    figures: [
      ...counts.map((pages) => ({
        name: `decide a recorded call on 1 of ${grouped(pages)} scattered pages`,
        unit: "us",
        yardstickAnswer: null,
        goal: { kind: "value", atMost: 200 } as const,
      })),
      {
        name: `a recorded call on 1 of ${grouped(counts.at(-1)!)} pages / 1 of ${grouped(counts[0]!)}`,
        unit: "times",
        yardstickAnswer: null,
        goal: { kind: "value", atMost: 3 },
      },
    ],
    prepare() {
      const recordings = counts.map(singlePages);
      const decide = (recording: Recording): number => {
        const inputs = callInputs(recording);
        // What is carried from call to call is made for the first one, however many follow.
        inputs.next();
        let calls = 0;
        let found = 0;
        const start = nowNs();
        for (const { input } of inputs) {
          found += check(input).findings.length;
          calls++;
        }
        const ns = nowNs() - start;
        expectOutcome(calls === 2 * CALLS - 1, `check: ${calls} calls of ${2 * CALLS - 1}`);
        expectOutcome(found === 0, `check: ${found} findings in calls that are right`);
        return ns / calls / 1000;
      };
      for (const recording of recordings) decide(recording);
      return {
        sample() {
          const times = recordings.map(decide);
          return [...times, times.at(-1)! / times[0]!];
        },
      };
    },
  };
}

export const recordedCallsRow: Row = callsRow([1000, 100_000]);
