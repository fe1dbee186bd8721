import type { InterleavingEvent } from "../check/index.ts";
import { wrap } from "./table.ts";

const WHO = ["kernel", "device", "caches"] as const;
const GAP = " | ";
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
  const room = Math.max(
    LEAST_COLUMN,
    Math.floor((width - STEP_WIDTH - WHO.length * GAP.length) / WHO.length),
  );
  const widths = WHO.map((who) =>
    Math.min(
      room,
      events.reduce((most, e) => (e.who === who ? Math.max(most, e.text.length) : most), who.length),
    ),
  );
  const hasLines = events.some((e) => e.line !== undefined);
  const line = (step: string, cells: readonly string[]): string =>
    [step.padStart(STEP_WIDTH), ...cells.map((cell, i) => cell.padEnd(widths[i]!))].join(GAP).trimEnd();
  const lines = [
    line(hasLines ? "line" : "step", [...WHO]),
    line(
      "-".repeat(STEP_WIDTH),
      widths.map((w) => "-".repeat(w)),
    ),
  ];
  let shown = -1;
  let running = "";
  for (const { who, step, text, call, line: fileLine } of events) {
    if (call !== undefined && call !== running)
      lines.push(`${" ".repeat(STEP_WIDTH)}${GAP}${(running = call)}`);
    const column = WHO.indexOf(who);
    wrap(text, widths[column]!).forEach((piece, i) => {
      const place = hasLines ? (fileLine ?? "") : step;
      const label = i === 0 && step !== shown ? String(place) : "";
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
