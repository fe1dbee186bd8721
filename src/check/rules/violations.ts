import type { Origin } from "../walks/facts.ts";
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
  /** First page of the stretch of equally invalidated pages it lies in. */
  readonly stretch: number;
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
export const leafMet = (frame: number, rights: number): number => frame * A_FRAME + rights;
/** What lies between a leaf and one of the next frame with the same rights. */
const A_FRAME = 4;

const RIGHTS = ["no rights", "read only", "write only", "read and write"] as const;
/** The same in words. */
export const leafText = (leaf: number): string =>
  `frame 0x${(Math.floor(leaf / A_FRAME) * 4096).toString(16)} (${RIGHTS[leaf % A_FRAME]})`;

/** What a violation is called. */
interface Name {
  readonly class: ViolationClass;
  /** Only weak memory order shows it, as far as the two were compared. */
  readonly isWeakOnly: boolean;
}

/** What neighbouring violations share. */
interface Place extends Name {
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

/** Whole numbers of 32 bits of a row, and the others: where each stands in it. */
const PLACE = 0;
const INDEX = 1;
const INDEX_STEP = 2;
const STEP = 3;
const UNTIL = 4;
const FROM = 5;
const INTEGERS = 6;
const START = 0;
const END = 1;
const GRAIN = 2;
const MET = 3;
const STRETCH = 4;
const NUMBERS = 5;
/** Rows are kept in chunks, so that none is ever moved. */
const CHUNK_LG2 = 9;
const CHUNK_MASK = (1 << CHUNK_LG2) - 1;

interface Chunk {
  readonly integers: Int32Array;
  readonly numbers: Float64Array;
}

/**
 * Violations in the order in which they were found, a row of numbers each: a script that is wrong throughout breaks a rule on
 * every page of a scattered map in a way of its own, and an object for each would cost more than to find it.
 */
export class Violations {
  length = 0;
  readonly #chunks: Chunk[] = [];
  readonly #places: Place[] = [];
  readonly #lastOf = new Map<ViolationClass, Last>();
  /** The class added last, which is nearly always the next one too. */
  #lastClass: ViolationClass | null = null;
  #ofLastClass: Last = { place: -1, row: -1 };
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
    stretch: number,
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
    const last = this.#lastOfClass(kind);
    const place = this.#places[last.place];
    if (
      place === undefined ||
      place.table !== table ||
      place.level !== level ||
      place.access !== access ||
      place.domain !== domain
    )
      last.place =
        this.#places.push({ class: kind, shows: kind, domain, access, table, level, isWeakOnly: false }) - 1;
    else {
      const { integers, numbers } = this.#chunks[last.row >> CHUNK_LG2]!;
      const int = (last.row & CHUNK_MASK) * INTEGERS;
      const num = (last.row & CHUNK_MASK) * NUMBERS;
      const isNext =
        numbers[num + END] === start &&
        numbers[num + GRAIN] === grain &&
        integers[int + STEP] === step &&
        integers[int + UNTIL] === until &&
        integers[int + FROM] === from &&
        numbers[num + MET] === code &&
        numbers[num + STRETCH] === stretch;
      const by = start - numbers[num + START]!;
      const steps = index - integers[int + INDEX]!;
      if (isNext && by === grain && steps === 0) integers[int + INDEX_STEP] = 0;
      const isInStep = end - start === grain || indexStep === integers[int + INDEX_STEP];
      if (isNext && isInStep && steps * grain === by * integers[int + INDEX_STEP]!) {
        numbers[num + END] = end;
        return;
      }
    }
    last.row = this.#append(last.place, step, until, from, index);
    this.#fill(last.row, stretch, start, end, grain, end - start === grain ? 1 : indexStep, code);
  }

