import type { Coverage } from "./coverage.ts";
import type { Origin } from "./facts.ts";
import { RangeList, type Ranges } from "./ranges.ts";
import type { Relapse } from "./relapse.ts";
import type { ViolationClass } from "./violation-class.ts";

/** A class of pages that break one rule for one reason. */
export interface RawViolation extends Omit<Origin, "at" | "span"> {
  readonly class: ViolationClass;
  /** What is met where the class itself is V15: a missing barrier shows as this. */
  readonly shows?: ViolationClass;
  readonly domain: number;
  readonly start: number;
  readonly end: number;
  /** 1 read, 2 write, 0 where both or none matter. */
  readonly access: number;
  /** Position from which it can be met. */
  readonly from: number;
  /** What was met, in words. */
  readonly met: string;
  /** The stretch of equally invalidated pages it lies in. */
  readonly coverage: Coverage;
  /**
   * Where it is several in a row that differ in nothing else: the pages of each, and by how much the index rises from one
   * to the next; `index` is that of the first. A fault of a whole scattered guest is so one of each table, not of each page.
   */
  readonly grain?: number;
  readonly indexStep?: 0 | 1;
  /** V11: the two answers that show it, which stand for all. */
  readonly relapse?: Relapse;
}

/** What was met: words, or a leaf whose words are made when somebody wants to read them. */
export type Met = string | number;

/** The leaf that translates to `frame` with these rights. */
export const leafMet = (frame: number, rights: number): Met => frame * 4 + rights;

const RIGHTS = ["no rights", "read only", "write only", "read and write"] as const;
const leafText = (leaf: number): string =>
  `frame 0x${(Math.floor(leaf / 4) * 4096).toString(16)} (${RIGHTS[leaf % 4]})`;

/** What neighbouring violations share. */
interface Place {
  readonly class: ViolationClass;
  readonly shows: ViolationClass;
  readonly domain: number;
  readonly access: number;
  readonly table: number;
  readonly level: number;
}

/** The last violation of a class: others may be added to it. */
interface Last {
  place: number;
  row: number;
}

/** Numbers of a row: where each stands in it. */
const PLACE = 0;
const COVERAGE = 1;
const START = 2;
const END = 3;
const GRAIN = 4;
const INDEX = 5;
const INDEX_STEP = 6;
const STEP = 7;
const UNTIL = 8;
const FROM = 9;
const MET = 10;
const ROW = 11;
/** Rows are kept in chunks, so that none is ever moved. */
const CHUNK_LG2 = 9;
const CHUNK_MASK = (1 << CHUNK_LG2) - 1;

/**
 * Violations in the order in which they were found, a row of numbers each: a script that is wrong throughout breaks a rule on
 * every page of a scattered map in a way of its own, and an object for each would cost more than to find it.
 */
export class Violations {
  length = 0;
  readonly #chunks: Float64Array[] = [];
  readonly #places: Place[] = [];
  readonly #coverages: Coverage[] = [];
  readonly #lastOf = new Map<ViolationClass, Last>();
  readonly #texts: string[];
  readonly #textIds: Map<string, number>;
  readonly #relapses = new Map<number, Relapse>();

  /** `like`: violations that rows will be copied from. */
  constructor(like: Violations | null = null) {
    this.#texts = like === null ? [] : like.#texts;
    this.#textIds = like === null ? new Map() : like.#textIds;
  }

