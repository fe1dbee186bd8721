import type { MemoryMode } from "../../check/index.ts";
import type { CallMutant, CallRecord } from "../../check/mutants/index.ts";
import { type MapSequence, SCENARIOS, type Strategy } from "../../vmm/index.ts";
import { concurrentCalls, decideCall } from "../mutants/decide-call.ts";
import { type PlannedCall, PlannedCalls } from "../mutants/planned-calls.ts";
import { StressError } from "../stress/options.ts";
import type { DecidedChange, DecidedSteps } from "./decide-changes.ts";
import type { CheckCase } from "./options.ts";
import { sequenceHash } from "./token.ts";
import { united } from "./united.ts";

/**
 * Decides the changes of a sequence as a kernel with a fault of whole calls makes them: each call is planned, broken and
 * judged, and then run as it was planned. `asGiven` is the sequence before a start was put in front of it.
 *
 * Errors: StressError for a strategy other than set-map, and for calls that are to run at once in any other sequence than
 * the one that says which.
 */
export function* decideBrokenCalls(
  how: CheckCase & { readonly mutant: CallMutant },
  strategy: Strategy,
  modes: readonly MemoryMode[],
  steps: DecidedSteps,
  asGiven: MapSequence,
): Generator<DecidedChange> {
  const { mutant, sequence } = how;
  if (strategy.name !== "set-map")
    throw new StressError(
      `${mutant.id} is a fault of one call that sets the whole map: decide it with set-map, not ${strategy.name}`,
    );
  const machine = (): PlannedCalls => new PlannedCalls(how);
  const offset = asGiven.steps.length - sequence.steps.length;
  const { calls } = mutant;
  if (calls !== undefined) {
    if (sequenceHash(asGiven) !== sequenceHash(SCENARIOS.get(mutant.scenario)!.sequence))
      throw new StressError(
        `${mutant.id} is a fault of two calls that run at once, and only its scenario says which: ` +
          `decide it with ${mutant.scenario}`,
      );
    if (steps.only !== undefined && steps.only !== calls.to[0]) return;
    let decided: DecidedChange | null = null;
    concurrentCalls(calls, machine, (planned, others) => {
      decided = decideOne(how, calls.to[0]!, planned, [planned.call, ...others], modes);
    });
    yield decided!;
    return;
  }
  const following = machine();
  following.go(0);
  const { length } = sequence.steps;
  const last = steps.cyclic && length > 1 ? length : length - 1;
  for (let next = 1; next <= last; next++) {
    const place = next % length;
    if (steps.only !== undefined && steps.only !== place + offset) {
      following.go(place);
      continue;
    }
    let decided: DecidedChange | null = null;
    following.go(place, (planned) => {
      decided = decideOne(how, place, planned, [planned.call], modes, offset);
    });
    yield decided!;
    if (steps.only !== undefined) return;
  }
}

function decideOne(
  { mutant, sequence }: CheckCase & { readonly mutant: CallMutant },
  place: number,
  planned: PlannedCall,
  asked: readonly CallRecord[],
  modes: readonly MemoryMode[],
  offset = 0,
): DecidedChange {
  const broken = mutant.rewriteCalls(asked, planned.context) ?? planned.call;
  const { input, results, rule } = decideCall(
    planned,
    broken === planned.call ? [broken] : asked,
    broken,
    modes,
  );
  return {
    step: place + offset,
    pass: 1,
    to: sequence.steps[place]!,
    ioctls: asked.length,
    scripts: asked.length,
    input,
    recorder: { tablesBefore: () => planned.tables, ioctls: () => [] },
    results,
    findings: rule === null ? united(results) : [rule],
    crash: null,
  };
}
