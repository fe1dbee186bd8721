import { readFileSync } from "node:fs";
import { CheckInputError } from "../check/index.ts";
import { parseRecording, printScript, type Recording, ScriptTextError } from "../edit-script/index.ts";
import { runScriptCheck, shrinkScript } from "../harness/index.ts";
import { checkHeading, EXIT_OF_VERDICT, firstOfEachClass, plural } from "../report/index.ts";
import { modesOf, type OutputFlags, openOutput, wrapped } from "./check-output.ts";
import { CounterexampleFolder } from "./check-save.ts";
import { commandName } from "./command-name.ts";
import { shellWord } from "./shell-word.ts";
import { UsageError } from "./usage-error.ts";

const MOST_TRIALS = 20_000;

/** Reads an edit script of one call or several. Errors: UsageError with file, line and reason. */
function readScript(path: string): Recording {
  let text: Uint8Array;
  try {
    text = readFileSync(path);
  } catch (error) {
    throw new UsageError(`${path}: cannot be read (${(error as Error).message})`);
  }
  try {
    return parseRecording(text, path);
  } catch (error) {
    if (error instanceof ScriptTextError) throw new UsageError(error.message);
    throw error;
  }
}

/** Judges an edit script from a file and returns the exit code. Errors: UsageError. */
export function checkScript(
  path: string,
  flags: OutputFlags & { readonly mode: string; readonly shrink?: number; readonly save?: string },
): number {
  const file = readScript(path);
  const output = openOutput(flags);
  const folder = flags.save === undefined ? null : new CounterexampleFolder(flags.save);
  const modes = modesOf(flags.mode);
  const mode = flags.mode === "weak" ? "" : ` --mode ${flags.mode}`;
  const replay = `${commandName()} check --script ${shellWord(path)}${mode}`;
  const heading = {
    input: path,
    maps: file.calls.length + 1,
    format: file.capability.name,
    backing: null,
    seed: 0,
    inject: null,
  };
  output.show(wrapped(checkHeading({ ...heading, modes: [...modes] })));
  try {
    const { report: result, scriptOf } = runScriptCheck(file, path, modes, replay);
    output.finish(result);
    const isWanted = flags.shrink !== undefined || folder !== null;
    for (const v of isWanted ? firstOfEachClass(result.violations) : []) {
      folder?.saveScript(v, path, scriptOf(v));
      if (flags.shrink === undefined) continue;
      const budget = { timeMs: flags.shrink, trials: MOST_TRIALS };
      const script = scriptOf(v);
      // As it was decided, so that the smaller one shows nothing else when it is decided again.
      const mode = modes.includes("weak") ? "weak" : "strong";
      const shrunk = shrinkScript(script, v.class, { mode }, budget);
      output.show(
        `\nSmaller script that shows ${v.class}, ${plural(shrunk.file.script.steps, "step")} of ` +
          `${plural(script.script.steps, "step")}, after ${plural(shrunk.trials, "trial")}:\n${printScript(shrunk.file)}`,
      );
      folder?.saveShrunkScript(v, path, shrunk.file);
    }
    for (const file of folder?.files ?? []) output.show(`Saved: ${file}\n`);
    return EXIT_OF_VERDICT[result.verdict];
  } catch (error) {
    if (error instanceof CheckInputError) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}
