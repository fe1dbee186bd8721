import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `hitless` with these arguments in the project's folder; `onOutput` sees all of standard output so far. `preload` is
 * a module of this folder that is loaded before the program.
 */
export function runCli(
  args: readonly string[],
  onOutput: (stdout: string, child: ChildProcess) => void = () => {},
  preload?: string,
): Promise<CliRun> {
  const imports = ["tsx", ...(preload === undefined ? [] : [new URL(preload, import.meta.url).href])];
  const loaders = imports.flatMap((name) => ["--import", name]);
  const child = spawn(process.execPath, [...loaders, MAIN, ...args], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1", NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    onOutput(stdout, child);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
