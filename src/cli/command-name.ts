import { basename, relative } from "node:path";
import { shellWord } from "./shell-word.ts";

/** The words that start this program again from the same folder: `hitless` where it is installed, else its file. */
export function commandName(script = process.argv[1] ?? "hitless", folder = process.cwd()): string {
  if (basename(script) === "hitless") return "hitless";
  const path = shellWord(relative(folder, script));
  return script.endsWith(".ts") ? `node --import tsx ${path}` : `node ${path}`;
}
