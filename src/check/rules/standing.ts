import type { Decision } from "../decide.ts";
import { TABLE } from "../entries/entry-kind.ts";
import { EntryReader } from "../entries/entry-reader.ts";
import { type EntryWrites, RecentWrites } from "../entries/entry-writes.ts";
import { NEVER } from "../script/positions.ts";
import type { TableLog } from "../script/table-log.ts";
import type { RootVersion } from "../walks/roots.ts";

/** Positions [from, until) at which a part of the IOVA space is reached alike. */
interface Stretch {
  readonly from: number;
  readonly until: number;
  /** The rights of the tables above; of what ends the walk where it ends there. */
  readonly rights: number;
  /** The lowest table and the step that links it, with its entry looked at last; null where walks end above it. */
  readonly lowest: { readonly table: number; readonly linkedAt: number; readonly entry: EntryInTime } | null;
}

/**
 * How the tables of a domain stand for one page at one position after the other, for walks that see every step at once. A crowd
 * asks it for every page that it has: what neighbours share is kept, and nothing is made for an entry.
 */
export class Standing {
  readonly #decision: Decision;
  readonly #roots: readonly RootVersion[];
  readonly #writes: RecentWrites;
  readonly #upper: readonly EntryInTime[];
  /** The part of the IOVA space that one lowest table translates, and stretches of it from position 0 on, as far as asked. */
  #part = -1;
  #stretches: Stretch[] = [];
  /** Of the stretches: the one asked for last. */
  #last = 0;
  /** The rights that a walk gets which starts and ends at the position looked at. */
  rights = 0;
  /** Up to here nothing that it loads is written. */
  until = 0;

  constructor(decision: Decision, domain: number) {
    this.#decision = decision;
    this.#roots = decision.rootsOf(domain);
    this.#writes = new RecentWrites(decision.log.words, decision.geometry.entries);
    const levels = Math.max(...this.#roots.map((root) => root.levels));
    this.#upper = Array.from({ length: levels }, () => new EntryInTime(decision, this.#writes));
  }

  look(page: number, at: number): void {
    const { geometry, decoder, input } = this.#decision;
    const index = page % geometry.entries;
    const { until, rights, lowest } = this.#stretchAt(page, (page - index) / geometry.entries, at);
    this.until = until;
    this.rights = rights;
    if (lowest === null) return;
    const { table, linkedAt, entry } = lowest;
    entry.look(table, linkedAt, index, at);
    if (entry.until < until) this.until = entry.until;
    const own = decoder.rights(entry.lo, entry.hi);
    this.rights = input.capability.rightsAnded ? rights & own : own;
  }

  /** Step that stored the entry which keeps an access to a page from its rights at a position; 0 where none does, or it was there before. */
  denying(page: number, at: number, access: number): number {
    const { decoder, input } = this.#decision;
    for (const { entry, isTable } of this.#way(page, at)) {
      const counts = !isTable || input.capability.rightsAnded;
      if (counts && (decoder.rights(entry.lo, entry.hi) & access) === 0) return entry.step;
    }
    return 0;
  }

  /**
   * Step that leads walks of a page to a table at a position: stores the lowest link above it that was not there before, or the
   * root; 0 where none does.
   */
  leading(page: number, at: number, table: number): number {
    let link = this.#rootAt(at).step;
    for (const { entry, of } of this.#way(page, at)) {
      if (of === table) return link;
      if (entry.step > 0) link = entry.step;
    }
    return 0;
  }

  /** The entries that a walk of a page loads at a position, with their tables, one after the other. */
  *#way(
    page: number,
    at: number,
  ): Generator<{ readonly entry: EntryInTime; readonly of: number; readonly isTable: boolean }> {
    const { decoder, geometry } = this.#decision;
    const { table: root, step, levels } = this.#rootAt(at);
    let [table, linkedAt] = [root, step];
    for (let level = levels - 1; level >= 0; level--) {
      const entry = this.#upper[level]!;
      entry.look(table, linkedAt, Math.floor(page / geometry.span(level)) % geometry.entries, at);
      const isTable = level > 0 && decoder.kind(level, entry.lo, entry.hi) === TABLE;
      yield { entry, of: table, isTable };
      if (!isTable) return;
      table = decoder.frame(entry.lo, entry.hi);
      linkedAt = entry.step;
    }
  }

