#!/usr/bin/env node
import { CommanderError } from "commander";
import { InputError } from "../vmm/input-error.ts";
import { createProgram } from "./program.ts";
import { EXIT, UsageError } from "./usage-error.ts";

/** Runs one command line; the exit code says how it went. Nothing below this ends the process. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(argv);
    return Number(process.exitCode ?? EXIT.clean);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.clean : EXIT.usage;
    if (error instanceof UsageError || error instanceof InputError) {
      process.stderr.write(`hitless: ${error.message}\n`);
      return EXIT.usage;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`hitless: the tool itself failed, this is no verdict\n${text}\n`);
    process.stderr.write(`Replay: hitless ${argv.slice(2).join(" ")}\n`);
    return EXIT.toolFailed;
  }
}

process.exitCode = await main(process.argv);
