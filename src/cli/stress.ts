import { cpus } from "node:os";
import { type Command, Option } from "commander";
import pc from "picocolors";
import { MUTANTS } from "../check/mutants/index.ts";
import { CAPABILITIES } from "../edit-script/index.ts";
import {
  encodeToken,
  runStress,
  type StressOptions,
  type StressProgress,
  sequenceHash,
} from "../harness/index.ts";
import { EXIT_OF_VERDICT, groupDigits, PLAIN, runHeading, toJson, toTerminal } from "../report/index.ts";
import { BACKING_KINDS, type BackingKind, STRATEGIES } from "../vmm/index.ts";
import { terminalWidth, wrapped } from "./check-output.ts";
import { commandName } from "./command-name.ts";
import { importNotes } from "./import-notes.ts";
import {
  addInputs,
  DEFAULT_BACKING,
  DEFAULT_FORMAT,
  DEFAULT_SCENARIO,
  inputText,
  loadInputs,
  strategiesOf,
} from "./inputs.ts";
import { openJsonTarget } from "./json-target.ts";
import { idsOf, parseMutant, seenByThreads } from "./mutant-option.ts";
import { formatDuration, parseCount, parseDuration, parseName, parseSeed } from "./option-values.ts";
import { progressView } from "./progress.ts";
import { shellWord } from "./shell-word.ts";

const MOST_DEVICES = 16;

const HELP = `
Examples:
  hitless stress            the map change of 2020, legacy beside set-map
  hitless stress captures/ --time 5m --json r.json
                            a folder of \`info mtree -f\` snapshots
  hitless stress split-rejoin --inject M01
                            a known-broken kernel must be caught`;

interface StressFlags {
  strategy?: string[];
  format?: string;
  seed: number;
  time: number;
  devices: number;
  backing?: BackingKind;
  inject?: string;
  addressSpace?: string;
  perturb: boolean;
  json?: string;
  quiet?: true;
}

/**
 * Adds `hitless stress [INPUT…]`: device threads hammer the tables while the map changes, and a table says what they saw.
 *
 * Exit codes: 0 clean, 1 violation, 2 wrong usage or input, 4 stopped before every strategy was seen through one pass.
 */
export function registerStress(program: Command): void {
  const formats = [...CAPABILITIES.keys()];
  const command = program
    .command("stress")
    .description("change maps under live devices and show what the devices saw");
  addInputs(command)
    .addOption(
      new Option(
        "--format <name>",
        "IOMMU profile: vtd-ss-39, -48, -57 (3, 4, 5 levels); …-cm caching mode, …-nc walkers that do not snoop, …-ad walkers that set A and D, several in this order " +
          `(default: ${DEFAULT_FORMAT}; with --inject the one the fault needs)`,
      ).argParser(parseName("format", formats)),
    )
    .option("--seed <n>", "seed of every random choice", parseSeed, 1)
    .addOption(
      new Option("--time <duration>", "time for all strategies together; each runs one whole pass at least")
        .argParser(parseDuration)
        .default(10_000, "10s"),
    )
    .option("--devices <n>", "device threads", parseCount(1, MOST_DEVICES), 2)
    .addOption(
      new Option(
        "--backing <kind>",
        `what guest RAM is made of: ${BACKING_KINDS.join(", ")} (default: ${DEFAULT_BACKING}; a scenario has its own)`,
      ).argParser(parseName("backing", BACKING_KINDS)),
    )
    .addOption(
      new Option("--inject <id>", `run a known-broken kernel: ${idsOf(seenByThreads).join(", ")}`).argParser(
        parseMutant(seenByThreads),
      ),
    )
    .option("--no-perturb", "no seeded pauses in kernel and devices")
    .option("--json <file>", "write the result as JSON; - is standard output")
    .option("--quiet", "findings and verdict only")
    .addHelpText("after", HELP)
    .action(stress);
}

async function stress(inputs: string[], flags: StressFlags): Promise<void> {
  const stdout = (text: string): void => void process.stdout.write(text);
  const mutant = flags.inject === undefined ? null : MUTANTS.get(flags.inject)!;
  const chosen = inputs.length > 0 ? inputs : [mutant?.scenario ?? DEFAULT_SCENARIO];
  const { sequence, scenario } = loadInputs(chosen, flags.addressSpace);
  const json = openJsonTarget(flags.json, stdout);
  const show = json?.isStdout ? () => {} : stdout;
  const names = strategiesOf(flags.strategy, mutant);
  const format = flags.format ?? mutant?.format ?? DEFAULT_FORMAT;
  const backing = flags.backing ?? scenario?.backing ?? DEFAULT_BACKING;
  const token = {
    ...{ format, backing, seed: flags.seed, mode: "weak", inject: mutant?.id ?? null },
    addressSpace: flags.addressSpace ?? null,
    hash: sequenceHash(sequence),
  };
  const options: StressOptions = {
    sequence,
    input: inputText(chosen, flags.addressSpace),
    strategies: names.map((name) => STRATEGIES.get(name)!),
    format,
    seed: flags.seed,
    timeMs: flags.time,
    devices: flags.devices,
    backing,
    perturb: flags.perturb,
    mutant,
    prove: true,
    replay: (strategy) => replayLine(chosen, strategy, flags),
    decide: (seen) =>
      `${commandName()} replay ${encodeToken({ command: "stress", inputs: chosen, ...token, ...seen })}`,
  };
  const host = { node: process.version, cpus: cpus().length };
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  show(wrapped(runHeading({ ...options, maps: sequence.steps.length, inject: mutant?.id ?? null, host })));
  if (mutant !== null)
    show(wrapped(`${mutant.id}: a kernel that ${mutant.title}; expected ${mutant.expected}`));
  if (!flags.quiet) for (const note of importNotes(sequence)) show(wrapped(note));

  const progress = progressView(process.stderr, flags.quiet !== true);
  try {
    const onProgress = (p: StressProgress): void =>
      progress.update(
        p.share,
        `${p.strategy}: pass ${p.passes + 1}, ${groupDigits(p.accesses)} accesses, ${groupDigits(p.forbidden)} forbidden`,
      );
    const result = await runStress({ ...options, signal: interrupt.signal, onProgress });
    progress.stop();
    json?.write(toJson(result));
    const paint = pc.isColorSupported && process.stdout.isTTY ? pc.createColors(true) : PLAIN;
    show(`\n${toTerminal(result, { paint, width: terminalWidth(), quiet: flags.quiet === true })}`);
    process.exitCode = EXIT_OF_VERDICT[result.verdict];
  } finally {
    progress.stop();
    process.removeListener("SIGINT", onInterrupt);
  }
}

/** The command line that runs one strategy of a case again; options at their default are left out. */
function replayLine(inputs: readonly string[], strategy: string, flags: StressFlags): string {
  const words = [
    commandName(),
    "stress",
    ...inputs.map(shellWord),
    "--strategy",
    strategy,
    "--seed",
    String(flags.seed),
  ];
  const add = (option: string, value: string, standard: string): void => {
    if (value !== standard) words.push(option, value);
  };
  if (flags.addressSpace !== undefined) words.push("--address-space", shellWord(flags.addressSpace));
  if (flags.format !== undefined) words.push("--format", flags.format);
  add("--time", formatDuration(flags.time), "10s");
  add("--devices", String(flags.devices), "2");
  if (flags.backing !== undefined) words.push("--backing", flags.backing);
  if (flags.inject !== undefined) words.push("--inject", flags.inject);
  if (!flags.perturb) words.push("--no-perturb");
  return words.join(" ");
}
