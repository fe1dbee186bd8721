import { callInputs, check, type MemoryMode } from "../../../src/check/index.ts";
import { EditScript, type PinRun, type Recording, type Step } from "../../../src/edit-script/index.ts";
import { pfn } from "../../../src/units/index.ts";
import { seededRandom } from "../seeded-random.ts";
import { callsOf, nothingSeen, type Seen } from "./campaign.ts";
import { FAULTS } from "./faults.ts";
import { differing, type PageMap } from "./page-map.ts";
import { oneOf } from "./planted.ts";
import { DriverAtWork, type RecordedCall } from "./recorded-call.ts";
import { styleOf } from "./style.ts";
import { told } from "./verdict.ts";

/** Calls of one driver in a row as one recording; `last`: other steps for the last of them. Pre: the driver began with them. */
function recordingOf(calls: readonly RecordedCall[], last: readonly Step[]): Recording {
  const [{ input, style }] = calls as [RecordedCall];
  return {
    capability: input.capability,
    domains: input.domains,
    tables: [],
    oldMap: [],
    pins: input.pins ? [] : null,
    keptTables: [],
    deviceCaches: input.deviceCaches!,
    isEpoch: false,
    calls: calls.map((call, i) => ({
      label: `call ${i + 1}`,
      line: i + 1,
      newMap: call.input.newMap,
      pinned: input.pins ? taken(call.before, call.after, style.repins) : [],
      ioctls: [],
      script: EditScript.from(i === calls.length - 1 ? last : call.steps),
      stepLines: [],
    })),
  };
}

/** Pins that a call takes. */
function taken(before: PageMap, after: PageMap, repins: boolean): PinRun[] {
  const counts = new Map<number, number>();
  for (const page of differing(before, after)) {
    const now = after.get(page);
    if (now === undefined || (!repins && now.frame === before.get(page)?.frame)) continue;
    counts.set(now.frame, (counts.get(now.frame) ?? 0) + 1);
  }
  return [...counts].map(([frame, count]) => ({ pfn: pfn(frame), pages: 1, count }));
}

/** What is told of each call of a recording. */
const toldOfCalls = (recording: Recording, mode: MemoryMode): string[][] =>
  [...callInputs(recording, mode)].map(({ input }) => told(check(input, { mode }).findings));

/** Faults that are tried in the last call of a row. */
const TRIED = 4;

/**
 * Rows of calls of the drivers with seeds [from, from + count): legal ones are clean, and what is told of a fault in the last is what is told
 * of that call alone. Rows with a call of more than `mostSteps` steps are passed over.
 */
export function judgeRows(from: number, count: number, mostSteps: number): Seen {
  const seen = nothingSeen();
  for (let seed = from; seed < from + count; seed++) {
    const random = seededRandom(seed);
    const draw = seededRandom(seed + 1_000_000);
    const calls = [...callsOf(new DriverAtWork(styleOf(seed), random), random)];
    if (calls.some(({ steps }) => steps.length > mostSteps)) continue;
    const mode = seed % 2 === 0 ? "weak" : "strong";
    const last = calls.at(-1)!;
    seen.calls += calls.length;
    const found = toldOfCalls(recordingOf(calls, last.steps), mode).flat();
    seen.complaints.push(...found.map((text) => `seed ${seed}, ${mode}: ${text}`));
    // What walkers set between two calls stands in the tables before a script, and in no recording.
    if (last.journal.marksDirty) continue;
    for (let i = 0; i < TRIED; i++) {
      const [name, fault] = oneOf([...FAULTS], draw)!;
      const planted = fault(last, draw);
      if (planted === null) continue;
      seen.planted.set(name, (seen.planted.get(name) ?? 0) + 1);
      const input = { ...last.input, isEpoch: false, script: EditScript.from(planted.steps) };
      const alone = told(check(input, { mode }).findings).join("; ");
      const inRow = toldOfCalls(recordingOf(calls, planted.steps), mode).at(-1)!.join("; ");
      if (alone !== inRow)
        seen.complaints.push(`${name}, seed ${seed}, ${mode}: alone ${alone}, in a row ${inRow}`);
    }
  }
  return seen;
}
