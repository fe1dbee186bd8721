import type { EditScript, Step } from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import type { MutantContext } from "./mutant.ts";

/** One entry that a live step overwrites. */
export interface Overwrite {
  readonly table: Pfn;
  readonly index: number;
  readonly before: bigint;
  readonly after: bigint;
}

/** Follows a script step by step and knows what every entry holds at that point. */
export class EntryHistory {
  readonly #context: MutantContext;
  readonly #written = new Map<number, bigint>();

  constructor(context: MutantContext) {
    this.#context = context;
  }

  entry(table: Pfn, index: number): bigint {
    return this.#written.get(table * 512 + index) ?? this.#context.entryAt(table, index);
  }

  /** Applies a step and returns the entries it overwrote in reachable tables; none for any other step. */
  apply(step: Step): Overwrite[] {
    const overwrites: Overwrite[] = [];
    const isLive = step.op === "store" || step.op === "storeRun" || step.op === "exchange";
    for (const { table, index, entry } of entriesOf(step)) {
      if (isLive) overwrites.push({ table, index, before: this.entry(table, index), after: entry });
      this.#written.set(table * 512 + index, entry);
    }
    return overwrites;
  }
}

/** The entries a step writes, one by one. */
export function* entriesOf(step: Step): Generator<{ table: Pfn; index: number; entry: bigint }> {
  switch (step.op) {
    case "fill":
    case "storeRun":
      for (let i = 0; i < step.count; i++) {
        const entry = BigInt.asUintN(64, step.first + BigInt(i) * step.stride);
        yield { table: step.table, index: step.index + i, entry };
      }
      break;
    case "gather":
      for (const [i, entry] of step.entries.entries())
        yield { table: step.table, index: step.index + i, entry };
      break;
    case "store":
    case "exchange":
      yield { table: step.table, index: step.index, entry: step.entry };
      break;
  }
}

/** True for steps that write entries walkers can reach. */
export const isLiveStore = (step: Step): boolean =>
  step.op === "store" || step.op === "storeRun" || step.op === "exchange" || step.op === "setRoot";

/** Tables that the script links in the place of a present leaf, with that leaf. */
export function splitTables(script: EditScript, context: MutantContext): Map<number, bigint> {
  const { isPresent, isTable, pfnOf } = context.entries;
  const history = new EntryHistory(context);
  const splits = new Map<number, bigint>();
  for (const step of script)
    for (const { before, after } of history.apply(step))
      if (isPresent(before) && !isTable(before) && isPresent(after) && isTable(after))
        splits.set(pfnOf(after), before);
  return splits;
}

/** The first update id no step of these uses. */
export const nextUpdateAfter = (steps: readonly Step[]): number =>
  steps.reduce((most, step) => ("update" in step ? Math.max(most, step.update) : most), 0) + 1;
