import type { Decoder } from "../entries/entry-kind.ts";
import { LEAF, TABLE } from "../entries/entry-kind.ts";
import { NEVER } from "../script/positions.ts";
import type { DirtyVersion } from "./dirty-versions.ts";
import type { Slot } from "./table-node.ts";

/**
 * What becomes of a D bit that is set while an entry has one of its versions:
 * `known`: it stands in the leaf that translates the page when all is done;
 * `taken`: the kernel has it in its hands, by a collect or by an exchange for nothing;
 * `overwritten`: a store put an entry with D = 0 over it;
 * `freed`: it went with its table;
 * `left`: it stays in a table that leads nowhere.
 */
export interface Fate {
  readonly what: "known" | "taken" | "overwritten" | "freed" | "left";
  /** Step that decides it; NEVER where none does. */
  readonly step: number;
}

/** A version of one of a page's entries. */
export interface Place {
  readonly slot: Slot;
  readonly version: number;
}

const KNOWN: Fate = { what: "known", step: NEVER };
const LEFT: Fate = { what: "left", step: NEVER };

/** The entries that a page's walks can come to, the highest level first, and what happens to D bits in them. */
export class PageEntries {
  readonly slots: readonly Slot[];
  readonly #decoder: Decoder;
  /** By slot and version: from when on D is 1 whatever devices do. */
  readonly #dirtySince: number[][];

  /** Pre: with every version that points to a table, the slot in that table. */
  constructor(slots: readonly Slot[], decoder: Decoder) {
    this.slots = slots;
    this.#decoder = decoder;
    this.#dirtySince = slots.map(({ versions }) =>
      versions.map((v) => (v.kind === LEAF && v.isWrittenDirty ? v.step : NEVER)),
    );
    for (const slot of slots)
      for (let k = 0; k < slot.versions.length; k++) {
        const next = this.dirtySince(slot, k) === NEVER ? null : this.carriedTo(slot, k);
        if (next === null) continue;
        const since = this.#dirtySince[this.slots.indexOf(next.slot)]!;
        since[next.version] = Math.min(since[next.version]!, slot.versions[k]!.until);
      }
  }

  /** Position from which D of a version is 1 whatever devices do, or NEVER. */
  dirtySince(slot: Slot, version: number): number {
    return this.#dirtySince[this.slots.indexOf(slot)]![version]!;
  }

  /** Where an exchange carries the bits of a version; null where it carries them nowhere, or none ends it. */
  carriedTo(slot: Slot, version: number): Place | null {
    const old = slot.versions[version]!;
    const next = slot.versions[version + 1];
    if (old.end !== "exchange" || old.kind !== LEAF || old.until >= slot.node.freedAt) return null;
    return this.#leafAt(slot, version + 1, next!.step);
  }

  /** What becomes of a bit set in a version. */
  fate(slot: Slot, version: number): Fate {
    const { node, versions } = slot;
    const old = versions[version]!;
    if (node.freedAt < old.until) return { what: "freed", step: node.freedAt };
    if (old.end === "never") return node.isFinal ? KNOWN : LEFT;
    const step = old.until;
    if (old.end === "collect") return { what: "taken", step };
    const next = versions[version + 1]!;
    const isLive = next.kind === LEAF || next.kind === TABLE;
    if (old.end === "exchange" && !isLive) return { what: "taken", step };
    const place = this.#leafAt(slot, version + 1, step);
    if (place === null) return { what: "overwritten", step };
    const isCovered = this.dirtySince(place.slot, place.version) <= step;
    if (old.end === "plain" && !isCovered) return { what: "overwritten", step };
    return this.fate(place.slot, place.version);
  }

  /** The version that an entry's D bit is in at a position: its own, or that of the page's leaf below it. */
  #leafAt(slot: Slot, version: number, at: number): Place | null {
    const { kind, lo, hi, step } = slot.versions[version] as DirtyVersion;
    if (kind === LEAF) return { slot, version };
    if (kind !== TABLE) return null;
    const table = this.#decoder.frame(lo, hi);
    const { level } = slot.node;
    let below: Slot | null = null;
    for (const other of this.slots) {
      const { node } = other;
      if (node.table !== table || node.level !== level - 1 || node.freedAt <= step) continue;
      if (below === null || node.freedAt < below.node.freedAt) below = other;
    }
    if (below === null || below.node.freedAt <= at) return null;
    return this.#leafAt(
      below,
      below.versions.findIndex((v) => v.step <= at && at < v.until),
      at,
    );
  }
}
