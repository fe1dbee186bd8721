import { seededRandom } from "./seeded-random.ts";
import { TableModel } from "./table-model.ts";
import {
  EVERY_CACHE,
  entryOf,
  IOTLB,
  LARGE,
  type MapRun,
  rightsOf,
  type TablesCall,
  type TablesScript,
  type TablesStep,
  WALK,
} from "./tables-script.ts";

/**
 * A driver without a plan: a handful of tables whose entries are stored, taken away and linked again, with barriers, invalidations and
 * waits where chance puts them. Each call's map is what the tables say in the end, and tables that hang nowhere are kept, mostly.
 */
const ROOT = 0x100000;
const OTHER_ROOT = 0x100001;
const MIDDLES = [0x100010, 0x100011] as const;
const LOWEST = [0x100020, 0x100021, 0x100022] as const;
const FRAMES = [0x1000001, 0x1000002, 0x1000003, 0x1000004, 0x1000005, 0x1000006] as const;
const LARGE_FRAMES = [0x1000200, 0x1000400] as const;

class Wild {
  readonly #draw: (bound: number) => number;
  readonly #isCoherent: boolean;
  readonly #model = new TableModel();
  readonly #tables = this.#model.tables;
  #root = ROOT;
  #tag = 1;
  #lastTag = 8;
  #steps: TablesStep[] = [];
  #freed = new Set<number>();
  #retired: number[] = [];