  #stretchAt(page: number, part: number, at: number): Stretch {
    if (part !== this.#part) {
      this.#part = part;
      this.#stretches = [];
      this.#last = 0;
    }
    const stretches = this.#stretches;
    if (this.#last > 0 && at < stretches[this.#last]!.from) this.#last = 0;
    for (; this.#last < stretches.length; this.#last++)
      if (at < stretches[this.#last]!.until) return stretches[this.#last]!;
    for (;;) {
      const stretch = this.#descend(page, stretches.at(-1)?.until ?? 0);
      stretches.push(stretch);
      if (at < stretch.until) return stretch;
      this.#last++;
    }
  }

  /** Goes down to the lowest table that translates a page. */
  #descend(page: number, at: number): Stretch {
    const { decoder, geometry, input } = this.#decision;
    const root = this.#rootAt(at);
    let { table, step: linkedAt, until } = root;
    let rights = -1;
    for (let level = root.levels - 1; level > 0; level--) {
      const entry = this.#upper[level]!;
      entry.look(table, linkedAt, Math.floor(page / geometry.span(level)) % geometry.entries, at);
      until = Math.min(until, entry.until);
      const own = decoder.rights(entry.lo, entry.hi);
      rights = input.capability.rightsAnded ? rights & own : own;
      if (decoder.kind(level, entry.lo, entry.hi) !== TABLE) return { from: at, until, rights, lowest: null };
      table = decoder.frame(entry.lo, entry.hi);
      linkedAt = entry.step;
    }
    const entry = new EntryInTime(this.#decision, this.#writes);
    return { from: at, until, rights, lowest: { table, linkedAt, entry } };
  }

  #rootAt(at: number): RootVersion {
    const [first] = this.#roots;
    return at < first!.until ? first! : this.#roots.find((root) => root.step <= at && at < root.until)!;
  }
}

/** One entry of one level, as it is at the position looked at. */
class EntryInTime {
  readonly #decision: Decision;
  readonly #recent: RecentWrites;
  readonly #before: EntryReader;
  #table = -1;
  #linkedAt = -1;
  #index = -1;
  #log: TableLog | null = null;
  #writes: EntryWrites | null = null;
  /** Place of the next write, and of the first that is another entry's. */
  #next = 0;
  #end = 0;
  lo = 0;
  hi = 0;
  /** Step that stored the value; 0 where it was there before. */
  step = 0;
  /** The entry is not written between these steps, */
  #from = 0;
  until = NEVER;

  constructor(decision: Decision, recent: RecentWrites) {
    this.#decision = decision;
    this.#recent = recent;
    this.#before = new EntryReader(decision.input.tables);
  }

  /** Looks at an entry of the table that a link stored at step `linkedAt` leads to. */
  look(table: number, linkedAt: number, index: number, at: number): void {
    const isOwn = table === this.#table && linkedAt === this.#linkedAt;
    if (!isOwn) this.#enter(table, linkedAt);
    if (!isOwn || index !== this.#index || at < this.#from) this.#begin(index);
    while (at >= this.until) {
      this.#from = this.until;
      if (this.#writes!.apply(this.#next, index, this, this.#decision.decoder)) this.step = this.#from;
      this.#next++;
      this.#seek();
    }
  }

  #enter(table: number, linkedAt: number): void {
    this.#table = table;
    this.#linkedAt = linkedAt;
    this.#log = this.#decision.log.logAt(table, linkedAt);
    this.#writes = this.#log?.isWritten ? this.#recent.of(this.#log) : null;
  }

  /** What the entry held at first. */
  #begin(index: number): void {
    this.#before.read(this.#table, this.#log, index);
    this.#index = index;
    this.lo = this.#before.lo;
    this.hi = this.#before.hi;
    this.step = this.#from = 0;
    this.#next = this.#writes?.begin(index) ?? 0;
    this.#end = this.#writes?.begin(index + 1) ?? 0;
    this.#seek();
  }

  #seek(): void {
    this.until = this.#next < this.#end ? this.#writes!.step(this.#next) : NEVER;
  }
}
