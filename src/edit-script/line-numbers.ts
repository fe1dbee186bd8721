const FIRST_ROOM = 16;
/** A call has several lists, most of them empty, and there may be thousands of calls. */
const NO_LINES = new Uint32Array(0);
/** Copying lines costs more than room that is never touched. */
const GROWTH = 4;

/** Numbers of lines in the order in which they are noted. A long recording has a million: as elements of a growing list they cost more than what stands in the lines. */
export class LineNumbers {
  length = 0;
  #lines = NO_LINES;

  push(line: number): void {
    if (this.length === this.#lines.length) {
      const longer = new Uint32Array(Math.max(FIRST_ROOM, GROWTH * this.length));
      longer.set(this.#lines);
      this.#lines = longer;
    }
    this.#lines[this.length++] = line;
  }

  /** Pre: so many have been noted. */
  at(i: number): number {
    return this.#lines[i]!;
  }

  list(): number[] {
    const list = new Array<number>(this.length);
    for (let i = 0; i < list.length; i++) list[i] = this.#lines[i]!;
    return list;
  }
}
