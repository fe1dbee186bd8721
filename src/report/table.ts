/** One column of a text table; the last column may wrap, all others are as wide as their widest cell. */
export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/** Colours a cell after it was padded; the identity where there is no colour. */
export type PaintCell = (text: string, row: number, column: number) => string;

const GAP = "  ";

/**
 * Lays rows out in columns under a header line. The last column wraps between words so that no line is longer than
 * `width`, unless less than 24 columns would be left for it.
 */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  paint: PaintCell = (text) => text,
): string[] {
  const widths = columns.map((c, i) => Math.max(c.title.length, ...rows.map((r) => r[i]!.length)));
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, w) => sum + w + GAP.length, GAP.length);
  const room = Math.max(24, width - before);
  const line = (cells: readonly string[], row: number): string =>
    (
      GAP +
      cells
        .map((cell, i) => {
          const wide = i === last && columns[i]!.align === "left" ? 0 : widths[i]!;
          const padded = columns[i]!.align === "right" ? cell.padStart(wide) : cell.padEnd(wide);
          return row < 0 ? padded : paint(padded, row, i);
        })
        .join(GAP)
    ).trimEnd();
  const lines = [
    line(
      columns.map((c) => c.title),
      -1,
    ),
  ];
  rows.forEach((cells, row) => {
    const pieces = columns[last]!.align === "left" ? wrap(cells[last]!, room) : [cells[last]!];
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
