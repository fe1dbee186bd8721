import type { Coverage } from "../../src/check/coverage.ts";
import type { Coverages } from "../../src/check/coverages.ts";

/** All stretches, one after the other. */
export function* stretchesOf(all: Coverages): Generator<Coverage> {
  for (let next = all.next(); next !== null; next = all.next()) yield next;
}
