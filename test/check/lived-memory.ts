import type { Entry, Leaf, Life, Write } from "./table-lives.ts";
import { indexOf, isLeafAt, pfnOf, rightsOf, spanOf } from "./tables-script.ts";

/**
 * What the entries on the way to one page hold while a call runs, and what of it may still be read: in weak mode a value that another
 * has overwritten lingers until a barrier, or a clean where walkers do not snoop.
 */
export interface Readable {
  readonly entry: Entry;
  /** When the store was made that led to another table than before. */
  readonly linkedAt: number;
  /** Infinite: it is what memory holds. */
  readonly overwrittenAt: number;
}

export interface Start {
  readonly life: Life | null;
  readonly levels: number;
}

export const BEFORE = -1;
const NOTHING: Entry = { value: 0, child: null };
const DIRTY_AND_ACCESSED = 0x300;
const TALLEST = 5;

const slotOf = (life: Life, index: number): string => `${life.id}[${index}]`;
const withoutBits = (entry: number): number => entry - (entry & DIRTY_AND_ACCESSED);

export class LivedMemory {
  readonly #page: number;
  readonly #isWeak: boolean;
  readonly #isCoherent: boolean;
  readonly #indices: ReadonlySet<number>;
  readonly #held = new Map<string, Entry>();
  readonly #linkedAt = new Map<string, number>();
  readonly #lingering = new Map<string, Readable[]>();
  readonly #written = new Set<Life>();
  readonly #leftAt = new Map<Life, number>();
  readonly #filledAt = new Map<Life, number>();
  readonly freed = new Set<Life>();
  #wroteAt = BEFORE;

  constructor(page: number, isWeak: boolean, isCoherent: boolean) {
    this.#page = page;
    this.#isWeak = isWeak;
    this.#isCoherent = isCoherent;
    this.#indices = new Set(Array.from({ length: TALLEST }, (_, level) => indexOf(page, level)));
  }

  held(life: Life, index: number): Entry {
    return this.#held.get(slotOf(life, index)) ?? life.entries.get(index) ?? NOTHING;
  }
  isFreed(life: Life): boolean {
    return life.isFreed || this.freed.has(life);
  }
  /** What a load of the entry may yield, what memory holds first. */
  readable(life: Life, index: number): Readable[] {
    const slot = slotOf(life, index);
    const linkedAt = this.#linkedAt.get(slot) ?? BEFORE;
    const current = { entry: this.held(life, index), linkedAt, overwrittenAt: Number.POSITIVE_INFINITY };
    return [current, ...(this.#lingering.get(slot) ?? [])];
  }
  /** When the table was last filled before it came into the way to the page. */
  filledAt(life: Life): number {
    return this.#filledAt.get(life) ?? BEFORE;
  }
  /** Whether a walk that loads this entry may find it torn if it is stored plainly. */
  isChanged(life: Life, { index, entry }: Write): boolean {
    const { value, child } = this.held(life, index);
    const isFirst = !life.isKnown && !this.#held.has(slotOf(life, index));
    return isFirst || withoutBits(value) !== withoutBits(entry.value) || child !== entry.child;
  }
  isOnWay(index: number): boolean {
    return this.#indices.has(index);
  }

  write(life: Life, { index, entry }: Write, now: number): void {
    const slot = slotOf(life, index);
    this.#written.add(life);
    if (!this.isOnWay(index)) return;
    const before = this.held(life, index);
    const isFirst = !life.isKnown && !this.#held.has(slot);
    if (this.#isWeak && (isFirst || before.value !== entry.value || before.child !== entry.child)) {
      const value = { entry: before, linkedAt: this.#linkedAt.get(slot) ?? BEFORE, overwrittenAt: now };
      this.#lingering.set(slot, [...(this.#lingering.get(slot) ?? []), value]);
    }
    if (entry.child !== null && before.child !== entry.child) this.#linkedAt.set(slot, now);
    this.#held.set(slot, entry);
  }
  barrier(): void {
    if (this.#isCoherent) this.#lingering.clear();
  }
  clean(life: Life, index: number, count: number): void {
    if (this.#isCoherent) return;
    for (let i = 0; i < count; i++) this.#lingering.delete(slotOf(life, index + i));
  }

  /**
   * A step has changed the way to the page. Tables that come into it were filled in front of the link if anything was written while
   * they were not in it. One that is in it before and after is in use all along.
   */
  join(before: ReadonlySet<Life>, after: ReadonlySet<Life>, now: number): void {
    for (const life of before) if (!after.has(life)) this.#leftAt.set(life, now);
    for (const life of after) {
      if (before.has(life)) continue;
      const left = this.#leftAt.get(life);
      const isFilled = left === undefined ? this.#written.has(life) : this.#wroteAt > left;
      if (isFilled) this.#filledAt.set(life, now);
    }
  }
  /**
   * The same for a table that is linked where only a link that lingers leads. One that is taken away and linked again below a table which
   * hangs nowhere by then is not followed: whoever holds that table may read it as it was (V15).
   */
  linkAside(life: Life, now: number): void {
    if (this.#written.has(life) && !this.#leftAt.has(life)) this.#filledAt.set(life, now);
  }
  /** To be told once a store has been played, and what it joined is known. */
  wrote(now: number): void {
    this.#wroteAt = now;
  }

  /** What memory says of the page: the tables on the way, and the leaf. */
  path({ life: root, levels }: Start): {
    tables: { life: Life | null; level: number; rights: number }[];
    leaf: Leaf | null;
  } {
    const tables = [];
    let life = root;
    let rights = 3;
    for (let level = levels - 1; ; level--) {
      tables.push({ life, level, rights });
      if (life === null || level < 0 || this.isFreed(life)) return { tables, leaf: null };
      const { value, child } = this.held(life, indexOf(this.#page, level));
      rights &= rightsOf(value);
      if (rights === 0) return { tables, leaf: null };
      if (isLeafAt(value, level))
        return { tables, leaf: { level, frame: pfnOf(value) + (this.#page % spanOf(level)), rights } };
      life = child;
    }
  }
}
