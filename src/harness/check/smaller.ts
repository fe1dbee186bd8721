/** When to stop looking for something smaller. */
export interface ShrinkBudget {
  readonly timeMs: number;
  /** Candidates that may be tried, however fast they are. */
  readonly trials: number;
}

/** Counts trials and time; every shrinker asks it before each candidate. */
export class Patience {
  #trials = 0;
  readonly #budget: ShrinkBudget;
  readonly #started = performance.now();

  constructor(budget: ShrinkBudget) {
    this.#budget = budget;
  }
  get trials(): number {
    return this.#trials;
  }
  get isOver(): boolean {
    return this.#trials >= this.#budget.trials || performance.now() - this.#started >= this.#budget.timeMs;
  }
  /** Tries a candidate, if there is time for it. */
  try(holds: () => boolean): boolean {
    if (this.isOver) return false;
    this.#trials++;
    return holds();
  }
}

/**
 * A list that still `holds`, with as few of the items as leaving out stretches of them can reach: halves, quarters, and
 * so on down to single items. Pre: all items together hold. Same items, same order of trials, same result, unless
 * patience ends.
 */
export function fewest<Item>(
  items: readonly Item[],
  holds: (fewer: readonly Item[]) => boolean,
  patience: Patience,
): readonly Item[] {
  let kept = items;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = kept.length - size; at > -size; at -= size) {
      const from = Math.max(0, at);
      const fewer = [...kept.slice(0, from), ...kept.slice(at + size)];
      if (fewer.length < kept.length && patience.try(() => holds(fewer))) kept = fewer;
      if (patience.isOver) return kept;
    }
  }
  return kept;
}
