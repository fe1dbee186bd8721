import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import {
  type BackingKind,
  loadPaths,
  type MapSequence,
  SCENARIOS,
  type Scenario,
  STRATEGIES,
} from "../vmm/index.ts";
import { closestName } from "./closest-name.ts";
import { parseNames } from "./option-values.ts";
import { UsageError } from "./usage-error.ts";

/** What commands that take inputs work on, and how, where they are told nothing else. */
export const DEFAULT_SCENARIO = "pam-2020";
export const DEFAULT_FORMAT = "vtd-ss-48";
export const DEFAULT_BACKING: BackingKind = "thp";
const DEFAULT_STRATEGIES: readonly string[] = ["legacy", "set-map"];

/** What a command works on, and the scenario it is when it is a single built-in one. */
export interface LoadedInput {
  readonly sequence: MapSequence;
  readonly scenario: Scenario | null;
}

/** What the importer of `info mtree -f` says of where a sequence comes from. */
const DUMP = /\binfo mtree -f, address space /;

/** Adds `[INPUT…]`, and what is said of inputs: `--address-space NAME` and `--strategy NAMES`. */
export function addInputs(command: Command): Command {
  const strategies = [...STRATEGIES.keys()];
  return command
    .argument(
      "[input...]",
      `scenario, file or folder; several are one sequence, in this order (default: ${DEFAULT_SCENARIO}).\n` +
        "Of a folder sequence.tsv says which files and in which order; without one all *.txt and *.txt.gz count, s2 before s10.\n" +
        `Scenarios: ${[...SCENARIOS.keys()].join(", ")}`,
    )
    .addOption(
      new Option(
        "--address-space <name>",
        "which address space of an `info mtree -f` dump, by its name or its root's (default: memory, or the only one)",
      ),
    )
    .addOption(
      new Option(
        "--strategy <names>",
        `ways to apply a map change, of ${strategies.join(", ")} (epoch has devices without ATC; ` +
          `default: ${DEFAULT_STRATEGIES.join(",")}; with --inject the one the fault is in)`,
      ).argParser(parseNames("strategy", strategies)),
    );
}

/** What `--strategy` named, or what stands without it. */
export const strategiesOf = (
  named: readonly string[] | undefined,
  mutant: { readonly strategy?: string | undefined } | null,
): readonly string[] => named ?? (mutant === null ? DEFAULT_STRATEGIES : [mutant.strategy ?? "set-map"]);

/** What to say of an input that is nothing at all: most are names of scenarios with a letter wrong. */
function unknownInput(input: string): UsageError {
  const meant = closestName(input, SCENARIOS.keys());
  return new UsageError(
    `${input}: neither a file or folder nor a scenario${meant === null ? "" : `; did you mean ${meant}?`}\n` +
      `Scenarios: ${[...SCENARIOS.keys()].join(", ")}`,
  );
}

/** Inputs in words, as headings and results name them. */
export const inputText = (inputs: readonly string[], addressSpace: string | undefined): string =>
  inputs.join(" ") + (addressSpace === undefined ? "" : `, address space '${addressSpace}'`);

/**
 * Reads inputs: each the name of a built-in scenario, or a file or folder. Several are one sequence, in the order given.
 * `addressSpace` chooses from dumps that hold several. Errors: InputError; UsageError where an input
 * is not there, or nothing has address spaces.
 */
export function loadInputs(inputs: readonly string[], addressSpace?: string): LoadedInput {
  const scenarios = inputs.map((input) => SCENARIOS.get(input) ?? null);
  const missing = inputs.find((input, i) => scenarios[i] === null && !existsSync(input));
  if (missing !== undefined) throw unknownInput(missing);
  const options = addressSpace === undefined ? {} : { addressSpace };
  const loaded = loadPaths(
    inputs.filter((_, i) => scenarios[i] === null),
    options,
  );
  const sequences = scenarios.map((scenario) => scenario?.sequence ?? loaded.shift()!);
  if (addressSpace !== undefined && !sequences.some(({ source }) => DUMP.test(source)))
    throw new UsageError(
      `option '--address-space ${addressSpace}': ${inputs.join(" ")} has no address spaces, only a dump of \`info mtree -f\` has`,
    );
  const [first, ...rest] = sequences;
  if (rest.length === 0) return { sequence: first!, scenario: scenarios[0]! };
  return {
    sequence: {
      name: sequences.map((s) => s.name).join("+"),
      source: sequences.map((s) => s.source).join(", "),
      steps: sequences.flatMap((s) => s.steps),
      notes: sequences.flatMap((s) => s.notes),
    },
    scenario: null,
  };
}
