import type { Coverage } from "../../src/check/coverage.ts";
import type { Coverages } from "../../src/check/coverages.ts";

/** All stretches, one after the other; without those of one page that `passes` decides. */
export function* stretchesOf(
  all: Coverages,
  passes: ((lone: Coverage) => boolean) | null = null,
): Generator<Coverage> {
  for (let next = all.next(passes); next !== null; next = all.next(passes)) yield next;
}
