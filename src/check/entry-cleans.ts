import { NEVER } from "./positions.ts";
import type { TableLog } from "./table-log.ts";

/** Fewer are gone through. */
const FEW = 16;

/** The cleans of one life of a table, entry by entry: a recorder may list one for each store. */
export class EntryCleans {
  readonly log: TableLog;
  /** Steps that clean entry i stand in `#steps` from `#begins[i]` to `#begins[i + 1]`, ascending; null where there are few. */
  readonly #begins: Uint32Array | null = null;
  readonly #steps: Uint32Array | null = null;

  constructor(log: TableLog) {
    this.log = log;
    const { cleans } = log;
    if (cleans.length < FEW) return;
    const entries = cleans.reduce((most, { index, count }) => Math.max(most, index + count), 0);
    const begins = new Uint32Array(entries + 1);
    for (const { index, count } of cleans) for (let i = index; i < index + count; i++) begins[i + 1]!++;
    for (let i = 0; i < entries; i++) begins[i + 1]! += begins[i]!;
    const steps = new Uint32Array(begins[entries]!);
    const next = begins.slice();
    for (const { step, index, count } of cleans)
      for (let i = index; i < index + count; i++) steps[next[i]!++] = step;
    this.#begins = begins;
    this.#steps = steps;
  }

  /** The first step after another that cleans an entry, or NEVER. */
  after(index: number, step: number): number {
    const [begins, steps] = [this.#begins, this.#steps];
    if (begins === null || steps === null) {
      for (const clean of this.log.cleans)
        if (clean.step > step && clean.index <= index && index < clean.index + clean.count) return clean.step;
      return NEVER;
    }
    for (let k = begins[index] ?? 0; k < (begins[index + 1] ?? 0); k++)
      if (steps[k]! > step) return steps[k]!;
    return NEVER;
  }
}
