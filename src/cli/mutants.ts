import { type Command, Option } from "commander";
import pc from "picocolors";
import type { MemoryMode } from "../check/index.ts";
import { CATALOGUE } from "../check/mutants/index.ts";
import { CAPABILITIES } from "../edit-script/index.ts";
import { killMatrix } from "../harness/index.ts";
import { EXIT_OF_VERDICT, killMatrixToJson, killMatrixToTerminal, PLAIN } from "../report/index.ts";
import { terminalWidth } from "./check-output.ts";
import { commandName } from "./command-name.ts";
import { openJsonTarget } from "./json-target.ts";
import { parseCount, parseDuration, parseName, parseSeed } from "./option-values.ts";
import { progressView } from "./progress.ts";
import { UsageError } from "./usage-error.ts";

const MODES: readonly MemoryMode[] = ["weak", "strong"];
const MOST_DEVICES = 16;

interface MutantsFlags {
  format?: string;
  mode: MemoryMode;
  seed: number;
  threads?: true;
  time: number;
  devices: number;
  json?: string;
  quiet?: true;
}

/**
 * Adds `hitless mutants [ID…]`: runs every known-broken kernel of the catalogue in the scenario made for it and says which
 * judge noticed what.
 *
 * Exit codes: 0 every mutant is caught by its class and only it, 1 not so, 2 wrong usage, 4 interrupted.
 */
export function registerMutants(program: Command): void {
  const formats = [...CAPABILITIES.keys()];
  program
    .command("mutants")
    .description("run known-broken kernels and show who catches them")
    .argument("[id...]", "mutants to run, e.g. M05 M31, with all they show (default: the whole catalogue)")
    .addOption(
      new Option(
        "--format <name>",
        `IOMMU profile for all: ${formats.join(", ")} (default: what each needs)`,
      ).argParser(parseName("format", formats)),
    )
    .addOption(
      new Option("--mode <name>", `memory order the checker assumes: ${MODES.join(", ")}`)
        .argParser(parseName("mode", MODES))
        .default("weak"),
    )
    .option("--seed <n>", "seed of every random choice", parseSeed, 1)
    .option("--threads", "run device threads as well, for mutants that threads can see")
    .addOption(
      new Option("--time <duration>", "with --threads: time for each mutant")
        .argParser(parseDuration)
        .default(1000, "1s"),
    )
    .option("--devices <n>", "with --threads: device threads", parseCount(1, MOST_DEVICES), 2)
    .option("--json <file>", "write the matrix as JSON; - is standard output")
    .option("--quiet", "misses and summary only")
    .action(mutants);
}

async function mutants(ids: string[], flags: MutantsFlags): Promise<void> {
  const known = new Set(CATALOGUE.map(({ mutant }) => mutant.id));
  const unknown = ids.find((id) => !known.has(id));
  if (unknown !== undefined)
    throw new UsageError(`there is no mutant '${unknown}'; known: ${[...known].join(", ")}`);
  const stdout = (text: string): void => void process.stdout.write(text);
  const json = openJsonTarget(flags.json, stdout);
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  const progress = progressView(process.stderr, flags.quiet !== true);
  try {
    const matrix = await killMatrix({
      ids,
      format: flags.format ?? null,
      mode: flags.mode,
      seed: flags.seed,
      threads: flags.threads ? { timeMs: flags.time, devices: flags.devices } : null,
      replay: (id) => replayLine(id, flags),
      signal: interrupt.signal,
      onProgress: (share, id) => progress.update(share, id),
    });
    progress.stop();
    json?.write(killMatrixToJson(matrix));
    const paint = pc.isColorSupported && process.stdout.isTTY ? pc.createColors(true) : PLAIN;
    const quiet = flags.quiet === true;
    if (!json?.isStdout)
      stdout(
        killMatrixToTerminal(matrix, {
          paint,
          quiet,
          width: terminalWidth(),
          details: ids.length > 0 && !quiet,
        }),
      );
    process.exitCode = EXIT_OF_VERDICT[matrix.verdict];
  } finally {
    progress.stop();
    process.removeListener("SIGINT", onInterrupt);
  }
}

/** The command line that runs one mutant again; options at their default are left out. */
function replayLine(id: string, flags: MutantsFlags): string {
  const words = [commandName(), "mutants", id, "--seed", String(flags.seed)];
  if (flags.format !== undefined) words.push("--format", flags.format);
  if (flags.mode !== "weak") words.push("--mode", flags.mode);
  if (flags.threads) words.push("--threads", "--time", `${flags.time}ms`, "--devices", String(flags.devices));
  return words.join(" ");
}
