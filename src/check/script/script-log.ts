import {
  decodeStep,
  type EditScript,
  FLAG_DRAIN,
  FLAG_NON_LEAF,
  FLAG_ONE_IOMMU,
  FLAG_OPEN,
  OP,
  RECORD_WORDS,
  recordLength,
  type ScriptDomain,
  type SetRootStep,
} from "../../edit-script/index.ts";
import { declaredWindows, type Window, type WindowStep } from "./declared-windows.ts";
import { InvalidationQueues } from "./invalidation-queues.ts";
import { Invalidations } from "./invalidations.ts";
import { NEVER } from "./positions.ts";
import { Stops } from "./stops.ts";
import { TableLog } from "./table-log.ts";
import { Unpins } from "./unpins.ts";
import { WriteRows } from "./write-rows.ts";

const TWO32 = 0x1_0000_0000;

/** A script sorted by what it touches: writes by table, and the steps that order them. Steps are numbered from 1. */
export class ScriptLog {
  readonly script: EditScript;
  readonly words: Uint32Array;
  readonly steps: number;
  /** Steps with every run counted entry by entry. */
  events = 0;
  /** Entry stores, plain ones included. */
  stores = 0;
  readonly #hasCollects: boolean;
  readonly #rows: WriteRows;
  /** The first life of every table. */
  readonly #logs = new Map<number, TableLog>();
  /** All lives, by number. */
  readonly #lives: TableLog[] = [];
  readonly barriers: Int32Array;
  readonly stops: Stops;
  readonly waits: Int32Array;
  readonly invalidations: Invalidations;
  readonly windows: readonly Window[];
  readonly unpins: Unpins;
  readonly roots: (SetRootStep & { readonly step: number })[] = [];
  readonly frees: { readonly step: number; readonly table: number }[] = [];
  readonly #queues: InvalidationQueues;
  /** The tags that each domain has at some time, and by tag what its devices see of the invalidations. */
  readonly #tags: readonly Set<number>[];
  readonly #seen = new Map<number, Invalidations>();
  /** By step, how many have stored entries up to it; made when somebody asks. */
  #written: Int32Array | null = null;
  readonly #windowSteps: WindowStep[] = [];
  /** Where the records start, where they are not all equally long, and once somebody has asked for it. */
  readonly #uneven: Uint32Array | null;
  #records: Uint32Array | null = null;

