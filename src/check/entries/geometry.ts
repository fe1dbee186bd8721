import type { Capability } from "../../edit-script/index.ts";

/** A capability record, with the size of a table where it is not 512 entries: tiny tables make brute force possible. */
export interface CheckedCapability extends Capability {
  /** Base-2 logarithm of the entries in a table; 9 unless told. */
  readonly indexLg2?: number;
}

/** Sizes of tables and of what their entries span. */
export class Geometry {
  readonly entries: number;
  /** Pages that one entry spans, by level. */
  readonly spans: readonly number[];

  constructor(capability: CheckedCapability) {
    this.entries = 2 ** (capability.indexLg2 ?? 9);
    this.spans = Array.from({ length: 8 }, (_, level) => this.entries ** level);
  }

  span(level: number): number {
    return this.spans[level]!;
  }
  /** Pages that a whole table spans. */
  tableSpan(level: number): number {
    return this.spans[level + 1]!;
  }
}
