import { setImmediate } from "node:timers/promises";
import type { Proved } from "../../report/index.ts";
import type { Strategy } from "../../vmm/index.ts";
import { decideChanges } from "./decide-changes.ts";
import type { CheckCase } from "./options.ts";

/** Threads run on one host, where stores become visible in order; what shows only otherwise is proved as well. */
const MODE = "weak";

/**
 * Decides every change of a sequence, the way back to the first map included, as the proof beside what threads observe:
 * threads go round and round, so a strategy that makes other calls the second time is followed until it repeats itself.
 * Returns null when interrupted. `onPages` is told of all pages [start, end) on which some interleaving breaks a rule.
 *
 * Errors: StressError when the kernel refuses a map.
 */
export async function prove(
  how: CheckCase,
  strategy: Strategy,
  signal: AbortSignal | undefined,
  onPages: (start: number, end: number) => void = () => {},
): Promise<Proved | null> {
  const started = performance.now();
  const classes = new Map<string, { pages: number; changes: number }>();
  let passes = 1;
  const sums = { changes: 0, classes: 0, pages: 0, schedules: 0 };
  for (const change of decideChanges(how, strategy, [MODE], {
    ...{ cyclic: true, untilSettled: true, causes: false },
  })) {
    const result = change.results[0]!;
    passes = change.pass;
    sums.changes++;
    sums.classes += result.classes;
    sums.pages += result.pages;
    sums.schedules += result.schedules;
    for (const { ranges } of change.findings) for (const { start, end } of ranges) onPages(start, end);
    for (const name of new Set(change.findings.map((f) => f.class))) {
      const found = classes.get(name) ?? { pages: 0, changes: 0 };
      const ofClass = change.findings.filter((f) => f.class === name);
      found.pages += ofClass.reduce((n, f) => n + f.pages, 0);
      found.changes++;
      classes.set(name, found);
    }
    await setImmediate();
    if (signal?.aborted) return null;
  }
  return {
    mode: MODE,
    ...sums,
    passes,
    violations: [...classes].sort().map(([name, found]) => ({ class: name, ...found })),
    elapsedMs: performance.now() - started,
  };
}
