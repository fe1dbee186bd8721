import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { runCommandLine } from "../../src/cli/run-command-line.ts";
import type { CliRun } from "./run-cli.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/**
 * Does what `hitless` does with these arguments, from its sources and in this process: starting one takes longer than what most
 * command lines ask for. Two calls must not overlap.
 *
 * Signals, the exit code and the streams of a process need `runCli`; that both say the same is tested in same-words.test.ts.
 */
export async function callCli(args: readonly string[]): Promise<CliRun> {
  const written = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      written[name] += String(text);
      return true;
    }),
  );
  const { argv, exitCode } = process;
  process.argv = [process.execPath, MAIN, ...args];
  process.exitCode = undefined;
  try {
    return { code: await runCommandLine(process.argv), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.argv = argv;
    process.exitCode = exitCode;
  }
}
