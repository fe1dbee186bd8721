// Renders docs/benchmarks.md, and the short table of README.md, from the results that `npm run bench` wrote.
//   node scripts/bench-table.mjs [bench-results.json]
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const results = JSON.parse(readFileSync(process.argv[2] ?? join(root, "bench-results.json"), "utf8"));
if (results.schema !== "hitless-bench/1" || results.figures.length === 0) {
  console.error("bench-table: no hitless-bench/1 results with figures");
  process.exit(1);
}

const number = (value) => {
  if (value === null) return "–";
  if (value === 0 || Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  const text = value.toPrecision(3);
  return text.includes("e") ? value.toFixed(6) : text;
};
const ratio = (value) => (value === null ? "–" : value.toFixed(2));
const goal = (g) =>
  g.kind === "none"
    ? "–"
    : g.kind === "ratio"
      ? `≤ ${g.atMost}×`
      : g.atMost !== undefined
        ? `≤ ${g.atMost}`
        : `≥ ${g.atLeast}`;
const verdict = (met) => (met === null ? "" : met ? "met" : "**missed**");

const { machine } = results;
const where =
  `${results.date}, ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.platform}, ` +
  `Node ${machine.node}, ${machine.compiler ?? "no C compiler"}; ${results.rounds} rounds; ` +
  `load average ${machine.loadAverage[0]} at the beginning and ${machine.loadAverage[1]} at the end (a quiet machine: near 0 and 1)`;

const fullTable = [
  "| figure | unit | hitless | best C | build | ratio | ratio of minima | goal | |",
  "|---|---|--:|--:|---|--:|--:|--:|---|",
  ...results.figures.map(
    (f) =>
      `| ${f.name} | ${f.unit} | ${number(f.ours)} | ${number(f.c)} | ${f.cBuild?.replace("cc ", "") ?? ""} | ` +
      `${ratio(f.ratio)} | ${ratio(f.ratioOfMinima)} | ${goal(f.goal)} | ${verdict(f.met)} |`,
  ),
];
const shortTable = [
  "| figure | hitless | best C | ratio | goal | |",
  "|---|--:|--:|--:|--:|---|",
  ...results.figures
    .filter((f) => f.met !== null)
    .map(
      (f) =>
        `| ${f.name} | ${number(f.ours)} ${f.unit} | ${number(f.c)} | ${ratio(f.ratio)} | ${goal(f.goal)} | ${verdict(f.met)} |`,
    ),
];
const notes = results.figures
  .filter((f) => f.goal.kind === "none")
  .map((f) => `- *${f.name}* has no goal: ${f.goal.why}.`);

/** Replaces what stands between the two marker lines of a file. */
function replaceBetween(file, text) {
  const path = join(root, file);
  const old = readFileSync(path, "utf8");
  const begin = "<!-- benchmarks: begin -->";
  const end = "<!-- benchmarks: end -->";
  const from = old.indexOf(begin);
  const to = old.indexOf(end);
  if (from < 0 || to < from) {
    console.error(`bench-table: ${file} lacks the lines '${begin}' and '${end}'`);
    process.exit(1);
  }
  writeFileSync(path, `${old.slice(0, from + begin.length)}\n${text}\n${old.slice(to)}`);
}

replaceBetween("docs/benchmarks.md", [where + ".", "", ...fullTable, "", ...notes].join("\n").trimEnd());
replaceBetween("README.md", [where + ".", "", ...shortTable].join("\n"));
console.log(`bench-table: ${results.figures.length} figures of ${results.date}`);
