/** Runs in a chunk: few enough to be copied for a change, many enough to keep the list of chunks short. */
const FULL = 512;
const HALF = FULL / 2;

/** Where a run lies. */
export interface RunExtent<Run> {
  start(run: Run): number;
  /** Behind its last element. */
  end(run: Run): number;
}

/**
 * Runs in ascending order, free of overlap. A list never changes: a change of a few runs makes a new one that shares the rest, so
 * that thousands of calls can each have the list before them and the list behind.
 */
export class RunList<Run> {
  readonly #extent: RunExtent<Run>;
  /** None of them is empty. */
  readonly #chunks: readonly (readonly Run[])[];
  readonly length: number;
  #all: readonly Run[] | null = null;

  private constructor(extent: RunExtent<Run>, chunks: readonly (readonly Run[])[]) {
    this.#extent = extent;
    this.#chunks = chunks;
    this.length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** Pre: ascending, free of overlap. */
  static of<Run>(runs: readonly Run[], extent: RunExtent<Run>): RunList<Run> {
    const list = new RunList(extent, chunked(runs));
    list.#all = runs;
    return list;
  }

  /** All of them. */
  all(): readonly Run[] {
    return (this.#all ??= this.#chunks.flat());
  }

  /** Behind the last run; 0 where there is none. */
  get end(): number {
    const last = this.#chunks.at(-1)?.at(-1);
    return last === undefined ? 0 : this.#extent.end(last);
  }

  /** Those that have a part in [start, end). */
  touching(start: number, end: number): Run[] {
    const found: Run[] = [];
    for (let c = this.#chunkEndingAfter(start); c < this.#chunks.length; c++) {
      const chunk = this.#chunks[c]!;
      for (let i = this.#firstEndingAfter(chunk, start); i < chunk.length; i++) {
        if (this.#extent.start(chunk[i]!) >= end) return found;
        found.push(chunk[i]!);
      }
    }
    return found;
  }

  /** The list with other runs in place of those that have a part in [start, end). Pre: the others fit between their neighbours. */
  replaced(start: number, end: number, runs: readonly Run[]): RunList<Run> {
    const chunks = this.#chunks;
    const from = Math.min(this.#chunkEndingAfter(start), Math.max(0, chunks.length - 1));
    const first = chunks[from] ?? [];
    const before = first.slice(0, this.#firstEndingAfter(first, start));
    let to = from;
    let behind: readonly Run[] = [];
    for (; to < chunks.length; to++) {
      behind = chunks[to]!.slice(this.#firstStartingFrom(chunks[to]!, end));
      if (behind.length > 0) break;
    }
    const pieces = chunked([...before, ...runs, ...behind]);
    return new RunList(this.#extent, [...chunks.slice(0, from), ...pieces, ...chunks.slice(to + 1)]);
  }

  #chunkEndingAfter(position: number): number {
    return firstWhere(this.#chunks, (chunk) => this.#extent.end(chunk[chunk.length - 1]!) > position);
  }
  #firstEndingAfter(chunk: readonly Run[], position: number): number {
    return firstWhere(chunk, (run) => this.#extent.end(run) > position);
  }
  #firstStartingFrom(chunk: readonly Run[], position: number): number {
    return firstWhere(chunk, (run) => this.#extent.start(run) >= position);
  }
}

/** Runs in chunks that are not full. */
function chunked<Run>(runs: readonly Run[]): (readonly Run[])[] {
  if (runs.length === 0) return [];
  if (runs.length <= FULL) return [runs];
  const chunks: (readonly Run[])[] = [];
  for (let at = 0; at < runs.length; at += HALF) chunks.push(runs.slice(at, at + HALF));
  return chunks;
}

/** Place of the first element for which something is true that is true for all behind it; the length where there is none. */
function firstWhere<Element>(list: readonly Element[], is: (element: Element) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (is(list[mid]!)) high = mid;
    else low = mid + 1;
  }
  return low;
}
