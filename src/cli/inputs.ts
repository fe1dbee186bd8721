import { type Command, Option } from "commander";
import { loadInput, type MapSequence, SCENARIOS, type Scenario } from "../vmm/index.ts";
import { UsageError } from "./usage-error.ts";

/** What a command works on, and the scenario it is when it is a single built-in one. */
export interface LoadedInput {
  readonly sequence: MapSequence;
  readonly scenario: Scenario | null;
}

/** What the importer of `info mtree -f` says of where a sequence comes from. */
const DUMP = /\binfo mtree -f, address space /;

/** Adds `--address-space NAME` to a command that takes inputs. */
export const addAddressSpace = (command: Command): Command =>
  command.addOption(
    new Option(
      "--address-space <name>",
      "which address space of an `info mtree -f` dump, by its name or its root's (default: memory, or the only one)",
    ),
  );

/** Inputs in words, as headings and results name them. */
export const inputText = (inputs: readonly string[], addressSpace: string | undefined): string =>
  inputs.join(" ") + (addressSpace === undefined ? "" : `, address space '${addressSpace}'`);

/**
 * Reads inputs: each the name of a built-in scenario, or a file or folder. Several are one sequence, in the order given.
 * `addressSpace` chooses from dumps that hold several. Errors: InputError; UsageError where nothing has address spaces.
 */
export function loadInputs(inputs: readonly string[], addressSpace?: string): LoadedInput {
  const scenarios = inputs.map((input) => SCENARIOS.get(input) ?? null);
  const options = addressSpace === undefined ? {} : { addressSpace };
  const sequences = inputs.map((input, i) => scenarios[i]?.sequence ?? loadInput(input, options));
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
