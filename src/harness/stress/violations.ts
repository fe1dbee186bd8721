import { type DeviceResult, OUTCOMES, type ViolationSample } from "../../device/index.ts";
import type { OutcomeRow, Violation } from "../../report/index.ts";
import { hex, hexPage, PAGE_SIZE_BYTES, READ, WRITE } from "../../units/index.ts";
import type { PassCounts } from "./metering-pass.ts";
import type { SeenAt } from "./options.ts";

/** The outcome table of all devices together; an outcome never seen has a row as well. */
export function outcomeRows(devices: readonly DeviceResult[]): OutcomeRow[] {
  return OUTCOMES.map(({ id, grade, why }) => ({
    id,
    grade,
    class: grade === "FORBIDDEN" ? id : null,
    samples: devices.reduce((sum, device) => sum + device.outcomes[id], 0),
    description: why,
  }));
}

/** A freed table or a torn entry also loses kept pages: one cause is reported once, by its own class. */
const EXPLAIN_LOSS = ["V01", "V07", "V08"];

/** The lines that repeat a finding. */
export interface ReplayLines {
  readonly replay: string;
  /** Maps in the sequence, which devices see again and again. */
  readonly maps: number;
  readonly decide: (seen: Omit<SeenAt, "strategy">) => string | undefined;
  /** True iff the checker says that something breaks a rule on a page; null where it did not decide. */
  readonly isPredicted: ((iovaPfn: number) => boolean) | null;
}

/**
 * One violation per class that was seen; what only the tables showed counts as V01 without samples. In epoch mode every
 * outcome that is legal for its own page may still be one that another page rules out (V11).
 */
export function violations(
  outcomes: readonly OutcomeRow[],
  devices: readonly DeviceResult[],
  counts: PassCounts,
  lines: ReplayLines,
  isEpoch: boolean,
): Violation[] {
  const { replay, isPredicted } = lines;
  const samples = devices.flatMap((device) => device.samples);
  const decided = (
    violation: string,
    page: number | undefined,
    change = ANY_CHANGE,
  ): Pick<Violation, "decide" | "predicted"> => {
    const decide = lines.decide({ ...change, class: violation, iovaPfn: page ?? 0 });
    return {
      ...(decide !== undefined && { decide }),
      ...(isPredicted !== null && page !== undefined && { predicted: isPredicted(page) }),
    };
  };
  const found: Violation[] = [];
  for (const { id, class: violationClass, samples: seen } of outcomes) {
    if (violationClass === null || seen === 0) continue;
    const first = samples.find((sample) => sample.outcome === id);
    found.push({
      class: violationClass,
      iova: hexPage(first?.iovaPfn ?? 0),
      samples: seen,
      detail: first === undefined ? "no sample was kept" : describe(first),
      replay,
      ...decided(violationClass, first?.iovaPfn, first && changeOf(first, lines.maps)),
    });
  }
  if (counts.firstLostPage !== null && !found.some((v) => EXPLAIN_LOSS.includes(v.class)))
    found.unshift({
      class: "V01",
      iova: hexPage(counts.firstLostPage),
      samples: 0,
      detail:
        `${counts.keptBytesLost} bytes that both maps contain had no translation at some moment of a change ` +
        "(first page given); the tables show it, no device met it",
      replay,
      ...decided("V01", counts.firstLostPage),
    });
  if (isEpoch) {
    const back = devices.find((device) => device.backToOldPage !== null);
    if (back !== undefined)
      found.push({
        class: "V11",
        iova: hexPage(back.backToOldPage!),
        samples: devices.reduce((sum, device) => sum + device.statistics.backToOld, 0),
        detail: `device ${back.device} got an answer of the old map after it had had one of the new map elsewhere`,
        replay,
        ...decided("V11", back.backToOldPage!),
      });
  }
  return found;
}

type ChangeAt = Pick<SeenAt, "step" | "pass">;
const ANY_CHANGE: ChangeAt = { step: null, pass: 1 };
/** Devices see a kernel that has gone through the sequence once already, when it was metered. */
const METERED_PASSES = 1;

/** The change that a sample belongs to: the one under way, or the last one before it. Map versions count passes through. */
const changeOf = (s: ViolationSample, maps: number): ChangeAt => {
  const version = (s.epochAfter + 1) >> 1;
  if (version === 0) return ANY_CHANGE;
  return { step: version % maps, pass: METERED_PASSES + Math.ceil(version / maps) };
};

const rightsText = (rights: number): string =>
  rights === (READ | WRITE) ? "rw" : rights === READ ? "r" : rights === WRITE ? "w" : "none";

const answerText = (answer: ViolationSample["oldAnswer"]): string => {
  if (answer === undefined) return "unknown";
  return answer === null ? "no translation" : `frame ${hex(answer.pfn)} ${rightsText(answer.rights)}`;
};

/** A forbidden access in words: what was asked, what came back and from where, what the maps said. */
function describe(s: ViolationSample): string {
  const asked = `device ${s.device} ${s.write ? "wrote" : "read"} ${hexPage(s.iovaPfn)}`;
  const got =
    s.state === "hit"
      ? `got frame ${hex(s.pfn)} ${rightsText(s.rights)} (${512 ** s.level * PAGE_SIZE_BYTES} byte leaf, from the ${s.source})`
      : `faulted (${s.state} at level ${s.level}, entry ${hex(s.entry)})`;
  const during = s.epochBefore % 2 === 1 || s.epochAfter !== s.epochBefore;
  const maps = during
    ? `during the change from map ${s.epochBefore >> 1} to ${(s.epochAfter + 1) >> 1}; before: ${answerText(s.oldAnswer)}, after: ${answerText(s.newAnswer)}`
    : `with map ${s.epochBefore >> 1} in force, which says: ${answerText(s.newAnswer)}`;
  return `${asked} and ${got}${s.pinned ? "" : ", no pin on the frame"}, ${maps}`;
}
