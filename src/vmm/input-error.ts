/** Where a piece of input came from; `line` counts from 1, 0 = the file as a whole. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** `file:line`, or `file` when the whole file is meant. */
export const formatOrigin = (origin: Origin): string =>
  origin.line > 0 ? `${origin.file}:${origin.line}` : origin.file;

const LONGEST_EXCERPT = 120;

/** Input as it appears in a message: one line, quoted, control characters escaped, cut when long. */
const excerpt = (text: string): string => {
  const cut = text.length > LONGEST_EXCERPT ? text.slice(0, LONGEST_EXCERPT) + "…" : text;
  return JSON.stringify(cut);
};

/** Input that cannot be understood: which file and line, what was expected there and what stood there instead. */
export class InputError extends Error {
  override name = "InputError";
  readonly file: string;
  readonly line: number;
  readonly expected: string;
  /** The offending text, or null where something is missing or the text alone is not the fault. */
  readonly got: string | null;

  constructor(file: string, line: number, expected: string, got: string | null) {
    super(
      `${formatOrigin({ file, line })}: expected ${expected}` + (got === null ? "" : `, got ${excerpt(got)}`),
    );
    this.file = file;
    this.line = line;
    this.expected = expected;
    this.got = got;
  }
}
