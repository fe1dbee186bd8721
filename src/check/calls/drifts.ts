import { Decision } from "../decide.ts";
import type { CheckInput, MemoryMode } from "../input.ts";
import { tableDrifts } from "../rules/table-ledger.ts";

/** Frames in a row of which too many pins are left, or too few. */
interface FrameDrift {
  readonly start: number;
  readonly end: number;
  readonly isLeak: boolean;
}

/** What a script loses, or gives back more than once: what a V12 is about. */
export interface Drifts {
  readonly tables: ReadonlySet<string>;
  /** A page below one of the tables, where the script has taken one from its place. */
  readonly page: number | null;
  readonly frames: readonly FrameDrift[];
}

/** Errors: CheckInputError. */
export function driftsOf(input: CheckInput, mode: MemoryMode): Drifts {
  const decision = new Decision(input);
  decision.auditPins();
  // Which tables are reached is found on the way.
  decision.violations({ mode, collapse: true, skipUntouched: true, journalRules: true, only: null });
  const tables = tableDrifts(decision);
  return {
    page: tables.find(({ stood }) => stood !== undefined)?.stood ?? null,
    tables: new Set(tables.map(({ table, what }) => `${what} ${table}`)),
    frames: decision.pins.drifts.map(({ start, end, pins, references }) => ({
      start,
      end,
      isLeak: pins > references,
    })),
  };
}

/** True iff all that some tables and frames have lost, others have lost as well. */
export const isAmong = (some: Drifts, all: Drifts): boolean =>
  [...some.tables].every((table) => all.tables.has(table)) &&
  some.frames.every(({ start, end, isLeak }) =>
    all.frames.some((other) => other.isLeak === isLeak && other.start <= start && end <= other.end),
  );
