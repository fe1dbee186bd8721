import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CallInput, type CheckResult, callInputs, check, inputOf } from "../../src/check/index.ts";
import {
  type EditScript,
  type MapRun,
  type PinRun,
  parseRecording,
  type Recording,
  ScriptTextError,
} from "../../src/edit-script/index.ts";
import { pfn } from "../../src/units/index.ts";

const PAGES = 40;
const FRAME = 0x1000000;
const hex = (page: number): string => `0x${(page * 4096).toString(16)}`;
const LEAVES = "0x100002000";

/** Something, or mostly nothing. */
const sometimes = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

/** What one call does to a stretch of pages; `forgets` is the kind of line that it leaves out. */
const call = fc.record({
  start: fc.nat(PAGES - 1),
  pages: fc.integer({ min: 1, max: 3 }),
  frame: fc.nat(12),
  /** A page whose frame loses a pin although the page stays. */
  stray: sometimes(fc.nat(PAGES - 1)),
  isWhole: fc.integer({ min: 0, max: 12 }).map((n) => n === 0),
  forgets: fc.constantFrom(
    null,
    null,
    null,
    null,
    null,
    null,
    null,
    "unpin",
    "unpin",
    "pins",
    "invalidate",
    "barrier",
    "wait",
    "map",
    "store",
  ),
});
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

const callOn = (start: number, forgets: Call["forgets"] = null, pages = 1): Call => ({
  start,
  pages,
  frame: 0,
  stray: null,
  isWhole: false,
  forgets,
});

/** A recording that maps what is not mapped and unmaps what is, with frames that several pages may lead to. */
function recordingOf(calls: readonly Call[], hasPins: boolean, extra: number | null): string {
  const frameOf = Array.from({ length: PAGES }, (_, i) => (i % 9 < 2 ? null : FRAME + (i % 14)));
  const entryOf = (frame: number | null): string => (frame === null ? "0" : `${hex(frame).slice(0, -1)}3`);
  const lines = ["hitless-edit-script 1 vtd-ss-39", "domain 1 root=0x100000000"];
  lines.push("table 0x100000000[0] = 0x100001003", "table 0x100001000[0] = 0x100002003");
  const mapLines = (which: string): string[] => {
    const lines: string[] = [];
    for (let i = 0; i < PAGES; ) {
      const first = frameOf[i]!;
      let end = i + 1;
      while (first !== null && end < PAGES && frameOf[end] === first + end - i) end++;
      if (first !== null) lines.push(`map ${which} iova=${hex(i)} size=${hex(end - i)} frame=${hex(first)}`);
      i = end;
    }
    return lines;
  };
  lines.push(...mapLines("old"));
  frameOf.forEach((frame, i) => void lines.push(`table ${LEAVES}[${i}] = ${entryOf(frame)}`));
  const pins = frameOf.flatMap((frame) => (frame === null ? [] : [`pins ${hex(frame)} size=4K`]));
  if (extra !== null) pins.push(`pins ${hex(FRAME + extra)} size=12K`);
  if (hasPins) lines.push(...(pins.length > 0 ? pins : ["pins none"]));
  for (const { start, pages, frame, stray, isWhole, forgets } of calls) {
    const end = Math.min(PAGES, start + pages);
    const own: string[] = [];
    const unpins: string[] = [];
    for (let i = start; i < end; i++) {
      const old = frameOf[i]!;
      const next = old === null ? FRAME + frame + i - start : null;
      frameOf[i] = next;
      if (next === null) own.push(`map remove iova=${hex(i)} size=4K`);
      else own.push(`map add iova=${hex(i)} size=4K frame=${hex(next)}`);
      if (hasPins && next !== null) own.push(`pins ${hex(next)} size=4K`);
      own.push(`store ${LEAVES}[${i}] = ${entryOf(next)}`);
      if (old !== null) unpins.push(`unpin ${hex(old)} size=4K`);
    }
    const kept = stray === null ? null : frameOf[stray]!;
    if (kept !== null) unpins.push(`unpin ${hex(kept)} size=4K`);
    own.push("barrier", `invalidate iova=${hex(start)} size=${hex(end - start)}`, "wait drain", ...unpins);
    const left = own.filter((line) => forgets === null || !line.startsWith(forgets));
    if (isWhole) {
      const steps = left.filter((line) => !line.startsWith("map"));
      const map = mapLines("new");
      lines.push("call", ...(map.length > 0 ? map : ["map new none"]), ...steps);
    } else lines.push("call", ...left);
  }
  return lines.join("\n");
}

const told = ({ verdict, findings, mismatch, stats, pages }: CheckResult) => ({
  verdict,
  findings,
  mismatch,
  stats,
  pages: verdict === "clean" ? pages : null,
});