  /** `collects`: whether D bits matter, so that what is collected from counts as touched. */
  constructor(script: EditScript, domains: readonly ScriptDomain[], collects = false) {
    this.script = script;
    this.#hasCollects = collects;
    this.words = script.words;
    this.steps = script.steps;
    const isUneven = this.words.length > this.steps * RECORD_WORDS;
    this.#uneven = isUneven ? this.records : null;
    const counts = this.#counts();
    const count = (op: number): number => counts[op]!;
    this.barriers = new Int32Array(count(OP.barrier));
    this.waits = new Int32Array(count(OP.wait));
    this.unpins = new Unpins(count(OP.unpin));
    this.invalidations = new Invalidations(count(OP.invalidate));
    this.#queues = new InvalidationQueues(this.invalidations, count(OP.wait), domains);
    const storing = WRITES.reduce((sum, op) => sum + count(op), 0);
    this.#rows = new WriteRows(storing);
    const writing = storing + count(OP.clean) + count(OP.collect);
    const stopping = this.steps - writing + count(OP.collect);
    this.stops = new Stops(this.#read(Math.min(writing, stopping)), this.barriers);
    this.#sortWrites();
    this.#queues.settle();
    this.#tags = domains.map(({ id }) => this.#tagsOf(id));
    this.windows = declaredWindows(this.#windowSteps);
  }

  /** Word where the record of step k starts, at k - 1. */
  get records(): Uint32Array {
    return (this.#records ??= this.#located());
  }

  /** Logs of every life of every table the script writes or frees. */
  *logs(): Generator<TableLog> {
    for (const first of this.#logs.values()) {
      yield first;
      if (first.later !== null) yield* first.later;
    }
  }
  /** How many logs there are: each has a number below that. */
  get lives(): number {
    return this.#lives.length;
  }
  /** Steps at which accesses with a tag are drained. */
  drainsOf(tag: number): Int32Array {
    return this.#queues.drainsOf(tag);
  }
  /** The invalidations as devices see them that use a tag. */
  invalidationsOf(tag: number): Invalidations {
    if (this.roots.length === 0) return this.invalidations;
    let seen = this.#seen.get(tag);
    if (seen === undefined) {
      const tags = this.#tags.find((own) => own.has(tag));
      seen = (tags?.size ?? 0) > 1 ? this.invalidations.under(tag, tags!) : this.invalidations;
      this.#seen.set(tag, seen);
    }
    return seen;
  }
  /** True iff entries are stored between two steps. */
  writesBetween(first: number, last: number): boolean {
    const counts = (this.#written ??= this.#countedWrites());
    return counts[last - 1]! > counts[first]!;
  }
  isTouched(table: number): boolean {
    return this.#logs.has(table);
  }
  /** The life a link stored at `step` points to; null for a table the script neither writes nor frees. */
  logAt(table: number, step: number): TableLog | null {
    const first = this.#logs.get(table);
    if (first === undefined) return null;
    const { later } = first;
    if (later === null || first.freedAt > step) return first;
    // A page that is used again and again has many lives, one freed after the other.
    let low = 0;
    let high = later.length - 1;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (later[mid]!.freedAt > step) high = mid;
      else low = mid + 1;
    }
    return later[low]!;
  }

  #tagsOf(id: number): Set<number> {
    const tags = new Set([id]);
    let tag = id;
    for (const root of this.roots) if (root.domain === tag) tags.add((tag = root.tag));
    return tags;
  }

  #countedWrites(): Int32Array {
    const { words } = this;
    const counts = new Int32Array(this.steps + 1);
    for (let step = 1, at = 0; step <= this.steps; step++, at += recordLength(words, at))
      counts[step] = counts[step - 1]! + Number(isWrite(words[at]! & 0xff));
    return counts;
  }

  #located(): Uint32Array {
    const { words } = this;
    const records = new Uint32Array(this.steps);
    for (let step = 0, at = 0; step < records.length; at += recordLength(words, at)) records[step++] = at;
    return records;
  }

