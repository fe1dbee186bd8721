import type { InterleavingEvent } from "../check/index.ts";
import { wrap } from "./table.ts";

const WHO = ["kernel", "device", "caches"] as const;
const GAP = " | ";
/** Least width of the first column. */
const STEP_WIDTH = 5;
const LEAST_COLUMN = 16;

/** An event, with its line where the script was read from a file. */
export type ShownEvent = InterleavingEvent & { readonly line?: number | undefined };

/**
 * An interleaving in columns, one for each party, time running down; the first column is the step of the edit script, or
 * its line in the file that the script was read from. A
 * line of its own says which call the steps below it belong to, where a change takes several.
 * Lines are at most `width` characters unless that leaves no room for words.
 */
export function interleavingTable(events: readonly ShownEvent[], width: number): string[] {
  const hasLines = events.some((e) => e.line !== undefined);
  const placeOf = ({ line, step }: ShownEvent): string => String(hasLines ? (line ?? "") : step);
  const placeWidth = events.reduce((most, e) => Math.max(most, placeOf(e).length), STEP_WIDTH);
  const room = Math.max(
    LEAST_COLUMN,
    Math.floor((width - placeWidth - WHO.length * GAP.length) / WHO.length),
  );
  const widths = WHO.map((who) =>
    Math.min(
      room,
      events.reduce((most, e) => (e.who === who ? Math.max(most, e.text.length) : most), who.length),
    ),
  );
  const line = (step: string, cells: readonly string[]): string =>
    [step.padStart(placeWidth), ...cells.map((cell, i) => cell.padEnd(widths[i]!))].join(GAP).trimEnd();
  const lines = [
    line(hasLines ? "line" : "step", [...WHO]),
    line(
      "-".repeat(placeWidth),
      widths.map((w) => "-".repeat(w)),
    ),
  ];
  let shown = -1;
  let running = "";
  for (const event of events) {
    const { who, step, text, call } = event;
    if (call !== undefined && call !== running)
      lines.push(`${" ".repeat(placeWidth)}${GAP}${(running = call)}`);
    const column = WHO.indexOf(who);
    wrap(text, widths[column]!).forEach((piece, i) => {
      const label = i === 0 && step !== shown ? placeOf(event) : "";
      lines.push(
        line(
          label,
          WHO.map((_, c) => (c === column ? piece : "")),
        ),
      );
    });
    shown = step;
  }
  return lines;
}
