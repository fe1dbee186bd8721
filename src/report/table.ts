/** One column of a text table; the last column may wrap, all others are as wide as their widest cell. */
export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/** Colours a cell after it was padded; the identity where there is no colour. */
export type PaintCell = (text: string, row: number, column: number) => string;

const INDENT = "  ";
/** Room that a last column with words in it should have, and has at least. */
const FAIR_ROOM = 24;
const LEAST_ROOM = 16;

/**
 * Lays rows out in columns under a header line. Columns move closer together where the table would not fit. The last one
 * wraps between words so that no line is longer than `width`, unless less than 16 columns would be left for it.
 */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  paint: PaintCell = (text) => text,
): string[] {
  const widths = columns.map((c, i) => Math.max(c.title.length, ...rows.map((r) => r[i]!.length)));
  const last = columns.length - 1;
  const isWrapped = columns[last]!.align === "left";
  const upTo = (gap: string): number =>
    widths.slice(0, last).reduce((sum, w) => sum + w + gap.length, INDENT.length);
  const least = isWrapped ? Math.min(FAIR_ROOM, widths[last]!) : widths[last]!;
  const gap = upTo("  ") + least <= width ? "  " : " ";
  const before = upTo(gap);
  const room = Math.max(LEAST_ROOM, width - before);
  const line = (cells: readonly string[], row: number): string =>
    (
      INDENT +
      cells
        .map((cell, i) => {
          const wide = i === last && isWrapped ? 0 : widths[i]!;
          const padded = columns[i]!.align === "right" ? cell.padStart(wide) : cell.padEnd(wide);
          return row < 0 ? padded : paint(padded, row, i);
        })
        .join(gap)
    ).trimEnd();
  const lines = [
    line(
      columns.map((c) => c.title),
      -1,
    ),
  ];
  rows.forEach((cells, row) => {
    const pieces = isWrapped ? wrap(cells[last]!, room) : [cells[last]!];
    lines.push(line([...cells.slice(0, last), pieces[0]!], row));
    for (const piece of pieces.slice(1)) lines.push(" ".repeat(before) + piece);
  });
  return lines;
}

/** Breaks text between words into lines of at most `width` characters; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}

/** Text wrapped to `width`, its further lines indented. */
export function hanging(text: string, width: number, indent = 2): string[] {
  const [first, ...rest] = wrap(text, width);
  const margin = " ".repeat(indent);
  return rest.length === 0
    ? [first!]
    : [first!, ...wrap(rest.join(" "), width - indent).map((line) => margin + line)];
}

/** A label and its text, hanging; the label is painted after wrapping. */
export function labelled(
  label: string,
  text: string,
  width: number,
  paint: (text: string) => string,
): string[] {
  const [first, ...rest] = hanging(label + text, width);
  return [paint(label) + first!.slice(label.length), ...rest];
}
