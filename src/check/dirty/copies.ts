import type { Decoder } from "../entries/entry-kind.ts";
import { LEAF } from "../entries/entry-kind.ts";
import { NEVER } from "../script/positions.ts";
import type { DirtyVersion } from "./dirty-versions.ts";
import type { PageEntries } from "./fate.ts";
import { loadsOf, type Slot, type View, type WalkRules } from "./table-node.ts";

/** A copy of a leaf that can be written through with the D bit of one version. */
export interface Copy {
  /** Version it is loaded from: the one whose D bit it uses, or one before it that says the same. */
  readonly loadedFrom: number;
  /** Last position at which it can be loaded. */
  readonly loaded: number;
  /** Position at which the D bit is set, or was found set. */
  readonly setAt: number;
  /** Position at which the last cache has dropped it. */
  readonly death: number;
  /** Position by which the last write through it has been performed. */
  readonly drained: number;
  readonly view: View;
}

const WRITE = 2;

/** Finds the copies of leaves that devices can write one page through, and how long they can. */
export class Copies {
  readonly #entries: PageEntries;
  readonly #views: readonly View[];
  readonly #rules: WalkRules;
  readonly #decoder: Decoder;
  readonly #page: number;

  constructor(
    entries: PageEntries,
    views: readonly View[],
    rules: WalkRules,
    decoder: Decoder,
    page: number,
  ) {
    this.#entries = entries;
    this.#views = views;
    this.#rules = rules;
    this.#decoder = decoder;
    this.#page = page;
  }

  /** The copy that lives longest of those with the D bit of a version; null where no write can use that bit. */
  longest(slot: Slot, version: number): Copy | null {
    let best: Copy | null = null;
    const better = (copy: Copy): void => {
      if (best === null || copy.drained > best.drained) best = copy;
    };
    const { step, until } = slot.versions[version]!;
    this.#each(slot, version, (view, generation, from, to) => {
      // What was overwritten is still read with the bit that somebody else has set before.
      if (from >= until && !this.mayBeDirty(slot, version)) return;
      const loaded = to - 1;
      const ends = this.#ends(slot, view, generation, loaded);
      better({ loadedFrom: version, loaded, setAt: Math.max(from, step), ...ends, view });
    });
    this.#eachEarlier(slot, version, better);
    return best;
  }

  /** Loads of a version with the right to write. */
  #each(
    slot: Slot,
    version: number,
    found: (view: View, generation: number, from: number, to: number) => void,
  ): void {
    for (const [tag, view] of this.#views.entries())
      loadsOf(slot, slot.versions[version]!, tag, view, this.#rules, (rights, generation, from, to) => {
        if (rights & WRITE) found(view, generation, from, to);
      });
  }

  /**
   * Copies of versions before that say the same but for A and D: one with D = 0 sets the bit of the entry as it is now. They
   * matter where walks cannot load the entry any more.
   */
  #eachEarlier(slot: Slot, version: number, found: (copy: Copy) => void): void {
    const now = slot.versions[version]!;
    for (let k = 0; k < version; k++) {
      const old = slot.versions[k]!;
      if (old.kind !== LEAF || this.#decoder.differ(old.lo, old.hi, now.lo, now.hi)) continue;
      const clean = this.#entries.dirtySince(slot, k);
      this.#each(slot, k, (view, generation, from, to) => {
        const loaded = Math.min(to, clean, now.until) - 1;
        if (loaded < from) return;
        const ends = this.#ends(slot, view, generation, loaded);
        if (ends.death > now.step)
          found({ loadedFrom: k, loaded, setAt: Math.max(from, now.step), ...ends, view });
      });
    }
  }

  #ends(
    slot: Slot,
    { coverage }: View,
    generation: number,
    loaded: number,
  ): { readonly death: number; readonly drained: number } {
    const { start, span } = slot;
    const leafStart = start + Math.floor((this.#page - start) / span) * span;
    const death = coverage.leafDeath(generation, loaded, leafStart, leafStart + span);
    return { death, drained: coverage.drained(death) };
  }

  /** True iff D of a version can be 1 when the version ends. */
  mayBeDirty(slot: Slot, version: number): boolean {
    if (slot.versions[version]!.mayBeDirty) return true;
    if (this.#entries.dirtySince(slot, version) < NEVER) return true;
    const { until } = slot.versions[version] as DirtyVersion;
    let isSet = false;
    this.#each(slot, version, (_view, _generation, from) => {
      isSet ||= from < until;
    });
    this.#eachEarlier(slot, version, () => {
      isSet = true;
    });
    if (isSet) return true;
    for (const above of this.#entries.slots)
      for (let k = 0; k < above.versions.length; k++) {
        const place = this.#entries.carriedTo(above, k);
        if (place?.slot === slot && place.version === version && this.mayBeDirty(above, k)) return true;
      }
    return false;
  }
}
