import { M01 } from "./m01-link-before-fill.ts";
import { M02 } from "./m02-clear-before-link.ts";
import { M03 } from "./m03-clear-one-too-many.ts";
import { M04 } from "./m04-break-before-merge.ts";
import { M05 } from "./m05-child-off-by-one.ts";
import { M06 } from "./m06-merge-checks-ends-only.ts";
import { M07 } from "./m07-frame-before-rights.ts";
import { M08 } from "./m08-keeps-old-address-bits.ts";
import { M10 } from "./m10-split-adds-rights.ts";
import { M11 } from "./m11-parent-opened-first.ts";
import { M12 } from "./m12-merge-unites-rights.ts";
import { M13 } from "./m13-no-invalidation-on-narrowing.ts";
import { M14 } from "./m14-range-too-small.ts";
import { M15 } from "./m15-wrong-domain.ts";
import { M15b } from "./m15b-skips-one-iommu.ts";
import { M16 } from "./m16-invalidates-before-store.ts";
import { M17 } from "./m17-no-wait.ts";
import { M17b } from "./m17b-waits-for-one-iommu.ts";
import { M18 } from "./m18-unpin-before-invalidation.ts";
import { M19 } from "./m19-no-device-invalidation.ts";
import { M19b } from "./m19b-no-drain.ts";
import { M20 } from "./m20-no-invalidation-on-map.ts";
import { M20b } from "./m20b-forgets-the-tail.ts";
import { M21 } from "./m21-free-before-invalidation.ts";
import { M22 } from "./m22-leaf-scope-after-merge.ts";
import { M23 } from "./m23-recycles-table-at-once.ts";
import { M24 } from "./m24-edits-bit-fields.ts";
import { M25 } from "./m25-torn-store.ts";
import { M26 } from "./m26-clears-live-context.ts";
import { M27 } from "./m27-size-with-frame.ts";
import { M28 } from "./m28-stores-over-walker-bits.ts";
import { M29 } from "./m29-forgets-the-dirty-bit.ts";
import { M30 } from "./m30-report-without-invalidation.ts";
import { M31 } from "./m31-no-barrier-before-link.ts";
import { M32 } from "./m32-deletes-then-adds.ts";
import { M33 } from "./m33-leaks-tables.ts";
import { M34 } from "./m34-unpins-twice.ts";
import { M35 } from "./m35-pins-kept-pages.ts";
import { M36 } from "./m36-root-before-tag.ts";
import { M37 } from "./m37-merges-without-lock.ts";
import { M38 } from "./m38-loser-reports-success.ts";
import { M39 } from "./m39-incomplete-rollback.ts";
import { M39b } from "./m39b-late-argument-check.ts";
import { M40 } from "./m40-unaligned-leaf.ts";
import { M41 } from "./m41-keeps-the-tag.ts";
import { M42 } from "./m42-flushes-everything.ts";
import type { CallMutant, Mutant, NotCarried } from "./mutant.ts";
import { NOT_CARRIED } from "./not-carried.ts";

export type {
  CallMutant,
  CallRecord,
  EntryReader,
  Mutant,
  MutantContext,
  MutantFacts,
  NotCarried,
  TablePlace,
  ViolationClass,
} from "./mutant.ts";
export { isCallMutant } from "./mutant.ts";

const byId = <T extends { readonly id: string }>(all: readonly T[]): ReadonlyMap<string, T> =>
  new Map(all.map((one) => [one.id, one]));

/** Every mutant of the edit script by id, in catalogue order: those a live kernel can be made to run. */
export const MUTANTS: ReadonlyMap<string, Mutant> = byId([
  M01,
  M02,
  M03,
  M04,
  M05,
  M06,
  M07,
  M08,
  M10,
  M11,
  M12,
  M13,
  M14,
  M15,
  M15b,
  M16,
  M17,
  M17b,
  M18,
  M19,
  M19b,
  M20,
  M20b,
  M21,
  M22,
  M23,
  M24,
  M25,
  M26,
  M27,
  M28,
  M29,
  M30,
  M31,
  M32,
  M33,
  M34,
  M36,
  M40,
  M41,
  M42,
]);

/** Mutants of what surrounds the script, by id, in catalogue order. */
export const CALL_MUTANTS: ReadonlyMap<string, CallMutant> = byId([M35, M37, M38, M39, M39b]);

/** The mutant with an id, of scripts or of calls; undefined for what no profile carries and what does not exist. */
export const mutantNamed = (id: string): Mutant | CallMutant | undefined =>
  MUTANTS.get(id) ?? CALL_MUTANTS.get(id);

/** One line of the catalogue. */
export type CatalogueEntry =
  | { readonly kind: "script"; readonly mutant: Mutant }
  | { readonly kind: "call"; readonly mutant: CallMutant }
  | { readonly kind: "not-carried"; readonly mutant: NotCarried };

/** The whole catalogue, M01 to M42, in order. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  ...[...MUTANTS.values()].map((mutant): CatalogueEntry => ({ kind: "script", mutant })),
  ...[...CALL_MUTANTS.values()].map((mutant): CatalogueEntry => ({ kind: "call", mutant })),
  ...NOT_CARRIED.map((mutant): CatalogueEntry => ({ kind: "not-carried", mutant })),
].sort((a, b) => (a.mutant.id < b.mutant.id ? -1 : 1));