  /**
   * Adds one, or several in a row of `grain` pages each, of which each has an index that is `indexStep` above the one before; to
   * the row of its class before it where the two differ in nothing but their place.
   */
  add(
    kind: ViolationClass,
    domain: number,
    coverage: Coverage,
    origin: Pick<Origin, "table" | "level" | "step" | "until">,
    index: number,
    access: number,
    start: number,
    end: number,
    from: number,
    met: Met,
    grain: number,
    indexStep: 0 | 1,
  ): void {
    const { table, level, step, until } = origin;
    const code = this.#codeOf(met);
    let last = this.#lastOf.get(kind);
    if (last === undefined) this.#lastOf.set(kind, (last = { place: -1, row: -1 }));
    const place = this.#places[last.place];
    if (
      place === undefined ||
      place.table !== table ||
      place.level !== level ||
      place.access !== access ||
      place.domain !== domain
    )
      last.place = this.#places.push({ class: kind, shows: kind, domain, access, table, level }) - 1;
    else {
      const row = this.#chunks[last.row >> CHUNK_LG2]!;
      const at = (last.row & CHUNK_MASK) * ROW;
      const isNext =
        row[at + END] === start &&
        row[at + GRAIN] === grain &&
        row[at + STEP] === step &&
        row[at + UNTIL] === until &&
        row[at + FROM] === from &&
        row[at + MET] === code &&
        this.#coverages[row[at + COVERAGE]!] === coverage;
      const by = start - row[at + START]!;
      if (isNext && by === grain && index === row[at + INDEX]) row[at + INDEX_STEP] = 0;
      const isInStep = end - start === grain || indexStep === row[at + INDEX_STEP];
      if (isNext && isInStep && (index - row[at + INDEX]!) * grain === by * row[at + INDEX_STEP]!) {
        row[at + END] = end;
        return;
      }
    }
    last.row = this.length;
    const at = this.#append();
    const row = this.#chunks[last.row >> CHUNK_LG2]!;
    row[at + PLACE] = last.place;
    row[at + COVERAGE] = this.#coverageId(coverage);
    row[at + START] = start;
    row[at + END] = end;
    row[at + GRAIN] = grain;
    row[at + INDEX] = index;
    row[at + INDEX_STEP] = end - start === grain ? 1 : indexStep;
    row[at + STEP] = step;
    row[at + UNTIL] = until;
    row[at + FROM] = from;
    row[at + MET] = code;
  }

  /** Adds one as it is. */
  push(violation: RawViolation): void {
    const { class: kind, shows, domain, access, table, level, start, end, relapse } = violation;
    const at = this.#append();
    const row = this.#chunks[(this.length - 1) >> CHUNK_LG2]!;
    row[at + PLACE] =
      this.#places.push({ class: kind, shows: shows ?? kind, domain, access, table, level }) - 1;
    row[at + COVERAGE] = this.#coverageId(violation.coverage);
    row[at + START] = start;
    row[at + END] = end;
    row[at + GRAIN] = violation.grain ?? end - start;
    row[at + INDEX] = violation.index;
    row[at + INDEX_STEP] = violation.indexStep ?? 1;
    row[at + STEP] = violation.step;
    row[at + UNTIL] = violation.until;
    row[at + FROM] = violation.from;
    row[at + MET] = this.#codeOf(violation.met);
    if (relapse !== undefined) this.#relapses.set(this.length - 1, relapse);
  }

