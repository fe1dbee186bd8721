import type { CallMutant, CallRecord, Mutant, MutantContext } from "../../../src/check/mutants/index.ts";
import type { EditScript, Step } from "../../../src/edit-script/index.ts";
import { PlannedCalls } from "../../../src/harness/mutants/planned-calls.ts";
import { SCENARIOS } from "../../../src/vmm/index.ts";

/** A script of a mutant's scenario, as planned and as the mutant makes it. */
export interface Rewritten {
  readonly change: string;
  readonly planned: Step[];
  readonly broken: Step[];
  readonly isChanged: boolean;
  /** Tag of the domain before the script. */
  readonly domain: number;
  readonly context: MutantContext;
}

const machineOf = (
  { scenario: name, format, strategy = "set-map", reports = false, iommus: units = 1 }: Mutant | CallMutant,
  profile?: string,
): PlannedCalls => {
  const scenario = SCENARIOS.get(name)!;
  const { sequence, backing } = scenario;
  return new PlannedCalls({
    sequence,
    backing,
    format: profile ?? format ?? "vtd-ss-48",
    seed: 1,
    strategy,
    reports,
    units,
  });
};

/** Every script of the mutant's scenario; `visit` runs while the machine still is as it was before the script. */
export function rewriteScenario(
  mutant: Mutant,
  visit: (rewritten: Rewritten) => void = () => {},
  profile?: string,
): Rewritten[] {
  const all: Rewritten[] = [];
  machineOf(mutant, profile).cycle(({ from, to, call, before, context }) => {
    const planned = [...call.script];
    const script: EditScript = mutant.rewrite(call.script, context);
    const rewritten = {
      change: `${from} -> ${to}`,
      planned,
      broken: [...script],
      isChanged: script !== call.script,
      domain: before.domains[0]!.id,
      context,
    };
    visit(rewritten);
    all.push(rewritten);
  });
  return all;
}

/** The calls of a mutant's scenario, one by one. */
export function callsOf(mutant: CallMutant): { call: CallRecord; context: MutantContext }[] {
  const all: { call: CallRecord; context: MutantContext }[] = [];
  machineOf(mutant).cycle(({ call, context }) => all.push({ call, context }));
  return all;
}

const keyOf = (step: Step): string =>
  JSON.stringify(step, (_, value) => (typeof value === "bigint" ? `0x${value.toString(16)}` : value));

/** Steps that only one of two lists has, as ops in order: what a rewrite took away and what it put in. */
export function difference(
  planned: readonly Step[],
  broken: readonly Step[],
): { gone: string[]; come: string[] } {
  const count = new Map<string, number>();
  for (const step of planned) count.set(keyOf(step), (count.get(keyOf(step)) ?? 0) + 1);
  const come: string[] = [];
  for (const step of broken) {
    const left = count.get(keyOf(step)) ?? 0;
    if (left > 0) count.set(keyOf(step), left - 1);
    else come.push(step.op);
  }
  const gone: string[] = [];
  for (const step of planned) {
    const left = count.get(keyOf(step)) ?? 0;
    if (left === 0) continue;
    count.set(keyOf(step), left - 1);
    gone.push(step.op);
  }
  return { gone, come };
}
