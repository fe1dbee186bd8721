import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { MeasuredFigure } from "./alternate.ts";
import type { Row } from "./row.ts";

/** Measures a row without C counterpart in a process of its own, so that it does not matter which rows ran before it. */
export function measureApart(row: Row, rounds: number): MeasuredFigure[] {
  const child = new URL(`./row-child${extension()}`, import.meta.url);
  const output = execFileSync(
    process.execPath,
    [...process.execArgv, fileURLToPath(child), row.figures[0]!.name, String(rounds)],
    { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  );
  return JSON.parse(output) as MeasuredFigure[];
}

/** `.ts` when run from source, `.js` when built. */
const extension = (): string => (import.meta.url.endsWith(".ts") ? ".ts" : ".js");
