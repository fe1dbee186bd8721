// The doors between rooms (DESIGN.md): which room may import which, and where `node:` and `Atomics` may appear.
// Exits 1 on the first forbidden import, and also when it looked at no file at all.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

/** Room → rooms it may import. A room may always import itself and `units`. */
const doors = {
  units: [],
  uapi: [],
  "edit-script": [],
  engine: ["edit-script"],
  kernel: ["uapi", "edit-script", "engine"],
  model: [],
  check: ["edit-script", "model"],
  vmm: ["kernel", "uapi"],
  device: ["engine", "model"],
  report: ["check", "model", "edit-script"],
  harness: ["vmm", "kernel", "uapi", "edit-script", "engine", "model", "check", "device", "report"],
  cli: ["harness", "report", "check", "vmm", "kernel", "uapi", "edit-script", "engine", "model"],
};
/**
 * Folders of a room in the order in which data goes through them, and files that stand between two: code of one is used by those behind it
 * only; types may be named by all. Files of a room that are not listed see everything and are code for nobody in the list.
 */
const order = {
  check: [
    "lists",
    "script",
    "entries",
    "maps",
    "walks",
    "rules",
    "dirty",
    "input.ts",
    "decide.ts",
    "cause",
    "explain",
    "calls",
  ],
};
/** Rooms that must run in a browser: no `node:` import, no piscina. */
const browserRooms = new Set([
  "units",
  "uapi",
  "edit-script",
  "kernel",
  "engine",
  "model",
  "check",
  "report",
  "device",
]);

const files = [];
const walk = (dir) => {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) {
      if (name !== "assembly") walk(path);
    } else if (name.endsWith(".ts") && name !== "engine-bytes.ts") files.push(path);
  }
};
walk(join(root, "src"));
walk(join(root, "workers"));

const problems = [];
let imports = 0;
/** Of them, those that name code in another folder of the same room. */
let ordered = 0;
const isOfTypes = (statement) => {
  const names = /^\s*(?:import|export)\s+\{([^}]*)\}/.exec(statement)?.[1].split(",") ?? [];
  const own = names.map((name) => name.trim()).filter((name) => name !== "");
  return (
    /^\s*(?:import|export)\s+type\b/.test(statement) ||
    (own.length > 0 && own.every((n) => n.startsWith("type ")))
  );
};
for (const file of files) {
  const text = readFileSync(file, "utf8");
  const rel = relative(root, file);
  const parts = rel.split("/");
  const room = parts[0] === "workers" ? "workers" : parts.length === 2 ? "index" : parts[1];
  const lines = text.split("\n").length;
  if (lines > 400) problems.push(`${rel}: ${lines} lines; a file holds one concept in at most 400`);
  if (parts[0] === "workers" && lines > 31) problems.push(`${rel}: a worker entry has at most 30 lines`);
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  if (/\bAtomics\s*\./.test(code) && room !== "engine")
    problems.push(`${rel}: only engine touches shared words atomically`);
  if (/\bMath\.random\b/.test(code)) problems.push(`${rel}: every random number comes from a printed seed`);
  for (const m of text.matchAll(/^\s*(?:import|export)\b[^;]*?\bfrom\s+["']([^"']+)["']/gm)) {
    const spec = m[1];
    imports++;
    if (browserRooms.has(room) && (spec.startsWith("node:") || spec === "piscina"))
      problems.push(`${rel}: room '${room}' runs in a browser and may not import '${spec}'`);
    if (spec === "piscina" && room !== "harness" && room !== "workers")
      problems.push(`${rel}: only harness starts threads ('${spec}')`);
    if (!spec.startsWith(".")) continue;
    const target = relative(root, resolve(dirname(file), spec)).split("/");
    if (room === "index" || room === "workers") {
      if (room === "workers" && !["device", "engine", "units", "harness"].includes(target[1]))
        problems.push(`${rel}: a worker entry imports only device, harness and engine, not '${spec}'`);
      continue;
    }
    const to = target[0] === "src" ? target[1] : target[0];
    if (to === room) {
      const [own, other] = [parts[2], target[2]].map((name) => order[room]?.indexOf(name) ?? -1);
      if (own < 0 || own === other || isOfTypes(m[0])) continue;
      ordered++;
      if (other < 0 || other > own)
        problems.push(
          `${rel}: '${parts[2]}' may use no code of '${target[2]}', which comes behind it ('${spec}')`,
        );
      continue;
    }
    if (to === "units") continue;
    if (!(room in doors)) problems.push(`${rel}: unknown room '${room}'`);
    else if (!doors[room].includes(to))
      problems.push(`${rel}: room '${room}' has no door to '${to}' ('${spec}')`);
  }
}
if (files.length < 10 || imports < 10 || ordered < 10)
  problems.push(
    `doors looked at ${files.length} files, ${imports} imports, ${ordered} in order: that is nothing`,
  );
for (const p of problems) console.error(p);
console.log(
  `doors: ${files.length} files, ${imports} imports (${ordered} in order), ${problems.length} problems`,
);
process.exit(problems.length ? 1 : 0);
