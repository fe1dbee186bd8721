/** Things that concern runs of neighbouring entries of one table, each found by the entries it concerns. */
export class ByEntry {
  /** Those of entry i stand in `#positions` from place `#begins[i]` to `#begins[i + 1]`, in order. */
  readonly #begins: Uint32Array;
  readonly #positions: Uint32Array;

  /** `firstOf` and `countOf`: entries that the thing at a position concerns; those from `entries` on are left out. */
  constructor(
    entries: number,
    things: number,
    firstOf: (position: number) => number,
    countOf: (position: number) => number,
  ) {
    const begins = new Uint32Array(entries + 1);
    const each = (visit: (entry: number, position: number) => void): void => {
      for (let position = 0; position < things; position++) {
        const first = firstOf(position);
        const end = Math.min(entries, first + countOf(position));
        for (let entry = first; entry < end; entry++) visit(entry, position);
      }
    };
    each((entry) => void begins[entry + 1]!++);
    for (let entry = 0; entry < entries; entry++) begins[entry + 1]! += begins[entry]!;
    this.#begins = begins;
    this.#positions = new Uint32Array(begins[entries]!);
    const next = begins.slice();
    each((entry, position) => void (this.#positions[next[entry]!++] = position));
  }

  /** Where those that concern an entry begin, in order; they end where those of the next one begin. */
  begin(entry: number): number {
    return this.#begins[entry] ?? this.#positions.length;
  }
  /** The position of the one that stands at a place. */
  position(place: number): number {
    return this.#positions[place]!;
  }
}
