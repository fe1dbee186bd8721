import { addressIn, isLeaf, isLink, type Shape, type Translation, translationIn } from "./entries.ts";

/** Far below all frames that are mapped. */
const FIRST_TABLE = 0x10_0000;

/** The pages that tables live in: their words, and who may have which. */
export class TableMemory {
  readonly shape: Shape;
  readonly #tables = new Map<number, BigUint64Array>();
  readonly #free: number[] = [];
  #next = FIRST_TABLE;

  constructor(shape: Shape) {
    this.shape = shape;
  }

  /** A zeroed page; `recycled`: one that was given back, if there is any. */
  take(recycled: boolean): number {
    const table = (recycled ? this.#free.shift() : undefined) ?? this.#next++;
    this.#tables.set(table, new BigUint64Array(this.shape.entries));
    return table;
  }
  give(table: number): void {
    this.#tables.delete(table);
    this.#free.push(table);
  }
  read(table: number, index: number): bigint {
    return this.#tables.get(table)![index]!;
  }
  write(table: number, index: number, word: bigint): void {
    this.#tables.get(table)![index] = word;
  }

  /** All there is, to be kept while this goes on changing. */
  snapshot(): Map<number, BigUint64Array> {
    return new Map([...this.#tables].map(([table, words]) => [table, words.slice()]));
  }

  /** Every leaf below a root. */
  *leaves(table: number, level = this.shape.levels - 1, start = 0): Generator<Leaf> {
    for (let index = 0; index < this.shape.entries; index++) {
      const word = this.read(table, index);
      const page = start + index * this.shape.span(level);
      if (isLeaf(word, level)) yield { table, index, level, page, ...translationIn(word) };
      else if (isLink(word, level)) yield* this.leaves(addressIn(word), level - 1, page);
    }
  }
}

export interface Leaf extends Translation {
  readonly table: number;
  readonly index: number;
  readonly level: number;
  readonly page: number;
}
