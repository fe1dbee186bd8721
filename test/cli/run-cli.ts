import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { BUILT_MAIN, isBuilt, ROOT } from "../helpers/fresh-build.ts";

const SOURCE = "src/cli/main.ts";

/** The words by which the program that these tests run names itself in what it prints. */
export const PROGRAM = isBuilt ? `node ${BUILT_MAIN}` : `node --import tsx ${SOURCE}`;

export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `hitless` with these arguments in the project's folder, built if the build is fresh; `onOutput` sees all of standard output
 * so far. `preload` is a module of this folder that is loaded before the program, which then runs from its sources.
 */
export function runCli(
  args: readonly string[],
  onOutput: (stdout: string, child: ChildProcess) => void = () => {},
  preload?: string,
): Promise<CliRun> {
  const preloaded = preload === undefined ? [] : [new URL(preload, import.meta.url).href];
  const fromSource = !isBuilt || preload !== undefined;
  const loaders = (fromSource ? ["tsx", ...preloaded] : []).flatMap((name) => ["--import", name]);
  const main = join(ROOT, fromSource ? SOURCE : BUILT_MAIN);
  const child = spawn(process.execPath, [...loaders, main, ...args], {
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
