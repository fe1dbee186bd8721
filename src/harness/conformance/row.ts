import { errnoName } from "../../uapi/index.ts";
import type { BitRuns } from "./bit-runs.ts";

/** What one operation answered, as a recording prints it. */
export interface Row {
  readonly line: number;
  readonly operation: string;
  readonly result: string;
  readonly errno: string;
  readonly fields: string;
}

/** What one operation answered here, with what the printed row leaves out. */
export interface Answer extends Row {
  /** All set bits of a dirty bitmap. */
  readonly dirty: BitRuns | null;
  /** Locked pages in front of the operation. */
  readonly lockedBefore: number;
}

/** What an operation hands back: the result of its last system call and the fields to print. */
export interface Outcome {
  /** ≥ 0 or -errno. */
  readonly result: number;
  readonly fields?: readonly string[];
  readonly dirty?: BitRuns;
}

export const resultText = (result: number): string => (result < 0 ? "-1" : String(result));
export const errnoText = (result: number): string => (result < 0 ? errnoName(result) : "-");

/** `L007`. */
export const lineId = (line: number): string => `L${String(line).padStart(3, "0")}`;

/** One line of a result file, without its line end. */
export const formatRow = (row: Row): string =>
  [lineId(row.line), row.operation, row.result, row.errno, row.fields].join("\t");
