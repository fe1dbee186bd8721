import type { Coverage } from "../../src/check/walks/coverage.ts";
import type { Coverages } from "../../src/check/walks/coverages.ts";

/** All stretches, one after the other; without those of one page that `passes` decides. */
export function* stretchesOf(
  all: Coverages,
  passes: ((lone: Coverage) => boolean) | null = null,
): Generator<Coverage> {
  for (let next = all.next(passes); next !== null; next = all.next(passes)) yield next;
}
