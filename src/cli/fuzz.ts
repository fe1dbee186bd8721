import { type Command, Option } from "commander";
import pc from "picocolors";
import { MUTANTS } from "../check/mutants/index.ts";
import { CAPABILITIES } from "../edit-script/index.ts";
import {
  FUZZ_BATCH,
  type FuzzOptions,
  type FuzzToken,
  foundReport,
  fuzzReport,
  replayFuzzCase,
  runFuzz,
} from "../harness/index.ts";
import {
  EXIT_OF_VERDICT,
  fuzzFindingText,
  fuzzToJson,
  fuzzToTerminal,
  groupDigits,
  PLAIN,
  plural,
} from "../report/index.ts";
import { terminalWidth, wrapped } from "./check-output.ts";
import { commandName } from "./command-name.ts";
import { openJsonTarget } from "./json-target.ts";
import { onRunningKernel, parseMutant } from "./mutant-option.ts";
import { formatDuration, parseCount, parseDuration, parseName, parseSeed } from "./option-values.ts";
import { progressView } from "./progress.ts";
import { EXIT, UsageError } from "./usage-error.ts";

const MOST_RUNS = 1_000_000_000;
const DEFAULT_TIME_MS = 60_000;

interface FuzzFlags {
  time?: number;
  seed: number;
  skip: number;
  runs?: number;
  format?: string;
  inject?: string;
  shrink: number;
  json?: string;
  quiet?: true;
}

const HELP = `
Each call is decided (every interleaving, weak memory order) and leaves tables,
pins and charges that are compared with the maps. Some calls are made to fail
first (for lack of anything, for overlaps, ranges that cut extents, limits), and
must change nothing; what they had done before they failed is decided as well.

Same seed, same cases: ${FUZZ_BATCH} a seed, then those of the next one. \`Go on with:\`
tells the first seed that has some left, and as --skip how many of it are done.

Exit codes: 0 clean, also when its time is over, 1 violation, 2 wrong usage,
4 interrupted before time or cases were over, or not one case was run.`;

/**
 * Adds `hitless fuzz`: draws sequences of map changes until time is over or one goes wrong.
 *
 * Exit codes: 0 clean, 1 violation, 2 wrong usage, 4 interrupted, or nothing was run.
 */
export function registerFuzz(program: Command): void {
  program
    .command("fuzz")
    .description("draw map sequences, decide every call and compare its end state with the model")
    .addOption(
      new Option("--time <duration>", "ends after this time (default: 60s; with --runs none)").argParser(
        parseDuration,
      ),
    )
    .option("--seed <n>", "seed of the first batch of cases", parseSeed, 1)
    .option("--skip <n>", "leave out so many cases of that batch", parseCount(0, FUZZ_BATCH - 1), 0)
    .option("--runs <n>", "ends after so many cases", parseCount(1, MOST_RUNS))
    .addOption(
      new Option("--format <name>", "one IOMMU profile (default: any)").argParser(
        parseName("format", [...CAPABILITIES.keys()]),
      ),
    )
    .addOption(
      new Option("--inject <id>", "fuzz a known-broken kernel").argParser(parseMutant(onRunningKernel)),
    )
    .addOption(
      new Option("--shrink <duration>", "look so long for a smaller case once one has failed")
        .argParser(parseDuration)
        .default(20_000, "20s"),
    )
    .option("--json <file>", "write the result as JSON; - is standard output")
    .option("--quiet", "findings and verdict only")
    .addHelpText("after", HELP)
    .action(fuzz);
}

const mutantOf = (id: string | undefined | null): FuzzOptions["mutant"] =>
  id === undefined || id === null ? null : MUTANTS.get(id)!;

async function fuzz(flags: FuzzFlags): Promise<void> {
  const stdout = (text: string): void => void process.stdout.write(text);
  const json = openJsonTarget(flags.json, stdout);
  const show = json?.isStdout ? () => {} : stdout;
  const timeMs = flags.time ?? (flags.runs === undefined ? DEFAULT_TIME_MS : Number.MAX_SAFE_INTEGER);
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  const progress = progressView(process.stderr, flags.quiet !== true);
  const options: FuzzOptions = {
    seed: flags.seed,
    skip: flags.skip,
    runs: flags.runs ?? null,
    timeMs,
    shrinkMs: flags.shrink,
    format: flags.format ?? null,
    mutant: mutantOf(flags.inject),
    signal: interrupt.signal,
    onProgress: ({ share, totals }) =>
      progress.update(
        share,
        `${groupDigits(totals.runs)} cases, ${groupDigits(totals.ioctls)} calls, ${groupDigits(totals.stores)} stores`,
      ),
  };
  const limit = [
    ...(flags.runs === undefined ? [] : [`${groupDigits(flags.runs)} cases`]),
    ...(timeMs === Number.MAX_SAFE_INTEGER ? [] : [formatDuration(timeMs)]),
  ];
  const heading =
    `hitless fuzz: seed ${flags.seed}${flags.skip === 0 ? "" : ` without its first ${plural(flags.skip, "case")}`}, ${flags.format ?? "any format"}, ${limit.join(" or ")}` +
    `${flags.inject === undefined ? "" : `, fault ${flags.inject} injected`}`;
  show(`${wrapped(heading)}\n`);
  try {
    const result = fuzzReport(options, await runFuzz(options), commandName());
    progress.stop();
    json?.write(fuzzToJson(result));
    const paint = pc.isColorSupported && process.stdout.isTTY ? pc.createColors(true) : PLAIN;
    show(fuzzToTerminal(result, { paint, width: terminalWidth(), quiet: flags.quiet === true }));
    process.exitCode = EXIT_OF_VERDICT[result.verdict];
  } finally {
    progress.stop();
    process.removeListener("SIGINT", onInterrupt);
  }
}

/** Runs one fuzz case again and returns the exit code. Errors: UsageError. */
export function replayFuzz(token: FuzzToken): number {
  const { format, inject, seed, path } = token;
  if (format !== "" && !CAPABILITIES.has(format))
    throw new UsageError(`the replay token names the format '${format}', which is not known here`);
  if (inject !== null && !MUTANTS.has(inject))
    throw new UsageError(`the replay token names the mutant '${inject}', which is not known here`);
  const options = { format: format === "" ? null : format, mutant: mutantOf(inject) };
  const found = replayFuzzCase(options, seed, path);
  if (found === null) {
    process.stdout.write(`case ${path} of seed ${seed} shows nothing wrong\n`);
    return EXIT.clean;
  }
  const lines = fuzzFindingText(foundReport(options, found, commandName()), terminalWidth());
  process.stdout.write(`${lines.join("\n")}\n`);
  return EXIT.violation;
}
