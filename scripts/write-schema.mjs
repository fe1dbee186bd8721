// Writes docs/schema/*.json from the schemas in src/report. Run after `npm run build`, then `npm run format`.
import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  checkResultJsonSchema,
  fuzzResultJsonSchema,
  killMatrixJsonSchema,
  runResultJsonSchema,
} from "../dist/src/report/index.js";

const folder = resolve(import.meta.dirname, "../docs/schema");
mkdirSync(folder, { recursive: true });
for (const [name, schema] of [
  ["run-result", runResultJsonSchema()],
  ["check-result", checkResultJsonSchema()],
  ["fuzz-result", fuzzResultJsonSchema()],
  ["kill-matrix", killMatrixJsonSchema()],
]) {
  const target = resolve(folder, `${name}.json`);
  writeFileSync(target, `${JSON.stringify(schema, null, 2)}\n`);
  console.log(target);
}
