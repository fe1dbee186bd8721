import { existsSync, readFileSync, statSync } from "node:fs";
import type { Command } from "commander";
import { RULES } from "../check/index.ts";
import { mutantNamed } from "../check/mutants/index.ts";
import { CAPABILITIES } from "../edit-script/index.ts";
import {
  type ChangeToken,
  type CheckCase,
  CounterexampleError,
  decodeToken,
  parseCounterexample,
  type ReplayTarget,
  type ReplayToken,
  replayChange,
  sequenceHash,
  TokenError,
} from "../harness/index.ts";
import { counterexample, plural } from "../report/index.ts";
import { BACKING_KINDS, type BackingKind, parseMapFile, STRATEGIES } from "../vmm/index.ts";
import { MODE_NAMES, modesOf, terminalWidth } from "./check-output.ts";
import { checkScript } from "./check-script.ts";
import { commandName } from "./command-name.ts";
import { replayFuzz } from "./fuzz.ts";
import { inputText, loadInputs } from "./inputs.ts";
import { shellWord } from "./shell-word.ts";
import { EXIT, UsageError } from "./usage-error.ts";

const HELP = `
Exit codes: 1 the finding shows again, 0 it does not, 2 the token cannot be read
or its input is not there.`;

/** Adds `hitless replay TOKEN|FILE`: shows a finding again, exactly. */
export function registerReplay(program: Command): void {
  program
    .command("replay")
    .description("show a finding again, from its token or from a saved counterexample")
    .argument("<token|file>", "token of a `Replay:` line, a file written by check --save, or an edit script")
    .addHelpText("after", HELP)
    .action((what: string) => {
      process.exitCode = existsSync(what) ? replayFile(what) : replayToken(what);
    });
}

function replayFile(path: string): number {
  if (!statSync(path).isFile()) throw new UsageError(`${path}: no file`);
  const text = readFileSync(path, "utf8");
  if (!text.trimStart().startsWith("{")) return checkScript(path, { mode: "weak", as: "text" });
  try {
    const saved = parseCounterexample(text, path);
    const { class: violation, iova } = saved.finding;
    const how = caseOf({ ...saved, class: violation }, path, parseMapFile(saved.maps, path));
    const target: ReplayTarget = {
      step: saved.step,
      pass: 1,
      class: violation,
      iovaPfn: Number(BigInt(iova) >> 12n),
      modes: saved.modes,
    };
    return show(how, saved.strategy, target, `${commandName()} replay ${shellWord(path)}`);
  } catch (error) {
    if (error instanceof CounterexampleError) throw new UsageError(error.message);
    throw error;
  }
}

function replayToken(text: string): number {
  let token: ReplayToken;
  try {
    token = decodeToken(text);
  } catch (error) {
    if (error instanceof TokenError) throw new UsageError(`${error.message}; nor is it a file`);
    throw error;
  }
  return token.command === "fuzz" ? replayFuzz(token) : replayChangeToken(token, text);
}

function replayChangeToken(token: ChangeToken, text: string): number {
  if (token.inputs.length === 0) throw new UsageError("the replay token names no input");
  const { sequence } = loadInputs(token.inputs, token.addressSpace ?? undefined);
  const name = inputText(token.inputs, token.addressSpace ?? undefined);
  if (sequenceHash(sequence) !== token.hash)
    throw new UsageError(`the maps of ${name} are not those that this token was made from`);
  if (token.command === "stress")
    process.stdout.write(
      "Device threads saw this, and threads are not deterministic: the checker decides the same map change instead.\n",
    );
  const how = caseOf(token, "the replay token", sequence);
  return show(
    how,
    token.strategy,
    { ...token, modes: modesOf(token.mode) },
    `${commandName()} replay ${text}`,
  );
}

/** Checks the names that came from outside. Errors: UsageError. */
function caseOf(
  from: Pick<ChangeToken, "class" | "format" | "backing" | "seed" | "inject" | "strategy"> & {
    readonly mode?: string;
  },
  where: string,
  sequence: CheckCase["sequence"],
): CheckCase {
  const known = (what: string, name: string, names: Iterable<string>): void => {
    if (![...names].includes(name))
      throw new UsageError(`${where} names the ${what} '${name}', which is not known here`);
  };
  known("violation class", from.class, Object.keys(RULES));
  if (from.mode !== undefined) known("memory order", from.mode, MODE_NAMES);
  known("strategy", from.strategy, STRATEGIES.keys());
  known("format", from.format, CAPABILITIES.keys());
  known("backing", from.backing, BACKING_KINDS);
  const mutant = from.inject === null ? null : mutantNamed(from.inject);
  if (mutant === undefined) known("mutant", from.inject!, []);
  return {
    sequence,
    format: from.format,
    seed: from.seed,
    backing: from.backing as BackingKind,
    mutant: mutant ?? null,
  };
}

function show(how: CheckCase, strategy: string, target: ReplayTarget, replay: string): number {
  if (target.step !== null && target.step >= how.sequence.steps.length)
    throw new UsageError(
      `there is no change ${target.step}: the input has ${plural(how.sequence.steps.length, "map")}`,
    );
  const { finding, classes } = replayChange(how, STRATEGIES.get(strategy)!, target, replay);
  if (finding !== null) {
    process.stdout.write(`${counterexample(strategy, finding, terminalWidth()).join("\n")}\n`);
    return EXIT.violation;
  }
  const instead = classes.length === 0 ? "nothing is wrong with it" : `it shows ${classes.join(", ")}`;
  const pass = target.pass === 1 ? "" : ` in pass ${target.pass}`;
  const change = target.step === null ? "any change" : `change ${target.step}${pass}`;
  process.stdout.write(`${target.class} does not show in ${change} of ${strategy}: ${instead}\n`);
  return EXIT.clean;
}
