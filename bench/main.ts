import { writeFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { type MeasuredFigure, measureRow } from "./alternate.ts";
import { measureApart } from "./apart.ts";
import { tableHeader, tableLine } from "./print.ts";
import { benchResults, loadOfLastMinute } from "./results.ts";
import type { Row } from "./row.ts";
import { allRows } from "./rows/index.ts";
import { startYardsticks } from "./yardstick.ts";

/** `npm run bench`: measures every row against the C yardstick, prints the table, writes the results as JSON. */
const positiveInteger = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("expected a whole number >= 1");
  return value;
};

const options = new Command("npm run bench --")
  .description("Measures hitless against a C yardstick compiled on the spot, alternating sample by sample.")
  .option(
    "--only <name>",
    "a group of rows (map, split, store, set-map, …) or rows whose name contains this text",
  )
  .option("--rounds <n>", "rounds a row", positiveInteger, 11)
  .option("--json <file>", "where to write the results", "bench-results.json")
  .parse()
  .opts<{ only?: string; rounds: number; json: string }>();

const chosen = (only: string | undefined): Row[] => {
  const rows = allRows();
  if (only === undefined) return rows;
  const group = rows.filter((row) => row.group === only);
  return group.length > 0
    ? group
    : rows.filter((row) => row.figures.some((figure) => figure.name.includes(only)));
};

const rows = chosen(options.only);
if (rows.length === 0) {
  console.error(`bench: no row matches --only ${options.only}`);
  process.exit(2);
}

const loadAtStart = loadOfLastMinute();
const yardsticks = startYardsticks();
const figures: MeasuredFigure[] = [];
if (yardsticks.compiler === null)
  console.log("No C compiler (cc) found: the figures below are absolute and no ratio was measured.");
console.log(tableHeader());
try {
  let group = "";
  for (const row of rows) {
    const measured = row.isApart
      ? measureApart(row, options.rounds)
      : await measureRow(row, yardsticks.builds, options.rounds);
    if (row.group !== group) console.log();
    group = row.group;
    for (const figure of measured) console.log(tableLine(figure));
    figures.push(...measured);
  }
} finally {
  yardsticks.close();
}

const results = benchResults(figures, options.rounds, yardsticks.compiler, loadAtStart);
writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
const judged = figures.filter((figure) => figure.met !== null);
console.log(
  `\n${judged.filter((figure) => figure.met).length} of ${judged.length} goals met; ` +
    `${results.machine.cpu}, ${results.machine.cores} cores, node ${results.machine.node}, ` +
    `${results.machine.compiler ?? "no C compiler"}; written to ${options.json}`,
);
