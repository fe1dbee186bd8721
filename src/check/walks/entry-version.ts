import { ABSENT, type Decoder, type EntryKind } from "../entries/entry-kind.ts";
import { Lifetime } from "./lifetime.ts";

/** One of the values that an entry of a lowest table holds, and until when it can be used; filled in again and again. */
export class EntryVersion {
  readonly life = new Lifetime();
  kind: EntryKind = ABSENT;
  lo = 0;
  hi = 0;
  /** Step that writes it, 0 for what was there before, and step that overwrites it or NEVER. */
  step = 0;
  until = 0;
  frame = 0;
  /** Rights left after those of the tables above, where the format ANDs them. */
  rights = 0;

  /** `above`: rights of the tables above, all bits where they do not count. */
  set(
    decoder: Decoder,
    kind: EntryKind,
    lo: number,
    hi: number,
    above: number,
    step: number,
    until: number,
  ): void {
    this.kind = kind;
    this.lo = lo;
    this.hi = hi;
    this.step = step;
    this.until = until;
    this.frame = kind === ABSENT ? 0 : decoder.frame(lo, hi);
    this.rights = kind === ABSENT ? 0 : decoder.rights(lo, hi) & above;
  }

  /** True iff some access or cache can have it as a translation. */
  get isLeaf(): boolean {
    return this.life.isReachable && this.rights !== 0;
  }
}
