import type { Decision } from "./decide.ts";
import { TABLE } from "./entry-kind.ts";
import { EntryReader } from "./entry-reader.ts";
import { type EntryWrites, RecentWrites } from "./entry-writes.ts";
import { NEVER } from "./positions.ts";
import type { RootVersion } from "./roots.ts";
import type { TableLog } from "./table-log.ts";

/**
 * How the tables of a domain stand for one page at one position after the other, for walks that see every step at once. A crowd
 * asks it for every page that it has: what neighbours share is kept, and nothing is made for an entry.
 */
export class Standing {
  readonly #decision: Decision;
  readonly #roots: readonly RootVersion[];
  readonly #entries: readonly EntryInTime[];
  /** The part of the IOVA space that one lowest table translates, and positions at which all of it is reached alike. */
  #part = -1;
  #from = 0;
  #until = 0;
  /** The lowest table there and the step that links it; none where walks end above it. */
  #table: number | null = null;
  #linkedAt = 0;
  #rightsAbove = 0;
  /** The rights that a walk gets which starts and ends at the position looked at. */
  rights = 0;
  /** Up to here nothing that it loads is written. */
  until = 0;

  constructor(decision: Decision, domain: number) {
    this.#decision = decision;
    this.#roots = decision.rootsOf(domain);
    const writes = new RecentWrites(decision.log.words, decision.geometry.entries);
    const levels = Math.max(...this.#roots.map((root) => root.levels));
    this.#entries = Array.from({ length: levels }, () => new EntryInTime(decision, writes));
  }

  look(page: number, at: number): void {
    const { geometry } = this.#decision;
    const part = Math.floor(page / geometry.entries);
    if (part !== this.#part || at < this.#from || at >= this.#until) this.#descend(page, part, at);
    this.until = this.#until;
    this.rights = this.#rightsAbove;
    if (this.#table !== null) this.#load(this.#table, this.#linkedAt, 0, page, at);
  }

  /** Goes down to the lowest table that translates a page. */
  #descend(page: number, part: number, at: number): void {
    const { decoder } = this.#decision;
    const root = this.#rootAt(at);
    let { table, step: linkedAt } = root;
    this.rights = -1;
    this.until = root.until;
    let from = root.step;
    let level = root.levels - 1;
    for (; level > 0; level--) {
      const entry = this.#load(table, linkedAt, level, page, at);
      if (entry.from > from) from = entry.from;
      if (decoder.kind(level, entry.lo, entry.hi) !== TABLE) break;
      table = decoder.frame(entry.lo, entry.hi);
      linkedAt = entry.step;
    }
    this.#part = part;
    this.#from = from;
    this.#until = this.until;
    this.#rightsAbove = this.rights;
    this.#table = level === 0 ? table : null;
    this.#linkedAt = linkedAt;
  }

  /** Lets the entry that a walk loads at a level take its rights, and shorten what is alike. */
  #load(table: number, linkedAt: number, level: number, page: number, at: number): EntryInTime {
    const { geometry, decoder, input } = this.#decision;
    const entry = this.#entries[level]!;
    entry.look(table, linkedAt, Math.floor(page / geometry.span(level)) % geometry.entries, at);
    if (entry.until < this.until) this.until = entry.until;
    const own = decoder.rights(entry.lo, entry.hi);
    this.rights = input.capability.rightsAnded ? this.rights & own : own;
    return entry;
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
  from = 0;
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
    if (!isOwn || index !== this.#index || at < this.from) this.#begin(index);
    while (at >= this.until) {
      this.from = this.until;
      if (this.#writes!.apply(this.#next, index, this, this.#decision.decoder)) this.step = this.from;
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
    this.step = this.from = 0;
    this.#next = this.#writes?.begin(index) ?? 0;
    this.#end = this.#writes?.begin(index + 1) ?? 0;
    this.#seek();
  }

  #seek(): void {
    this.until = this.#next < this.#end ? this.#writes!.step(this.#next) : NEVER;
  }
}