  /** How many records there are of each op. */
  #counts(): Uint32Array {
    const { words } = this;
    const counts = new Uint32Array(256);
    for (let at = 0; at < words.length; at += recordLength(words, at)) counts[words[at]! & 0xff]!++;
    return counts;
  }

  /** Sorts the steps; returns those that neither store nor clean entries, behind one that does or collects: at most so many. */
  #read(most: number): Int32Array {
    const { words, unpins, steps } = this;
    const rows = this.#rows;
    const stops = new Int32Array(most);
    let [stopped, paused, barriers, waits, stores] = [0, 0, 0, 0, 0];
    let isWriting = false;
    let lastTable = -1;
    let lastLog: TableLog | null = null;
    for (let step = 1, at = 0; step <= steps; step++, at += recordLength(words, at)) {
      const op = words[at]! & 0xff;
      const flags = words[at]! >>> 8;
      const table = words[at + 2]!;
      if (isWrite(op)) {
        if (table !== lastTable || lastLog!.freedAt !== NEVER) {
          lastTable = table;
          lastLog = this.#lifeForWrite(table);
        }
        const span = words[at + 3]!;
        rows.push(lastLog!.number, op, step, span, words[at + 4]!, words[at + 5]!);
        lastLog!.writes++;
        stores += span >>> 16;
        isWriting = true;
        continue;
      }
      paused++;
      if (op !== OP.clean) {
        if (isWriting) stops[stopped++] = step;
        isWriting = false;
      }
      if (op === OP.barrier) this.barriers[barriers++] = step;
      else if (op === OP.clean) {
        const index = words[at + 3]! & 0xffff;
        // It writes nothing: behind a `freeTable` it does not make a table of the page again.
        this.#lastLife(table).clean(step, index, words[at + 3]! >>> 16);
        isWriting = true;
      } else if (op === OP.collect) {
        if (!this.#hasCollects) continue;
        // Mostly it is the table that is written as well.
        const isLast = table === lastTable && lastLog!.freedAt === NEVER;
        const log = isLast ? lastLog! : this.#lastLife(table);
        log.collect(step, words[at + 3]! & 0xffff, words[at + 3]! >>> 16);
        // What it takes dirty bits from it writes.
        isWriting = true;
      } else if (op === OP.invalidate) {
        const start = words[at + 5]! * TWO32 + words[at + 4]!;
        const end = start + words[at + 7]! * TWO32 + words[at + 6]!;
        const isNonLeaf = (flags & FLAG_NON_LEAF) !== 0;
        const own = this.invalidations.push(step, table, words[at + 3]!, isNonLeaf, start, end);
        this.#queues.post(own, table);
      } else if (op === OP.wait) {
        this.waits[waits++] = step;
        this.#queues.wait(step, (flags & FLAG_DRAIN) !== 0, flags & FLAG_ONE_IOMMU ? table : null);
      } else if (op === OP.unpin) {
        const start = words[at + 5]! * TWO32 + words[at + 4]!;
        unpins.push(step, start, start + words[at + 7]! * TWO32 + words[at + 6]!);
      } else this.#release(op, flags, at, step);
    }
    this.stores = stores;
    this.events = stores + paused;
    return stops.subarray(0, stopped);
  }

  #release(op: number, flags: number, at: number, step: number): void {
    const decoded = decodeStep(this.words, at);
    if (decoded.op === "freeTable") {
      this.frees.push({ step, table: decoded.table });
      this.#lastLife(decoded.table).free(step);
    } else if (decoded.op === "setRoot") {
      this.roots.push({ ...decoded, step });
      this.#queues.rename(decoded.domain, decoded.tag);
    } else if (decoded.op === "window") {
      const start = decoded.iovaPfn;
      const opens = (flags & FLAG_OPEN) !== 0;
      this.#windowSteps.push({ step, opens, domain: decoded.domain, start, end: start + decoded.pages });
    } else throw new RangeError(`edit script: op ${op} at step ${step} is not decided`);
  }

  #newLife(table: number, life: number): TableLog {
    const log = new TableLog(table, life, this.#lives.length, this.#uneven, this.#rows);
    this.#lives.push(log);
    return log;
  }

  /** The last life of a page so far. */
  #lastLife(table: number): TableLog {
    let first = this.#logs.get(table);
    if (first === undefined) this.#logs.set(table, (first = this.#newLife(table, 0)));
    return first.later?.at(-1) ?? first;
  }

  #lifeForWrite(table: number): TableLog {
    const last = this.#lastLife(table);
    if (last.freedAt === NEVER) return last;
    const next = this.#newLife(table, last.life + 1);
    const first = this.#logs.get(table)!;
    if (first.later === null) first.later = [next];
    else first.later.push(next);
    return next;
  }

  /** Lets each life find its writes. */
  #sortWrites(): void {
    let first = 0;
    for (const log of this.#lives) {
      log.first = first;
      first += log.writes;
    }
    this.#rows.sort(() => Int32Array.from(this.#lives, (log) => log.first));
  }
}

const WRITES: readonly number[] = [OP.store, OP.storeRun, OP.exchange, OP.fill, OP.gather];
const isWrite = (op: number): boolean =>
  op === OP.store || op === OP.storeRun || op === OP.exchange || op === OP.fill || op === OP.gather;
