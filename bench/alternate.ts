import type { Goal, Row } from "./row.ts";
import type { Yardstick } from "./yardstick.ts";

/** One figure after all rounds. Medians; a ratio is ours / best C of the same round. */
export interface MeasuredFigure {
  readonly group: string;
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  /** Median of the best C build, in the figure's unit (ns per operation), or null. */
  readonly c: number | null;
  readonly cBuild: string | null;
  /** Median over rounds of ours / best C. */
  readonly ratio: number | null;
  /** Smallest sample of ours / smallest sample of any C build. */
  readonly ratioOfMinima: number | null;
  readonly rounds: number;
  readonly goal: Goal;
  /** null: no ratio could be measured, or there is no goal. */
  readonly met: boolean | null;
}

/**
 * Measures a row: ours and each C build take one sample a round, in rotating order, so that slow drift of the machine
 * hits all alike.
 */
export async function measureRow(
  row: Row,
  builds: readonly Yardstick[],
  rounds: number,
): Promise<MeasuredFigure[]> {
  const sampler = await row.prepare();
  const command = row.yardstick;
  const sides: (() => readonly number[] | Promise<readonly number[]>)[] = [() => sampler.sample()];
  if (command !== null) for (const build of builds) sides.push(() => build.ask(command));
  const samples: (readonly number[])[][] = sides.map(() => []);
  try {
    if (row.rounds === undefined) for (const side of sides) await side();
    const taken = row.rounds ?? rounds;
    for (let round = 0; round < taken; round++)
      for (let i = 0; i < sides.length; i++) {
        const side = (round + i) % sides.length;
        samples[side]!.push(await sides[side]!());
      }
  } finally {
    await sampler.close?.();
  }
  return row.figures.map((figure, index) => {
    const ours = samples[0]!.map((s) => s[index]!);
    const answer = figure.yardstickAnswer;
    const c = answer === null ? [] : samples.slice(1).map((build) => build.map((sample) => sample[answer]!));
    const best = c.reduce((at, build, i) => (median(build) < median(c[at]!) ? i : at), 0);
    const bestC = c[best] ?? null;
    const ratio = bestC === null ? null : median(ours.map((value, round) => value / bestC[round]!));
    return {
      group: row.group,
      name: figure.name,
      unit: figure.unit,
      ours: median(ours),
      c: bestC === null ? null : median(bestC),
      cBuild: bestC === null ? null : builds[best]!.build,
      ratio,
      ratioOfMinima: bestC === null ? null : Math.min(...ours) / Math.min(...c.flat()),
      rounds: ours.length,
      goal: figure.goal,
      met: isMet(figure.goal, median(ours), ratio),
    };
  });
}

function isMet(goal: Goal, value: number, ratio: number | null): boolean | null {
  if (goal.kind === "none") return null;
  if (goal.kind === "ratio") return ratio === null ? null : ratio <= goal.atMost;
  return "atMost" in goal ? value <= goal.atMost : value >= goal.atLeast;
}

/** Middle value; the lower of the two middle ones when their number is even. Pre: not empty. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1]!;
}
