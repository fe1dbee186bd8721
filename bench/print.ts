import type { MeasuredFigure } from "./alternate.ts";
import type { Goal } from "./row.ts";

const WIDTHS = [50, 17, 15, 8, 8, 12] as const;

const line = (cells: readonly string[]): string =>
  cells
    .map((cell, i) => (i === 0 ? cell.padEnd(WIDTHS[0]) : cell.padStart(WIDTHS[i] ?? 0)))
    .join("  ")
    .trimEnd();

export const tableHeader = (): string =>
  line(["", "ours", "best C", "ratio", "minima", "goal"]) +
  "\n" +
  line(["", "median", "median", "median", "ratio", ""]);

/** One figure as a line of the table. */
export function tableLine(f: MeasuredFigure): string {
  const verdict = f.met === null ? "" : f.met ? "met" : "MISSED";
  return (
    line([
      f.name,
      `${number(f.ours)} ${f.unit}`,
      f.c === null ? "-" : `${number(f.c)} ${f.cBuild?.replace("cc ", "") ?? ""}`,
      f.ratio === null ? "-" : f.ratio.toFixed(2),
      f.ratioOfMinima === null ? "-" : f.ratioOfMinima.toFixed(2),
      goalText(f.goal),
    ]) + (verdict === "" ? "" : `  ${verdict}`)
  );
}

export function goalText(goal: Goal): string {
  if (goal.kind === "none") return "-";
  if (goal.kind === "ratio") return `<= ${goal.atMost}x`;
  return "atMost" in goal ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`;
}

/** Three significant digits, no exponent. */
export function number(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return String(Math.round(value));
  return value.toPrecision(3).includes("e") ? value.toFixed(6) : value.toPrecision(3);
}