  constructor(draw: (bound: number) => number, isCoherent: boolean) {
    this.#draw = draw;
    this.#isCoherent = isCoherent;
    for (const table of [ROOT, ...MIDDLES, ...LOWEST]) this.#model.put(table, 9, 0);
    this.#model.put(ROOT, 0, entryOf(MIDDLES[0], 3));
    if (draw(4) > 0) this.#model.put(MIDDLES[0], 0, entryOf(LOWEST[0], 3));
    if (draw(3) === 0) this.#model.put(MIDDLES[0], 1, entryOf(this.#pick(LOWEST), 3));
    if (draw(3) === 0) this.#model.put(MIDDLES[1], 0, entryOf(LOWEST[1], 3));
    for (const table of LOWEST)
      for (const index of [3, 4])
        if (draw(2) === 0) this.#model.put(table, index, entryOf(this.#pick(FRAMES), 3));
  }
  #pick<T>(of: readonly T[]): T {
    return of[this.#draw(of.length)]!;
  }
  #store(table: number, index: number, first: number): void {
    const op = this.#draw(40) === 0 ? "fill" : "store";
    if (this.#freed.delete(table)) this.#tables.set(table, new Map());
    this.#model.put(table, index, first);
    this.#steps.push({ op, table, index, first, count: 1, stride: 0 });
    if (this.#draw(100) < 50) this.#settle(table, index);
  }
  #settle(table: number, index: number): void {
    this.#steps.push({ op: "barrier" });
    if (this.#isCoherent || this.#draw(8) === 0) return;
    this.#steps.push({ op: "clean", table, index, count: 1 });
    if (this.#draw(2) === 0) this.#steps.push({ op: "barrier" });
  }
  #invalidate(): void {
    const ranges: readonly (readonly [number, number | null])[] = [
      [0, 512],
      [0, 512 ** 2],
      [3, 1],
      [0x200, 512],
      [0, null],
      [0, 512 ** 3],
    ];
    const [start, pages] = this.#pick(ranges);
    const scope = this.#draw(8) === 0 ? "leaf" : "nonLeaf";
    const caches = this.#draw(6) === 0 ? this.#pick([IOTLB, WALK, IOTLB + WALK]) : EVERY_CACHE;
    this.#steps.push({ op: "invalidate", tag: this.#tag, caches, scope, start, pages });
    if (this.#draw(10) > 0) this.#steps.push({ op: "wait", drain: this.#draw(8) > 0, iommu: null });
  }
  #links(): readonly (readonly [number, number, number])[] {
    return [
      [MIDDLES[0], 0, LOWEST[0]],
      [MIDDLES[0], 0, LOWEST[1]],
      [MIDDLES[0], 1, LOWEST[1]],
      [MIDDLES[0], 1, LOWEST[0]],
      [MIDDLES[1], 0, LOWEST[2]],
      [this.#root, 0, MIDDLES[0]],
      [this.#root, 0, MIDDLES[1]],
      [this.#root, 1, MIDDLES[1]],
    ];
  }
  #changeLeaf(): void {
    const table = this.#pick(LOWEST);
    const flags = this.#draw(5) === 0 ? 1 : 3;
    this.#store(table, this.#pick([3, 4]), this.#draw(3) === 0 ? 0 : entryOf(this.#pick(FRAMES), flags));
  }
  #changeLink(): void {
    const [table, index, child] = this.#pick(this.#links());
    const held = this.#model.held(table, index);
    const how = this.#draw(10);
    if (table === MIDDLES[0] && how === 0)
      this.#store(table, index, entryOf(this.#pick(LARGE_FRAMES), LARGE + 3));
    else if (rightsOf(held) === 0) this.#store(table, index, entryOf(child, 3));
    else if (how < 3) this.#store(table, index, entryOf(child, 1 + 2 * this.#draw(2)));
    else if (how < 5) this.#store(table, index, 0);
    else {
      this.#store(table, index, 0);
      if (this.#draw(2) === 0) this.#invalidate();
      for (let i = this.#draw(3); i > 0; i--) this.#changeLeaf();
      this.#store(table, index, this.#draw(4) === 0 ? entryOf(child, 3) : held);
    }
  }
  #free(): void {
    const reached = this.#model.reached([{ root: this.#root, levels: 3 }]);
    const table = this.#pick([...LOWEST, ...MIDDLES]);
    if (this.#freed.has(table) || (reached.has(table) && this.#draw(12) > 0)) return;
    if (this.#draw(3) > 0) this.#invalidate();
    this.#steps.push({ op: "freeTable", table });
    this.#freed.add(table);
    this.#tables.delete(table);
  }
  #switchRoot(): void {
    const root = this.#root === ROOT ? OTHER_ROOT : ROOT;
    if (this.#draw(4) > 0) {
      const entries = this.#tables.get(this.#root)!;
      for (const [index, entry] of entries) {
        this.#steps.push({ op: "fill", table: root, index, first: entry, count: 1, stride: 0 });
        this.#model.put(root, index, entry);
        if (!this.#isCoherent) this.#settle(root, index);
      }
    } else if (!this.#tables.has(root)) return;
    if (this.#draw(6) > 0) this.#steps.push({ op: "barrier" });
    const tag = this.#tag;
    const again = this.#draw(2) === 0 ? this.#retired.shift() : undefined;
    const newTag = this.#draw(4) === 0 ? tag : (again ?? ++this.#lastTag);
    this.#steps.push({ op: "setRoot", tag, root, levels: 3, newTag });
    if (this.#draw(8) > 0) this.#steps.push({ op: "barrier" });
    if (this.#draw(8) > 0) this.#steps.push({ op: "context", tag });
    if (this.#draw(8) > 0) this.#steps.push({ op: "wait", drain: false, iommu: null });
    const scope = this.#draw(8) === 0 ? "leaf" : "nonLeaf";
    const invalidation = { op: "invalidate", caches: EVERY_CACHE, scope, start: 0, pages: null } as const;
    if (this.#draw(8) > 0) this.#steps.push({ ...invalidation, tag: this.#draw(8) === 0 ? newTag : tag });
    if (this.#draw(8) > 0) this.#steps.push({ op: "wait", drain: true, iommu: null });
    this.#root = root;
    this.#tag = newTag;
  }
  map(): MapRun[] {
    return this.#model.map({ root: this.#root, levels: 3 });
  }
  given(): TablesScript["given"] {
    return this.#model.given();
  }
  call(): TablesCall {
    this.#steps = [];
    const tag = this.#tag;
    for (let acts = 2 + this.#draw(6); acts > 0; acts--) {
      const how = this.#draw(20);
      if (how < 7) this.#changeLeaf();
      else if (how < 13) this.#changeLink();
      else if (how < 16) this.#invalidate();
      else if (how < 17) this.#free();
      else if (how < 18) this.#switchRoot();
      else this.#steps.push({ op: "barrier" });
    }
    if (this.#draw(8) > 0) {
      this.#steps.push({ op: "barrier" });
      if (!this.#isCoherent && this.#draw(10) > 0)
        for (const { table, index } of this.given())
          this.#steps.push({ op: "clean", table, index, count: 1 });
      if (this.#draw(8) > 0)
        this.#steps.push(
          { op: "invalidate", tag: this.#tag, caches: EVERY_CACHE, scope: "nonLeaf", start: 0, pages: null },
          { op: "wait", drain: true, iommu: null },
        );
    }
    if (tag !== this.#tag) this.#retired.push(tag);
    const keep = [ROOT, OTHER_ROOT, ...MIDDLES, ...LOWEST].filter(
      (t) => this.#tables.has(t) && this.#draw(15) > 0,
    );
    return { map: this.map(), keep, steps: this.#steps };
  }
}

export function wildTables(seed: number): TablesScript {
  const draw = seededRandom(seed + 0x3111d);
  const profile = `vtd-ss-39${draw(5) === 0 ? "-cm" : ""}${draw(4) === 0 ? "-nc" : ""}`;
  const wild = new Wild(draw, !profile.includes("-nc"));
  const start = {
    profile,
    hasAtc: draw(2) === 0,
    domains: [{ id: 1, root: ROOT, levels: 3, iommu: 0 }],
    given: wild.given(),
    oldMap: wild.map(),
  };
  return { ...start, calls: Array.from({ length: 1 + draw(3) }, () => wild.call()) };
}
