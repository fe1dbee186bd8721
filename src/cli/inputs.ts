import { loadInput, type MapSequence, SCENARIOS, type Scenario } from "../vmm/index.ts";

/** What a command works on, and the scenario it is when it is a single built-in one. */
export interface LoadedInput {
  readonly sequence: MapSequence;
  readonly scenario: Scenario | null;
}

/**
 * Reads inputs: each the name of a built-in scenario, or a file or folder. Several are one sequence, in the order given.
 * Errors: InputError.
 */
export function loadInputs(inputs: readonly string[]): LoadedInput {
  const scenarios = inputs.map((input) => SCENARIOS.get(input) ?? null);
  const sequences = inputs.map((input, i) => scenarios[i]?.sequence ?? loadInput(input));
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
