import type { MemoryMode } from "../check/index.ts";
import { type CheckCase, printCounterexample, shrinkMaps } from "../harness/index.ts";
import { type CheckedStrategy, firstOfEachClass, plural } from "../report/index.ts";
import { type MapSequence, printMapFile, STRATEGIES } from "../vmm/index.ts";
import type { CounterexampleFolder } from "./check-save.ts";

const MOST_TRIALS = 5_000;

const regionsIn = (sequence: MapSequence): number =>
  sequence.steps.reduce((n, step) => n + step.map.regions.length, 0);

/** Looks for a smaller case of each class that a strategy showed, and prints it as a map file. */
export function printShrunk(
  how: CheckCase,
  s: CheckedStrategy,
  modes: readonly MemoryMode[],
  timeMs: number,
  folder: CounterexampleFolder | null,
): string {
  const strategy = STRATEGIES.get(s.name)!;
  let text = "";
  for (const f of firstOfEachClass(s.violations)) {
    const { step } = f.changes[0]!;
    const budget = { timeMs, trials: MOST_TRIALS };
    const mode = modes.includes(f.mode) ? f.mode : modes[0]!;
    const { sequence, trials } = shrinkMaps(how, strategy, mode, { step, class: f.class }, budget);
    text +=
      `\nSmaller case of ${f.class} in ${s.name}: ${plural(sequence.steps.length, "map")} with ` +
      `${plural(regionsIn(sequence), "region")} instead of ${plural(how.sequence.steps.length, "map")} with ` +
      `${plural(regionsIn(how.sequence), "region")}, after ${plural(trials, "trial")}\n${printMapFile(sequence)}`;
    const last = sequence.steps.length - 1;
    const finding = { ...f, changes: [{ step: last, label: sequence.steps[last]!.label }] };
    const example = { strategy: s.name, modes: [...modes], step: last, sequence, finding };
    folder?.replace(s.name, f.class, printCounterexample(how, example));
  }
  return text;
}