  /** Adds one as it is. */
  push(violation: RawViolation): void {
    const { class: kind, shows, domain, access, table, level, start, end, relapse } = violation;
    const { stretch, step, until, from, index, grain, indexStep, met } = violation;
    const name = { class: kind, isWeakOnly: kind === "V15" };
    const place = this.#placeLike(name, shows ?? kind, domain, access, table, level);
    const row = this.#append(place, step, until, from, index);
    this.#fill(row, stretch, start, end, grain ?? end - start, indexStep ?? 1, this.#codeOf(met));
    if (relapse !== undefined) this.#relapses.set(row, relapse);
  }

  /** Adds the pages [start, end) of another's row under another name. Pre: made like the other. */
  copy(other: Violations, i: number, name: Name, start: number, end: number): void {
    const [first, grain] = [other.start(i), other.grain(i)];
    // What is less than a grain is a row of its own.
    for (let from = start; from < end; ) {
      const begin = from - ((from - first) % grain);
      const whole = begin + Math.floor((end - begin) / grain) * grain;
      const to = begin === from && whole > from ? whole : Math.min(end, begin + grain);
      this.#copyGrains(other, i, name, from, to);
      from = to;
    }
  }

  /** The same of whole grains, or of a part of one. */
  #copyGrains(other: Violations, i: number, name: Name, start: number, end: number): void {
    const source = other.#places[other.place(i)]!;
    const { shows, domain, access, table, level } = source;
    const place = this.#placeLike(name, shows, domain, access, table, level);
    const grain = Math.min(other.grain(i), end - start);
    const indexStep = other.#integer(i, INDEX_STEP) as 0 | 1;
    const by = start - other.start(i);
    const grains = Math.floor(by / other.grain(i));
    const index = other.#integer(i, INDEX) + grains * indexStep;
    const code = other.#number(i, MET);
    // Frames rise with pages inside of a grain.
    const met = code < 0 ? code : code + A_FRAME * (by - grains * other.grain(i));
    const row = this.#append(place, other.step(i), other.until(i), other.from(i), index);
    this.#fill(row, other.stretch(i), start, end, grain, indexStep, met);
    const relapse = other.#relapses.get(i);
    if (relapse !== undefined) this.#relapses.set(row, relapse);
  }

  /** The last place, where that is the same. */
  #placeLike(
    { class: kind, isWeakOnly }: Name,
    shows: ViolationClass,
    domain: number,
    access: number,
    table: number,
    level: number,
  ): number {
    const last = this.#places.at(-1);
    const isSame =
      last !== undefined &&
      last.table === table &&
      last.class === kind &&
      last.shows === shows &&
      last.domain === domain &&
      last.access === access &&
      last.level === level &&
      last.isWeakOnly === isWeakOnly;
    if (isSame) return this.#places.length - 1;
    return this.#places.push({ class: kind, shows, domain, access, table, level, isWeakOnly }) - 1;
  }

  /** Of what takes two pages: the answers in turn. */
  relapse(i: number): Relapse | undefined {
    return this.#relapses.get(i);
  }
  class(i: number): ViolationClass {
    return this.#places[this.#integer(i, PLACE)]!.class;
  }
  isWeakOnly(i: number): boolean {
    const { class: kind, isWeakOnly } = this.#places[this.#integer(i, PLACE)]!;
    return isWeakOnly || kind === "V15";
  }
  shows(i: number): ViolationClass {
    return this.#places[this.#integer(i, PLACE)]!.shows;
  }
  domain(i: number): number {
    return this.#places[this.#integer(i, PLACE)]!.domain;
  }
  access(i: number): number {
    return this.#places[this.#integer(i, PLACE)]!.access;
  }
  table(i: number): number {
    return this.#places[this.#integer(i, PLACE)]!.table;
  }
  /** Rows with one number share class, domain and table. */
  place(i: number): number {
    return this.#integer(i, PLACE);
  }
  stretch(i: number): number {
    return this.#number(i, STRETCH);
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
    return this.#integer(i, STEP);
  }
  until(i: number): number {
    return this.#integer(i, UNTIL);
  }
  from(i: number): number {
    return this.#integer(i, FROM);
  }

  /** True iff one store shows both rows, and the same invalidations reach them. */
  isOneStore(a: number, b: number): boolean {
    return (
      this.step(a) === this.step(b) && this.until(a) === this.until(b) && this.stretch(a) === this.stretch(b)
    );
  }

  /** One row as an object, for readers of a few; its pages from `start` on, one of them. */
  at(i: number, start = this.start(i)): RawViolation {
    const { class: kind, shows, domain, access, table, level } = this.#places[this.#integer(i, PLACE)]!;
    const grain = this.grain(i);
    const grains = Math.floor((start - this.start(i)) / grain);
    const indexStep = this.#integer(i, INDEX_STEP) as 0 | 1;
    // Inside of what breaks the rule at once frames rise with pages.
    const code = this.#number(i, MET);
    const met = code < 0 ? code : code + A_FRAME * (start - this.start(i) - grains * grain);
    const relapse = this.#relapses.get(i);
    return {
      class: kind,
      ...(shows !== kind && { shows }),
      domain,
      start,
      end: this.end(i),
      access,
      from: this.from(i),
      met: met < 0 ? this.#texts[-1 - met]! : leafText(met),
      stretch: this.stretch(i),
      table,
      index: this.#integer(i, INDEX) + grains * indexStep,
      level,
      step: this.step(i),
      until: this.until(i),
      grain,
      indexStep,
      ...(relapse !== undefined && { relapse }),
    };
  }

  /** One object a row. */
  *[Symbol.iterator](): Generator<RawViolation> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  #integer(i: number, word: number): number {
    return this.#chunks[i >> CHUNK_LG2]!.integers[(i & CHUNK_MASK) * INTEGERS + word]!;
  }
  #number(i: number, word: number): number {
    return this.#chunks[i >> CHUNK_LG2]!.numbers[(i & CHUNK_MASK) * NUMBERS + word]!;
  }

  /** Adds a row, to be filled with the rest; its position. */
  #append(place: number, step: number, until: number, from: number, index: number): number {
    const row = this.length++;
    if ((row & CHUNK_MASK) === 0)
      this.#chunks.push({
        integers: new Int32Array(INTEGERS << CHUNK_LG2),
        numbers: new Float64Array(NUMBERS << CHUNK_LG2),
      });
    const { integers } = this.#chunks[row >> CHUNK_LG2]!;
    const at = (row & CHUNK_MASK) * INTEGERS;
    integers[at + PLACE] = place;
    integers[at + STEP] = step;
    integers[at + UNTIL] = until;
    integers[at + FROM] = from;
    integers[at + INDEX] = index;
    return row;
  }

  #fill(
    row: number,
    stretch: number,
    start: number,
    end: number,
    grain: number,
    indexStep: 0 | 1,
    met: number,
  ): void {
    const { integers, numbers } = this.#chunks[row >> CHUNK_LG2]!;
    integers[(row & CHUNK_MASK) * INTEGERS + INDEX_STEP] = indexStep;
    const at = (row & CHUNK_MASK) * NUMBERS;
    numbers[at + START] = start;
    numbers[at + END] = end;
    numbers[at + GRAIN] = grain;
    numbers[at + MET] = met;
    numbers[at + STRETCH] = stretch;
  }

  #lastOfClass(kind: ViolationClass): Last {
    if (kind === this.#lastClass) return this.#ofLastClass;
    let last = this.#lastOf.get(kind);
    if (last === undefined) this.#lastOf.set(kind, (last = { place: -1, row: -1 }));
    this.#lastClass = kind;
    this.#ofLastClass = last;
    return last;
  }

  /** Leaves as they are, words by their place among all words, from -1 down. */
  #codeOf(met: Met): number {
    if (typeof met === "number") return met;
    let id = this.#textIds.get(met);
    if (id === undefined) this.#textIds.set(met, (id = this.#texts.push(met)));
    return -id;
  }
}
