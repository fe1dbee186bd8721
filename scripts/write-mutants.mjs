// Writes the table of docs/mutants.md from the catalogue in src/check/mutants. Run after `npm run build`.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { MUTANT_TABLE_MARKS, mutantTable } from "../dist/src/report/index.js";

const target = resolve(import.meta.dirname, "../docs/mutants.md");
const [begin, end] = MUTANT_TABLE_MARKS;
const [before, rest] = readFileSync(target, "utf8").split(`${begin}\n`);
const after = rest?.split(end)[1];
if (after === undefined) {
  console.error(`${target}: the table stands between '${begin}' and '${end}', which are not there`);
  process.exit(1);
}
writeFileSync(target, `${before}${begin}\n\n${mutantTable()}\n${end}${after}`);
console.log(target);
