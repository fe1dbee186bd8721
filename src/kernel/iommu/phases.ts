import { CACHES_ALL, EditScript } from "../../edit-script/index.ts";
import { iovaPfn, type Pfn } from "../../units/index.ts";
import type { Entry } from "./format.ts";
import { appendStores, TableChange } from "./table-change.ts";

/** Ranges to invalidate for one domain; neighbours join as they arrive in ascending order. */
class InvalidationRanges {
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  add(start: number, end: number): void {
    const last = this.starts.length - 1;
    if (last >= 0 && start <= this.ends[last]! && end >= this.starts[last]!) {
      this.starts[last] = Math.min(this.starts[last]!, start);
      this.ends[last] = Math.max(this.ends[last]!, end);
      return;
    }
    this.starts.push(start);
    this.ends.push(end);
  }

  get isEmpty(): boolean {
    return this.starts.length === 0;
  }
}

/** More ranges than this become one that spans them all: hardware does the same above its largest page-selective range. */
const MAX_RANGES = 64;

interface DomainInvalidations {
  readonly leaf: InvalidationRanges;
  readonly nonLeaf: InvalidationRanges;
}

/** The live stores of one phase, and what caches may hold of the entries they overwrite. */
export class Phase {
  readonly script = new EditScript();
  readonly invalidations = new Map<number, DomainInvalidations>();
  #runTable = -1 as Pfn | -1;
  #runFirst = 0;
  #runCount = 0;
  #runUpdate = 0;
  #firstLo = 0;
  #firstHi = 0;
  #lastLo = 0;
  #lastHi = 0;
  #strideLo = 0;
  #strideHi = 0;
  stores = 0;

  /** One store to a reachable entry; consecutive ones with a constant stride become one storeRun step. */
  store(update: number, table: Pfn, index: number, to: Entry): void {
    this.stores++;
    if (this.#runTable === table && index === this.#runFirst + this.#runCount) {
      const strideLo = (to.lo - this.#lastLo) >>> 0;
      const strideHi = (to.hi - this.#lastHi - (to.lo < this.#lastLo ? 1 : 0)) >>> 0;
      if (this.#runCount === 1) {
        this.#strideLo = strideLo;
        this.#strideHi = strideHi;
      }
      if (strideLo === this.#strideLo && strideHi === this.#strideHi) {
        this.#runCount++;
        this.#lastLo = to.lo;
        this.#lastHi = to.hi;
        return;
      }
    }
    this.flush();
    this.#runTable = table;
    this.#runFirst = index;
    this.#runCount = 1;
    this.#runUpdate = update;
    this.#firstLo = this.#lastLo = to.lo;
    this.#firstHi = this.#lastHi = to.hi;
  }

  /** One exchange of a reachable leaf: A and D that walkers set in it are carried over. */
  exchange(update: number, table: Pfn, index: number, from: Entry, to: Entry): void {
    this.stores++;
    this.flush();
    this.script.exchange(update, table, index, from.lo, from.hi, to.lo, to.hi);
  }

  flush(): void {
    const table = this.#runTable;
    if (table === -1) return;
    if (this.#runCount === 1)
      this.script.store(this.#runUpdate, table, this.#runFirst, this.#firstLo, this.#firstHi);
    else
      this.script.storeRun(
        this.#runUpdate,
        table,
        this.#runFirst,
        this.#runCount,
        this.#firstLo,
        this.#firstHi,
        this.#strideLo,
        this.#strideHi,
      );
    this.#runTable = -1;
  }

  /** The caches of `domain` may hold what stood in [start, end); `nonLeaf` when a table pointer did or does. */
  invalidate(domain: number, nonLeaf: boolean, start: number, end: number): void {
    let of = this.invalidations.get(domain);
    if (of === undefined) {
      of = { leaf: new InvalidationRanges(), nonLeaf: new InvalidationRanges() };
      this.invalidations.set(domain, of);
    }
    (nonLeaf ? of.nonLeaf : of.leaf).add(start, end);
  }
}

/**
 * The phases of one map change, in the order every walker must see them (races that each order prevents: DESIGN.md):
 *
 *     build    plain stores into tables nobody reaches
 *     split    leaf → table of smaller leaves with the same translation; pages that go may be absent already
 *     edit     leaves change, subtrees are linked and detached
 *     merge    table → leaf, where the leaves of the last phase agree
 *     release  tables and pins go back
 *
 * Several domains share one set of phases, so that nothing is released before the last domain has let go.
 */
export class Phases extends TableChange {
  readonly split = new Phase();
  readonly edit = new Phase();
  readonly merge = new Phase();
  /** A page under a split also changes its translation: the old large leaf must be gone before the small one differs. */
  splitsMustSettle = false;

  override get entryStores(): number {
    return this.split.stores + this.edit.stores + this.merge.stores;
  }

  override compose(isCoherent: boolean): EditScript {
    for (const phase of [this.split, this.edit, this.merge]) phase.flush();
    const script = new EditScript();
    this.appendBuild(script, isCoherent);
    appendStores(script, this.split.script, isCoherent);
    const carried = this.splitsMustSettle ? [] : [this.split];
    if (this.splitsMustSettle) settle(script, [this.split]);
    appendStores(script, this.edit.script, isCoherent);
    const settled = settle(script, [...carried, this.edit]);
    if (this.merge.stores > 0) {
      appendStores(script, this.merge.script, isCoherent);
      settle(script, [this.merge]);
    } else if (!settled && this.entryStores > 0) {
      script.barrier();
    }
    this.appendReleases(script);
    return script;
  }
}

/** Appends barrier, invalidations and a draining wait for what the phases overwrote; false when there was nothing to do. */
function settle(script: EditScript, phases: readonly Phase[]): boolean {
  const domains = new Map<number, DomainInvalidations[]>();
  for (const phase of phases)
    for (const [domain, of] of phase.invalidations) domains.set(domain, [...(domains.get(domain) ?? []), of]);
  if (domains.size === 0) return false;
  script.barrier();
  for (const [domain, parts] of domains) {
    for (const scope of ["leaf", "nonLeaf"] as const) {
      const ranges = join(parts.map((part) => part[scope]));
      for (let i = 0; i < ranges.starts.length; i++)
        script.invalidate(
          domain,
          scope,
          CACHES_ALL,
          iovaPfn(ranges.starts[i]!),
          ranges.ends[i]! - ranges.starts[i]!,
        );
    }
  }
  script.wait(true);
  return true;
}

function join(parts: readonly InvalidationRanges[]): InvalidationRanges {
  const used = parts.filter((part) => !part.isEmpty);
  let all = used[0] ?? new InvalidationRanges();
  if (used.length > 1) {
    const pairs = used.flatMap((part) => part.starts.map((start, i) => [start, part.ends[i]!] as const));
    pairs.sort((a, b) => a[0] - b[0]);
    all = new InvalidationRanges();
    for (const [start, end] of pairs) all.add(start, end);
  }
  if (all.starts.length <= MAX_RANGES) return all;
  // One by one: there may be more ranges than a call can have arguments.
  let [start, end] = [Infinity, 0];
  for (let i = 0; i < all.starts.length; i++) {
    start = Math.min(start, all.starts[i]!);
    end = Math.max(end, all.ends[i]!);
  }
  const span = new InvalidationRanges();
  span.add(start, end);
  return span;
}
