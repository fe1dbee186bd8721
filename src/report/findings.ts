import { formatBytes, groupDigits, plural } from "./figures.ts";
import type { RunResult, StrategyResult } from "./run-result.ts";
import { forbiddenSamples, hasViolation } from "./verdict.ts";

/** Classes that mean: a device faulted, or lost rights, on memory that both maps give it. */
const KEPT_FAULT = "V01";

/** Accesses that failed on memory which the map before and the map after agree on. */
export const keptFaults = (s: Pick<StrategyResult, "outcomes">): number =>
  s.outcomes.reduce((sum, o) => sum + (o.class === KEPT_FAULT ? o.samples : 0), 0);

/** Other forbidden outcomes by class, e.g. "V04 in 12 accesses, V06 in 1 access"; "" when there are none. */
function otherClasses(s: StrategyResult): string {
  const samples = new Map<string, number>();
  for (const o of s.outcomes)
    if (o.grade === "FORBIDDEN" && o.samples > 0 && o.class !== KEPT_FAULT)
      samples.set(o.class ?? o.id, (samples.get(o.class ?? o.id) ?? 0) + o.samples);
  return [...samples].map(([id, n]) => `${id} in ${plural(n, "access", "accesses")}`).join(", ");
}

const lost = (s: StrategyResult): string =>
  s.keptBytesLost === 0
    ? "0 bytes lost their translation"
    : `${formatBytes(s.keptBytesLost)} of it (${groupDigits(s.keptBytesLost)} bytes, summed over ` +
      `${plural(s.changes, "map change")}) lost its translation on the way`;

/** What one strategy showed, in one or two sentences. */
export function strategyFinding(s: StrategyResult): string {
  const faults = keptFaults(s);
  const others = otherClasses(s);
  const sentences: string[] = [];
  if (s.accesses === 0) sentences.push("the run ended before a device made an access.");
  else if (!hasViolation(s))
    sentences.push(
      `0 faults on RAM that both maps contain, ${lost(s)}, nothing forbidden in ${plural(s.accesses, "access", "accesses")}.`,
    );
  else {
    if (faults > 0)
      sentences.push(
        `devices faulted ${plural(faults, "time")} on RAM that both maps contain, the one before the change and the one after it.`,
      );
    else if (s.keptBytesLost > 0)
      sentences.push("RAM that both maps contain was not translated for a moment.");
    if (s.keptBytesLost > 0) sentences.push(`${lost(s)}.`);
    if (others !== "") sentences.push(`${faults > 0 ? "They also saw" : "Devices saw"} ${others}.`);
    if (sentences.length === 0)
      sentences.push(`${plural(forbiddenSamples(s), "forbidden access", "forbidden accesses")}.`);
  }
  if (s.passes === 0) sentences.push("Devices did not see one whole pass.");
  return sentences.join(" ");
}

/** The verdict of the run in one sentence. */
export function verdictSentence(result: RunResult): string {
  const deciding = result.strategies.filter((s) => !s.baseline).map((s) => s.name);
  const baseline = result.strategies.find((s) => s.baseline);
  const beside = baseline === undefined ? "" : ` (${baseline.name} is the baseline and does not count)`;
  switch (result.verdict) {
    case "clean":
      return `clean: ${deciding.join(", ")} disturbed no device${beside}`;
    case "violation":
      return `violation: ${[...new Set(result.violations.map((v) => `${v.class} in ${v.strategy}`))].join(", ")}${beside}`;
    case "inconclusive":
      return `inconclusive: the run was stopped before every strategy was seen through one whole pass`;
  }
}

/** Why the finding matters to whoever reads it for the first time. */
export function whyItMatters(result: RunResult): string | null {
  if (result.strategies.every((s) => !hasViolation(s))) return null;
  return (
    "A CPU can be paused while its memory map changes, a device cannot: its DMA goes on, and one fault may stop it " +
    "for good. Memory that a map change does not concern must stay reachable throughout."
  );
}

/** Commands worth running next, with what each is good for. */
export function nextSteps(result: RunResult): { command: string; why: string }[] {
  const steps: { command: string; why: string }[] = [];
  for (const v of result.violations)
    if (!steps.some((s) => s.command === v.replay))
      steps.push({ command: v.replay, why: `runs the failing case again (${v.class} in ${v.strategy})` });
  for (const v of result.violations)
    if (v.decide !== undefined)
      steps.push({ command: v.decide, why: `shows an interleaving of ${v.class}, the same each time` });
  const baseline = result.strategies.find((s) => s.baseline && s.violations.length > 0);
  if (baseline !== undefined)
    steps.push({ command: baseline.violations[0]!.replay, why: `${baseline.name} alone: exits with 1` });
  return steps;
}
