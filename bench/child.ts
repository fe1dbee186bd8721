import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Runs a script of this folder, by its name without ending, in a process of its own; what it prints. */
export function runChild(name: string, args: readonly string[]): string {
  // `.ts` when run from source, `.js` when built.
  const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  const script = fileURLToPath(new URL(`./${name}${ending}`, import.meta.url));
  return execFileSync(process.execPath, [...process.execArgv, script, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
}
