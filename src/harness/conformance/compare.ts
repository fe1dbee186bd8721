import { DELIBERATE_DIFFERENCES } from "./deliberate-differences.ts";
import { comparedFields } from "./fields.ts";
import type { Recording } from "./recordings.ts";
import type { Answer, Row } from "./row.ts";
import { runScript } from "./run-script.ts";
import type { IommuVersion } from "./session.ts";

/** One line that a recorded kernel answered otherwise. */
export interface Difference {
  readonly kernel: string;
  readonly iommu: IommuVersion;
  readonly script: string;
  readonly line: number;
  readonly operation: string;
  /** Return value, errno and fields of the recording. */
  readonly expected: string;
  readonly got: string;
  /** Why this difference is meant to be, or null. */
  readonly deliberate: string | null;
}

export interface Comparison {
  readonly compared: number;
  readonly equal: number;
  readonly differences: readonly Difference[];
}

const shown = (row: Row): string => `${row.result} ${row.errno} ${comparedFields(row.fields)}`.trimEnd();

/**
 * Replays one recording and compares it line by line. Where the recorded kernel did nothing because of a bug of its own, the
 * script is run again without that line, so that what follows is compared in the recorded state.
 */
export function compareRecording(recording: Recording): Comparison {
  const { script, iommu, machine } = recording;
  const personality = machine.personality ?? "7.3";
  const skipped = new Set<number>();
  const differences = new Map<number, Difference>();
  let answers = runScript(script, iommu, machine, skipped);
  for (let i = 0; i < recording.rows.length; i++) {
    const recorded = recording.rows[i]!;
    const operation = script.operations[i]!;
    const answer = answerTo(answers, recorded.line);
    if (shown(recorded) === shown(answer)) continue;
    const rule = DELIBERATE_DIFFERENCES.find((known) =>
      known.explains({ personality, operation, recorded, answer }),
    );
    differences.set(recorded.line, {
      kernel: recording.kernel,
      iommu,
      script: script.name,
      line: recorded.line,
      operation: recorded.operation,
      expected: shown(recorded),
      got: shown(answer),
      deliberate: rule?.reason ?? null,
    });
    if (rule?.recordedDidNothing) answers = runScript(script, iommu, machine, skipped.add(recorded.line));
  }
  const compared = recording.rows.length;
  return { compared, equal: compared - differences.size, differences: [...differences.values()] };
}

/** Pre: the line was not skipped; the loop above has passed every skipped line. */
const answerTo = (answers: readonly Answer[], line: number): Answer =>
  answers.find((answer) => answer.line === line)!;
