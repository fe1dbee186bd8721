import { type Command, Option } from "commander";
import { mutantNamed } from "../check/mutants/index.ts";
import { CAPABILITIES } from "../edit-script/index.ts";
import { type CheckRunOptions, encodeToken, runCheck, sequenceHash } from "../harness/index.ts";
import { checkHeading, EXIT_OF_VERDICT } from "../report/index.ts";
import { BACKING_KINDS, type BackingKind, STRATEGIES } from "../vmm/index.ts";
import { MODE_NAMES, modesOf, openOutput, wrapped } from "./check-output.ts";
import { CounterexampleFolder } from "./check-save.ts";
import { checkScript } from "./check-script.ts";
import { printShrunk } from "./check-shrink.ts";
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
import { decidable, idsOf, parseMutant } from "./mutant-option.ts";
import { parseDuration, parseName, parseSeed } from "./option-values.ts";
import { progressView } from "./progress.ts";
import { UsageError } from "./usage-error.ts";

const HELP = `
Examples:
  hitless check                   the map change of 2020, legacy beside set-map
  hitless check captures/ --strategy set-map
                                  every map change of a folder of
                                  \`info mtree -f\` snapshots
  hitless check old.map new.map   one change, from one map file to another
  hitless check --inject M01 --save found/
                                  a known-broken kernel must be caught; keep
                                  the counterexamples
  hitless check --script recorded.txt
                                  judge an edit script recorded from another
                                  driver`;

export interface CheckFlags {
  strategy?: string[];
  format?: string;
  mode: string;
  seed: number;
  backing?: BackingKind;
  inject?: string;
  addressSpace?: string;
  script?: string;
  shrink?: number;
  save?: string;
  as: string;
  json?: string;
  quiet?: true;
}

/**
 * Adds `hitless check [INPUT…]`: decides every interleaving of each map change with any device access.
 *
 * Exit codes: 0 clean, 1 violation, 2 wrong usage or input, 4 stopped before every change was decided.
 */
export function registerCheck(program: Command): void {
  const command = program
    .command("check")
    .description(
      "decide every interleaving of each map change with any device access; no threads. A scenario is a circle: the way back to its " +
        "first map is decided too",
    );
  addInputs(command)
    .addOption(
      new Option(
        "--format <name>",
        `IOMMU profile: vtd-ss-39, -48, -57; …-cm caching mode; …-nc walkers that do not snoop; …-ad walkers that set A and D; several in this order (default: ${DEFAULT_FORMAT})`,
      ).argParser(parseName("format", [...CAPABILITIES.keys()])),
    )
    .addOption(
      new Option(
        "--mode <order>",
        "memory order of the CPU that stores: strong, weak (contains strong) or both",
      )
        .argParser(parseName("memory order", MODE_NAMES))
        .default("weak"),
    )
    .option("--seed <n>", "places the frames of scattered memory", parseSeed, 1)
    .addOption(
      new Option(
        "--backing <kind>",
        `what guest RAM is made of: ${BACKING_KINDS.join(", ")} (default: ${DEFAULT_BACKING}; a scenario has its own)`,
      ).argParser(parseName("backing", BACKING_KINDS)),
    )
    .addOption(
      new Option("--inject <id>", `decide a known-broken kernel: ${idsOf(decidable).join(", ")}`).argParser(
        parseMutant(decidable),
      ),
    )
    .option("--script <file>", "judge an edit script in its text form instead of maps")
    .addOption(
      new Option("--shrink <duration>", "look so long for a smaller case of each class found").argParser(
        parseDuration,
      ),
    )
    .option(
      "--save <folder>",
      "write the first counterexample of each class; `hitless replay FILE` reads them",
    )
    .addOption(
      new Option("--as <form>", "what goes to standard output: text or json")
        .argParser(parseName("form", ["text", "json"]))
        .default("text"),
    )
    .option("--json <file>", "write the result as JSON; - is standard output")
    .option("--quiet", "findings and verdict only")
    .addHelpText("after", HELP)
    .action(check);
}

async function check(inputs: string[], flags: CheckFlags): Promise<void> {
  if (flags.script !== undefined) {
    const others = [flags.inject, flags.strategy, flags.addressSpace, flags.format, flags.backing];
    if (inputs.length > 0 || others.some((flag) => flag !== undefined))
      throw new UsageError(
        "option '--script': a script stands for itself: no INPUT, --strategy, --inject, --address-space, --format or --backing",
      );
    process.exitCode = checkScript(flags.script, flags);
    return;
  }
  const mutant = flags.inject === undefined ? null : mutantNamed(flags.inject)!;
  const chosen = inputs.length > 0 ? inputs : [mutant?.scenario ?? DEFAULT_SCENARIO];
  const { sequence, scenario } = loadInputs(chosen, flags.addressSpace);
  const output = openOutput(flags);
  const folder = flags.save === undefined ? null : new CounterexampleFolder(flags.save);
  const names = strategiesOf(flags.strategy, mutant);
  const modes = modesOf(flags.mode);
  const how = {
    sequence,
    format: flags.format ?? mutant?.format ?? DEFAULT_FORMAT,
    seed: flags.seed,
    backing: flags.backing ?? scenario?.backing ?? DEFAULT_BACKING,
    // From the last map of a scenario the first one follows again.
    cyclic: scenario !== null,
    mutant,
  };
  const hash = sequenceHash(sequence);
  const { format, seed, backing } = how;
  const inject = mutant?.id ?? null;
  const options: CheckRunOptions = {
    ...how,
    input: inputText(chosen, flags.addressSpace),
    strategies: names.map((name) => STRATEGIES.get(name)!),
    modes,
    replay: (found) =>
      `${commandName()} replay ${encodeToken({
        command: "check",
        inputs: chosen,
        addressSpace: flags.addressSpace ?? null,
        ...{ hash, format, seed, backing, inject, mode: flags.mode },
        ...found,
      })}`,
  };
  const heading = { ...options, backing, maps: sequence.steps.length, modes: [...modes], inject };
  output.show(wrapped(checkHeading(heading)));
  if (mutant !== null)
    output.show(wrapped(`${mutant.id}: a kernel that ${mutant.title}; expected ${mutant.expected}`));
  if (!flags.quiet) for (const note of importNotes(sequence)) output.show(wrapped(note));
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  const progress = progressView(process.stderr, flags.quiet !== true);
  try {
    const result = await runCheck(
      {
        ...options,
        signal: interrupt.signal,
        onProgress: (p) =>
          progress.update(p.share, `${p.strategy}: ${p.changes} changes decided, ${p.violations} violations`),
      },
      (strategy, change) => folder?.save(how, modes, strategy, change),
    );
    progress.stop();
    output.finish(result);
    folder?.make();
    if (flags.shrink !== undefined)
      for (const s of result.strategies) output.show(printShrunk(how, s, modes, flags.shrink, folder));
    for (const file of folder?.files ?? []) output.show(`Saved: ${file}\n`);
    process.exitCode = EXIT_OF_VERDICT[result.verdict];
  } finally {
    progress.stop();
    process.removeListener("SIGINT", onInterrupt);
  }
}
