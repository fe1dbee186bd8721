import { cpus } from "node:os";
import type { DeviceResult } from "../../device/index.ts";
import {
  decideVerdict,
  forbiddenSamples,
  hasViolation,
  isBaseline,
  RUN_RESULT_SCHEMA_ID,
  type RunResult,
  type StrategyResult,
} from "../../report/index.ts";
import type { Strategy } from "../../vmm/index.ts";
import { prove } from "../check/prove.ts";
import { StressMachine } from "./machine.ts";
import { meteringPass } from "./metering-pass.ts";
import type { StressOptions } from "./options.ts";
import { PageSet } from "./page-set.ts";
import { requireFewEnough } from "./refusal.ts";
import { threadedPasses, totalAccesses } from "./threaded-passes.ts";
import { outcomeRows, violations } from "./violations.ts";

/**
 * Runs a sequence of memory maps under each strategy, on a kernel of its own: once metered without devices, then under
 * device threads for its share of the time. An interrupted run gives what was seen so far.
 *
 * Errors: StressError when the kernel refuses a map; EngineBug, KernelBug, DeviceThreadError when the tool failed.
 */
export async function runStress(options: StressOptions): Promise<RunResult> {
  requireFewEnough(options.sequence, options.strategies);
  const strategies: StrategyResult[] = [];
  for (const [index, strategy] of options.strategies.entries()) {
    if (options.signal?.aborted) break;
    const result = await runStrategy(options, strategy, index);
    if (result !== null) strategies.push(result);
  }
  const isComplete = strategies.length === options.strategies.length;
  const verdict = decideVerdict(strategies);
  return {
    schema: RUN_RESULT_SCHEMA_ID,
    command: "stress",
    verdict: verdict === "clean" && !isComplete ? "inconclusive" : verdict,
    seed: options.seed,
    format: options.format,
    backing: options.backing,
    input: options.input,
    maps: options.sequence.steps.length,
    devices: options.devices,
    inject: options.mutant?.id ?? null,
    partial: options.signal?.aborted === true,
    host: { node: process.version, cpus: cpus().length },
    strategies,
    violations: strategies
      .filter((s) => !s.baseline && hasViolation(s))
      .flatMap((s) => s.violations.map((violation) => ({ ...violation, strategy: s.name }))),
  };
}

async function runStrategy(
  options: StressOptions,
  strategy: Strategy,
  index: number,
): Promise<StrategyResult | null> {
  const { name } = strategy;
  const count = options.strategies.length;
  const budgetMs = options.timeMs / count;
  const progress = (passes: number, devices: readonly DeviceResult[], elapsedMs: number): void =>
    options.onProgress?.({
      strategy: name,
      share: (index + Math.min(1, elapsedMs / budgetMs)) / count,
      passes,
      accesses: totalAccesses(devices),
      forbidden: forbiddenSamples({ outcomes: outcomeRows(devices) }),
    });
  progress(0, [], 0);
  const machine = new StressMachine(options, strategy);
  const counts = await meteringPass(machine, options);
  if (counts === null) return null;
  const foretold = new PageSet();
  const add = foretold.add.bind(foretold);
  const proved = options.prove ? await prove(options, strategy, options.signal, add) : undefined;
  const run = await threadedPasses(machine, options, budgetMs, progress);
  const outcomes = outcomeRows(run.devices);
  const { firstLostPage: _, ...metered } = counts;
  return {
    name,
    baseline: isBaseline(
      name,
      options.strategies.map((s) => s.name),
    ),
    passes: run.passes,
    ...metered,
    accesses: totalAccesses(run.devices),
    elapsedMs: run.elapsedMs,
    outcomes,
    violations: violations(
      outcomes,
      run.devices,
      counts,
      {
        replay: options.replay(name),
        maps: options.sequence.steps.length,
        decide: (seen) => options.decide?.({ ...seen, strategy: name }),
        isPredicted: proved ? (page) => foretold.missing(page, page + 1).length === 0 : null,
      },
      strategy.isEpoch ?? false,
    ),
    ...(proved !== undefined && { proved }),
  };
}
