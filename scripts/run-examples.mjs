// Runs every built example (dist/examples/NN-*.js) and compares what it prints with the expected output in its header:
// the lines of the comment that starts with "Expected output:". Exits 1 when one differs, or when there is no example.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const names = readdirSync(join(root, "examples"))
  .filter((name) => /^\d\d-.*\.ts$/.test(name))
  .sort();

/** Lines after "Expected output:" up to the end of the comment, without the leading " * ". */
function expectedOutput(source) {
  const block = /Expected output:\s*\n([\s\S]*?)\n\s*\*\//.exec(source);
  if (block === null) return null;
  const lines = block[1].split("\n").map((line) => line.replace(/^\s*\* ?/, "").trimEnd());
  const indent = Math.min(...lines.filter((l) => l !== "").map((l) => l.length - l.trimStart().length));
  return lines
    .map((line) => line.slice(indent))
    .join("\n")
    .trim();
}

let failed = 0;
for (const name of names) {
  const expected = expectedOutput(readFileSync(join(root, "examples", name), "utf8"));
  const run = spawnSync(process.execPath, [join(root, "dist/examples", name.replace(/\.ts$/, ".js"))], {
    encoding: "utf8",
    timeout: 120_000,
  });
  const got = run.stdout
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .trim();
  const problem =
    run.status !== 0
      ? `exit ${run.status ?? run.signal}\n${run.stderr}`
      : expected === null
        ? "its header has no 'Expected output:'"
        : got !== expected
          ? `printed\n${got}\ninstead of\n${expected}`
          : null;
  if (problem !== null) failed++;
  console.log(problem === null ? `ok ${name}` : `FAILED ${name}: ${problem}`);
}
if (names.length === 0) console.error("run-examples: examples/ holds no example");
const at = process.argv.indexOf("--json");
if (at > 0) writeFileSync(process.argv[at + 1], JSON.stringify({ passed: names.length - failed, failed }));
process.exit(failed > 0 || names.length === 0 ? 1 : 0);
