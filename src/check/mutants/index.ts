import { M01 } from "./m01-link-before-fill.ts";
import { M02 } from "./m02-clear-before-link.ts";
import { M13 } from "./m13-no-invalidation-on-narrowing.ts";
import { M18 } from "./m18-unpin-before-invalidation.ts";
import { M21 } from "./m21-free-before-invalidation.ts";
import { M25 } from "./m25-torn-store.ts";
import type { Mutant } from "./mutant.ts";

export type { EntryReader, Mutant, MutantContext, ViolationClass } from "./mutant.ts";

/** Every mutant by id, in catalogue order. */
export const MUTANTS: ReadonlyMap<string, Mutant> = new Map(
  [M01, M02, M13, M18, M21, M25].map((mutant) => [mutant.id, mutant]),
);
