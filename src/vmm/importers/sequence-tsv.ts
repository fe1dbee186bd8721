import { InputError } from "../input-error.ts";

/** One line of sequence.tsv: which file was in force, and what is known about when. */
export interface SequenceLine {
  readonly file: string;
  readonly label: string;
  readonly line: number;
}

/**
 * Reads sequence.tsv: a header line naming tab-separated columns, of which `file` is required and `step`, `commit` and
 * `during` make the label. Throws InputError.
 */
export function parseSequenceTsv(text: string, file: string): SequenceLine[] {
  const lines = text.split(/\r?\n/);
  const columns = lines[0]!.split("\t");
  const column = (name: string): number => columns.indexOf(name);
  if (column("file") < 0)
    throw new InputError(file, 1, "a header of tab-separated columns, one of them 'file'", lines[0]!);
  const steps: SequenceLine[] = [];
  for (const [i, raw] of lines.entries()) {
    if (i === 0 || raw.trim() === "") continue;
    const fields = raw.split("\t");
    if (fields.length !== columns.length)
      throw new InputError(file, i + 1, `${columns.length} tab-separated fields`, raw);
    const field = (name: string): string => fields[column(name)]?.trim() ?? "";
    const step = field("step");
    if (step !== "" && step !== String(steps.length))
      throw new InputError(file, i + 1, `step ${steps.length}`, step);
    if (field("file") === "") throw new InputError(file, i + 1, "a file name in column 'file'", raw);
    const commit = field("commit");
    const during = field("during");
    steps.push({
      file: field("file"),
      label:
        (commit === "" ? `step ${steps.length}` : `commit ${commit}`) + (during === "" ? "" : ` (${during})`),
      line: i + 1,
    });
  }
  if (steps.length === 0) throw new InputError(file, 0, "at least one step", null);
  return steps;
}
