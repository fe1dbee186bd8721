import type { Decoder } from "../entries/entry-kind.ts";
import { LEAF } from "../entries/entry-kind.ts";
import { NEVER } from "../script/positions.ts";
import type { DirtyVersion } from "./dirty-versions.ts";
import type { PageEntries } from "./fate.ts";
import { type Loads, loadsOf, type Slot, type View, type WalkRules } from "./table-node.ts";

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

/**
 * The first of the copies that generations [first, last] make which lives as long as any and is not dead at a position; null where none is.
 * What is loaded later dies no earlier.
 */
function firstLivingLongest(
  first: number,
  last: number,
  position: number,
  copyOf: (generation: number) => Copy,
): Copy | null {
  let best = copyOf(last);
  if (best.death <= position) return null;
  const { drained } = best;
  for (let [low, high] = [first, last]; low < high; ) {
    const mid = (low + high) >>> 1;
    const copy = copyOf(mid);
    if (copy.drained === drained && copy.death > position) [high, best] = [mid, copy];
    else low = mid + 1;
  }
  return best;
}

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
    this.#each(slot, version, (view, loads) => {
      // What was overwritten is still read, with the bit that somebody else has set before: by walks of the last generations.
      const last = this.#lastBefore(loads, until, () => this.mayBeDirty(slot, version));
      if (last < loads.first) return;
      const copyOf = (g: number): Copy => {
        const loaded = loads.to(g) - 1;
        const ends = this.#ends(slot, view, g, loaded);
        return { loadedFrom: version, loaded, setAt: Math.max(loads.from(g), step), ...ends, view };
      };
      better(firstLivingLongest(loads.first, last, -1, copyOf)!);
    });
    this.#eachEarlier(slot, version, better);
    return best;
  }

  /** Loads of a version with the right to write. */
  #each(slot: Slot, version: number, found: (view: View, loads: Loads) => void): void {
    for (const [tag, view] of this.#views.entries())
      loadsOf(slot, slot.versions[version]!, tag, view, this.#rules, (rights, loads) => {
        if (rights & WRITE) found(view, loads);
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
      const before = Math.min(this.#entries.dirtySince(slot, k), now.until);
      this.#each(slot, k, (view, loads) => {
        // Walks of the last generations begin too late to find it clean.
        const last = this.#lastBefore(loads, before, () => false);
        if (last < loads.first) return;
        const copyOf = (g: number): Copy => {
          const loaded = Math.min(loads.to(g), before) - 1;
          const ends = this.#ends(slot, view, g, loaded);
          return { loadedFrom: k, loaded, setAt: Math.max(loads.from(g), now.step), ...ends, view };
        };
        const copy = firstLivingLongest(loads.first, last, now.step, copyOf);
        if (copy !== null) found(copy);
      });
    }
  }

  /** The last generation whose loads begin before a position, or just the last where those behind count too; one before the first where none does. */
  #lastBefore(loads: Loads, position: number, isAny: () => boolean): number {
    if (loads.from(loads.last) < position || isAny()) return loads.last;
    let [low, high] = [loads.first, loads.last];
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (loads.from(mid) >= position) high = mid;
      else low = mid + 1;
    }
    return low - 1;
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
    this.#each(slot, version, (_view, loads) => {
      isSet ||= loads.from(loads.first) < until;
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