  /**
   * Adds the pages [start, end) of another's row, as class `kind`. Pre: made like the other; whole grains of the row.
   */
  copy(other: Violations, i: number, kind: ViolationClass, start: number, end: number): void {
    const from = other.#chunks[i >> CHUNK_LG2]!;
    const source = (i & CHUNK_MASK) * ROW;
    const at = this.#append();
    const row = this.#chunks[(this.length - 1) >> CHUNK_LG2]!;
    for (let word = 0; word < ROW; word++) row[at + word] = from[source + word]!;
    const before = row[at + START]!;
    row[at + START] = start;
    row[at + END] = end;
    row[at + INDEX]! += ((start - before) / row[at + GRAIN]!) * row[at + INDEX_STEP]!;
    row[at + COVERAGE] = this.#coverageId(other.coverage(i));
    const place = other.#places[row[at + PLACE]!]!;
    const last = this.#places.at(-1);
    const isSame =
      last !== undefined && last.class === kind && ALIKE.every((key) => last[key] === place[key]);
    row[at + PLACE] = (isSame ? this.#places.length : this.#places.push({ ...place, class: kind })) - 1;
    const relapse = other.#relapses.get(i);
    if (relapse !== undefined) this.#relapses.set(this.length - 1, relapse);
  }

  class(i: number): ViolationClass {
    return this.#places[this.#number(i, PLACE)]!.class;
  }
  shows(i: number): ViolationClass {
    return this.#places[this.#number(i, PLACE)]!.shows;
  }
  domain(i: number): number {
    return this.#places[this.#number(i, PLACE)]!.domain;
  }
  access(i: number): number {
    return this.#places[this.#number(i, PLACE)]!.access;
  }
  table(i: number): number {
    return this.#places[this.#number(i, PLACE)]!.table;
  }
  /** Rows with one number share class, domain and table. */
  place(i: number): number {
    return this.#number(i, PLACE);
  }
  coverage(i: number): Coverage {
    return this.#coverages[this.#number(i, COVERAGE)]!;
  }
  start(i: number): number {
    return this.#number(i, START);
  }
  end(i: number): number {
    return this.#number(i, END);
  }
  grain(i: number): number {
    return this.#number(i, GRAIN);
  }
  step(i: number): number {
    return this.#number(i, STEP);
  }
  until(i: number): number {
    return this.#number(i, UNTIL);
  }
  from(i: number): number {
    return this.#number(i, FROM);
  }

  /** True iff one store shows both rows, and the same invalidations reach them. */
  isOneStore(a: number, b: number): boolean {
    const [rowA, rowB] = [this.#chunks[a >> CHUNK_LG2]!, this.#chunks[b >> CHUNK_LG2]!];
    const [atA, atB] = [(a & CHUNK_MASK) * ROW, (b & CHUNK_MASK) * ROW];
    return (
      rowA[atA + STEP] === rowB[atB + STEP] &&
      rowA[atA + UNTIL] === rowB[atB + UNTIL] &&
      this.#coverages[rowA[atA + COVERAGE]!]!.start === this.#coverages[rowB[atB + COVERAGE]!]!.start
    );
  }

  /** One row as an object, for readers of a few. */
  at(i: number): RawViolation {
    const { class: kind, shows, domain, access, table, level } = this.#places[this.#number(i, PLACE)]!;
    const met = this.#number(i, MET);
    const relapse = this.#relapses.get(i);
    return {
      class: kind,
      ...(shows !== kind && { shows }),
      domain,
      start: this.start(i),
      end: this.end(i),
      access,
      from: this.from(i),
      met: met < 0 ? this.#texts[-1 - met]! : leafText(met),
      coverage: this.coverage(i),
      table,
      index: this.#number(i, INDEX),
      level,
      step: this.step(i),
      until: this.until(i),
      grain: this.grain(i),
      indexStep: this.#number(i, INDEX_STEP) as 0 | 1,
      ...(relapse !== undefined && { relapse }),
    };
  }

  /** One object a row. */
  *[Symbol.iterator](): Generator<RawViolation> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  #number(i: number, word: number): number {
    return this.#chunks[i >> CHUNK_LG2]![(i & CHUNK_MASK) * ROW + word]!;
  }

  /** Makes room for a row; where it starts in the last chunk. */
  #append(): number {
    const at = this.length++ & CHUNK_MASK;
    if (at === 0) this.#chunks.push(new Float64Array(ROW << CHUNK_LG2));
    return at * ROW;
  }

  #coverageId(coverage: Coverage): number {
    const { length } = this.#coverages;
    return this.#coverages[length - 1] === coverage ? length - 1 : this.#coverages.push(coverage) - 1;
  }

  /** Leaves as they are, words by their place among all words, from -1 down. */
  #codeOf(met: Met): number {
    if (typeof met === "number") return met;
    let id = this.#textIds.get(met);
    if (id === undefined) this.#textIds.set(met, (id = this.#texts.push(met)));
    return -id;
  }
}

/** Pages of one domain that the violations from row `first` on show, by class. */
export function pagesByClass(
  violations: Violations,
  domain: number,
  first = 0,
): ReadonlyMap<ViolationClass, Ranges> {
  const lists = new Map<ViolationClass, RangeList>();
  let place = -1;
  let list: RangeList | null = null;
  for (let i = first; i < violations.length; i++) {
    if (violations.place(i) !== place) {
      place = violations.place(i);
      const kind = violations.class(i);
      list = violations.domain(i) === domain ? (lists.get(kind) ?? new RangeList()) : null;
      if (list !== null) lists.set(kind, list);
    }
    list?.push(violations.start(i), violations.end(i));
  }
  return new Map([...lists].map(([kind, all]) => [kind, all.union()]));
}

const ALIKE = ["shows", "domain", "access", "table", "level"] as const;
