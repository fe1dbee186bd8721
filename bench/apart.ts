import type { MeasuredFigure } from "./alternate.ts";
import { runChild } from "./child.ts";
import type { Row } from "./row.ts";

/** Measures a row without C counterpart in a process of its own, so that it does not matter which rows ran before it. */
export const measureApart = (row: Row, rounds: number): MeasuredFigure[] =>
  JSON.parse(runChild("row-child", [row.figures[0]!.name, String(rounds)])) as MeasuredFigure[];
