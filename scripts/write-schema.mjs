// Writes docs/schema/run-result.json from the schema in src/report. Run after `npm run build`, then `npm run format`.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { runResultJsonSchema } from "../dist/src/report/index.js";

const target = resolve(import.meta.dirname, "../docs/schema/run-result.json");
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, `${JSON.stringify(runResultJsonSchema(), null, 2)}\n`);
console.log(target);
