import type { StrategyResult, Verdict } from "./run-result.ts";

/** The strategy others are compared with: what user space does today. */
export const BASELINE = "legacy";

/** True iff this strategy is only the yardstick of the run: there are others beside it. */
export const isBaseline = (name: string, names: readonly string[]): boolean =>
  name === BASELINE && names.some((other) => other !== BASELINE);

type Decisive = Pick<
  StrategyResult,
  "baseline" | "passes" | "accesses" | "keptBytesLost" | "outcomes" | "violations"
>;

/** True iff devices saw something forbidden or kept memory lost its translation. */
export const hasViolation = (s: Decisive): boolean =>
  s.violations.length > 0 || s.keptBytesLost > 0 || forbiddenSamples(s) > 0;

/** Accesses with a forbidden outcome. */
export const forbiddenSamples = (s: Pick<StrategyResult, "outcomes">): number =>
  s.outcomes.reduce((sum, o) => sum + (o.grade === "FORBIDDEN" ? o.samples : 0), 0);

/**
 * The verdict of a run: `violation` if a strategy that is not the baseline shows one; else `inconclusive` unless devices
 * saw every strategy through at least one whole pass.
 */
export function decideVerdict(strategies: readonly Decisive[]): Verdict {
  if (strategies.some((s) => !s.baseline && hasViolation(s))) return "violation";
  const seen = strategies.length > 0 && strategies.every((s) => s.passes > 0 && s.accesses > 0);
  return seen ? "clean" : "inconclusive";
}

/** Exit code of a verdict. */
export const EXIT_OF_VERDICT: Readonly<Record<Verdict, number>> = { clean: 0, violation: 1, inconclusive: 4 };
