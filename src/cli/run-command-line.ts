import { CommanderError } from "commander";
import { StressError } from "../harness/index.ts";
import { InputError, VmmError } from "../vmm/index.ts";
import { commandName } from "./command-name.ts";
import { createProgram } from "./program.ts";
import { shellWord } from "./shell-word.ts";
import { EXIT, UsageError } from "./usage-error.ts";

/** The command line or the input is wrong, or asks the emulated kernel for what it cannot give. */
const USER_ERRORS = [UsageError, InputError, StressError, VmmError];

/** Runs one command line; the exit code says how it went. Nothing below this ends the process. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(argv);
    return Number(process.exitCode ?? EXIT.clean);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.clean : EXIT.usage;
    if (USER_ERRORS.some((kind) => error instanceof kind)) {
      process.stderr.write(`hitless: ${(error as Error).message}\n`);
      return EXIT.usage;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`hitless: the tool itself failed, this is no verdict\n${text}\n`);
    process.stderr.write(`Replay: ${commandName()} ${argv.slice(2).map(shellWord).join(" ")}\n`);
    return EXIT.toolFailed;
  }
}