/** By how many each frame has more pins than pages, frame by frame. */
function driftOf(pins: readonly PinRun[], map: readonly MapRun[]): Map<number, number> {
  const drift = new Map<number, number>();
  for (const run of pins) count(drift, run, run.count);
  for (const run of map) count(drift, run, -1);
  return drift;
}

function count(drift: Map<number, number>, { pfn, pages }: Pick<PinRun, "pfn" | "pages">, by: number): void {
  for (let frame = pfn as number; frame < pfn + pages; frame++)
    drift.set(frame, (drift.get(frame) ?? 0) + by);
}

const runsOf = (drift: ReadonlyMap<number, number>): PinRun[] =>
  [...drift].filter(([, by]) => by !== 0).map(([frame, by]) => ({ pfn: pfn(frame), pages: 1, count: by }));

const framesFrom = (start: number, end: number): number[] =>
  Array.from({ length: end - start }, (_, i) => start + i);

/** Frames that are said to have too many pins, or too few; those among `drifting` that an unpin is blamed for where a device meets them. */
function driftingIn({ findings }: CheckResult, script: EditScript, drifting: readonly number[]): number[] {
  const steps = [...script];
  const told = findings.flatMap(({ class: kind, cause, causeStep, frames }) => {
    const step = kind === "V06" && cause === "double" ? steps[causeStep - 1] : undefined;
    const blamed = step?.op === "unpin" ? framesFrom(step.pfn, step.pfn + step.pages) : [];
    const met = blamed.filter((frame) => drifting.includes(frame));
    return [...frames.flatMap(({ start, end }) => framesFrom(start, end)), ...met];
  });
  return [...new Set(told)].sort((a, b) => a - b);
}

/** Null where a map line that was left out makes a later one impossible. */
function parsed(text: string): Recording | null {
  try {
    return parseRecording(text);
  } catch (error) {
    expect(error).toBeInstanceOf(ScriptTextError);
    return null;
  }
}

describe("calls that change a part of the map", () => {
  it("are judged on that part as they are on the whole maps", () => {
    const seen = { inParts: 0, listed: 0, clean: 0, violation: 0, drift: 0, known: 0, alone: 0, later: 0 };
    fc.assert(
      fc.property(
        fc.array(call, { minLength: 1, maxLength: 8, size: "max" }),
        fc.boolean(),
        sometimes(fc.nat(12)),
        fc.boolean(),
        (calls, hasPins, extra, isReadLater) => {
          const recording = parsed(recordingOf(calls, hasPins, extra));
          if (recording === null) return;
          const expectAlike = ({ input, file, alone }: CallInput, call: number): void => {
            const found = check(input);
            if ("maps" in input) seen.inParts++;
            else seen.listed++;
            seen[found.verdict]++;
            const { pinned } = recording.calls[call]!;
            const before = driftOf(file.pins?.slice(0, -pinned.length || undefined) ?? [], file.oldMap);
            const knownDrift = call === 0 || !hasPins ? [] : runsOf(before);
            if (knownDrift.length > 0) seen.known++;
            expect(told(found)).toEqual(told(check({ ...inputOf(file), knownDrift })));
            if (!hasPins) return;
            const after = driftOf(file.pins!, file.newMap);
            for (const step of file.script) if (step.op === "unpin") count(after, step, -1);
            const isNew = (frame: number, by: number): boolean =>
              call === 0 || by !== (before.get(frame) ?? 0);
            const drifting = [...after]
              .filter(([frame, by]) => by !== 0 && isNew(frame, by))
              .map(([frame]) => frame)
              .sort((a, b) => a - b);
            if (drifting.length > 0) seen.drift++;
            const isMended = [...before].some(([frame, by]) => by !== 0 && (after.get(frame) ?? 0) === 0);
            if (!isMended) {
              seen.alone++;
              const own = alone();
              expect(driftingIn(check(inputOf(own)), own.script, drifting)).toEqual(drifting);
            }
            expect(driftingIn(found, file.script, drifting)).toEqual(drifting);
          };
          const inputs = callInputs(recording);
          // Also where other calls have been taken since.
          if (isReadLater) seen.later++;
          const numbered = function* () {
            let call = 0;
            for (const one of inputs) yield [one, call++] as const;
          };
          for (const [one, call] of isReadLater ? [...numbered()].reverse() : numbered())
            expectAlike(one, call);
        },
      ),
      {
        numRuns: 800,
        examples: [
          // A page that a call removes although no map has it, while the tables have it from the call before.
          [[callOn(30), callOn(0), callOn(29, "map", 2), callOn(30, "store")], false, null, false],
        ],
      },
    );
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(80);
  });
});
