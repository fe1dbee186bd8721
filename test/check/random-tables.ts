import { type Slot, splitLeaves, TableModel } from "./table-model.ts";
import {
  ATC,
  EVERY_CACHE,
  entryOf,
  IOTLB,
  indexOf,
  isLeafAt,
  LARGE,
  type MapRun,
  pfnOf,
  rightsOf,
  spanOf,
  type TablesCall,
  type TablesScript,
  type TablesStep,
  WALK,
} from "./tables-script.ts";

/**
 * A small driver that draws what it does: it maps, unmaps, splits, merges, copies, detaches, links again, keeps and switches roots, in
 * orders that the contract allows. Each call's map is what its tables say in the end.
 */
export const PAGES: readonly number[] = [0, 3, 4, 511, 0x203, 0x204, 0x400, 0x40000, 0x40003];
const LEAVES: readonly number[] = [3, 3, 4, 4, 0x203, 0x203, 0x204, 0x40003];
const LARGE_PAGES: readonly number[] = [0, 0x200, 0x400];
const FIRST_TABLE = 0x100000;
const FIRST_FRAME = 0x1000000;

interface Domain {
  readonly id: number;
  readonly iommu: number;
  root: number;
  levels: number;
  tag: number;
}

/** What has to be done once the stores are visible. */
interface Afterwards {
  readonly ranges: { start: number; pages: number; scope: "leaf" | "nonLeaf" }[];
  readonly free: number[];
  readonly unpin: { frame: number; pages: number }[];
}

export class Driver {
  readonly #draw: (bound: number) => number;
  readonly #isCoherent: boolean;
  readonly #cachesAbsent: boolean;
  readonly #isTall: boolean;
  readonly #model = new TableModel();
  readonly #tables = this.#model.tables;
  readonly domains: Domain[];
  readonly #freed: number[] = [];
  readonly #kept: number[] = [];
  #lastTable = FIRST_TABLE;
  #lastFrame = FIRST_FRAME;
  #lastTag = 10;
  #retired: number[] = [];
  #steps: TablesStep[] = [];
  #keep: number[] = [];
  #after: Afterwards = { ranges: [], free: [], unpin: [] };

  constructor(
    draw: (bound: number) => number,
    levels: number,
    domains: number,
    iommus: number,
    profile: string,
  ) {
    this.#draw = draw;
    this.#isCoherent = !profile.includes("-nc");
    this.#cachesAbsent = profile.includes("-cm");
    this.#isTall = profile.includes("-48");
    const root = ++this.#lastTable;
    this.#tables.set(root, new Map());
    this.domains = Array.from({ length: domains }, (_, i) => ({
      id: i + 1,
      iommu: i % iommus,
      root,
      levels,
      tag: i + 1,
    }));
    for (const page of [3, 4, 0x203, 0x40003]) if (draw(3) > 0) this.#mapPage(page);
    if (draw(3) === 0) this.#mapLarge(this.#pick(LARGE_PAGES));
    this.#steps = [];
    this.#after = { ranges: [], free: [], unpin: [] };
  }

  #chance(percent: number): boolean {
    return this.#draw(100) < percent;
  }
  #pick<T>(of: readonly T[]): T {
    return of[this.#draw(of.length)]!;
  }
  #frame(): number {
    return ++this.#lastFrame;
  }
  #newTable(): number {
    const again = this.#freed.length > 0 && this.#chance(70) ? this.#freed.pop() : undefined;
    const table = again ?? ++this.#lastTable;
    this.#tables.set(table, new Map());
    return table;
  }
  #lowestRoot(): Domain {
    return this.domains.reduce((least, d) => (d.levels < least.levels ? d : least));
  }
  #way(page: number): Slot[] {
    return this.#model.way(this.#lowestRoot(), page);
  }
  #largeSlots(isWanted: (entry: number) => boolean): (Slot & { readonly page: number })[] {
    return LARGE_PAGES.map((page) => ({ page, ...this.#way(page).at(-1)! })).filter(
      ({ level, entry }) => level === 1 && isWanted(entry),
    );
  }
  #seen(table: number, index: number, count: number): void {
    this.#steps.push({ op: "barrier" });
    if (this.#isCoherent) return;
    this.#steps.push({ op: "clean", table, index, count });
    if (this.#chance(60)) this.#steps.push({ op: "barrier" });
  }
  #set(op: "store" | "fill", table: number, index: number, first: number, count = 1, stride = 0): void {
    this.#steps.push({ op, table, index, first, count, stride });
    const entries = this.#tables.get(table)!;
    for (let i = 0; i < count; i++) entries.set(index + i, first + i * stride);
  }
  #fill(table: number, entries: ReadonlyMap<number, number>): void {
    const sorted = [...entries].sort(([a], [b]) => a - b);
    for (let at = 0; at < sorted.length; ) {
      const [index, first] = sorted[at]!;
      const stride = (sorted[at + 1]?.[1] ?? 0) - first;
      let count = 1;
      while (sorted[at + count]?.[0] === index + count && sorted[at + count]![1] === first + count * stride)
        count++;
      this.#set("fill", table, index, first, count, count > 1 ? stride : 0);
      at += count;
    }
    if (sorted.length === 0 || (!entries.has(7) && this.#chance(15))) this.#set("fill", table, 7, 0);
    this.#seen(table, 0, 512);
  }
  #mapPage(page: number): void {
    const last = this.#way(page).at(-1)!;
    const leaf = entryOf(this.#frame(), this.#chance(85) ? 3 : 1);
    let below = leaf;
    for (let level = 1; level <= last.level; level++) {
      const table = this.#newTable();
      this.#fill(table, new Map([[indexOf(page, level - 1), below]]));
      below = entryOf(table, 3);
    }
    this.#set("store", last.table, last.index, below);
    this.#seen(last.table, last.index, 1);
    if (this.#cachesAbsent) this.#drop(page, spanOf(last.level), this.#chance(50) ? "leaf" : "nonLeaf");
  }
  #mapLarge(page: number): void {
    const way = this.#way(page);
    const last = way.at(-1)!;
    if (last.level !== 1 || rightsOf(last.entry) !== 0) return;
    this.#lastFrame += 1024;
    const frame = this.#lastFrame - (this.#lastFrame % 512);
    this.#lastFrame = frame + 511;
    this.#set("store", last.table, last.index, entryOf(frame, LARGE + 3));
    this.#seen(last.table, last.index, 1);
    if (this.#cachesAbsent) this.#drop(page, 512, "nonLeaf");
  }
  #drop(page: number, pages: number, scope: "leaf" | "nonLeaf"): void {
    this.#after.ranges.push({ start: page - (page % pages), pages, scope });
  }
  #unpinLeaf(entry: number, level: number): void {
    this.#after.unpin.push({ frame: pfnOf(entry), pages: spanOf(level) });
  }
  /** Gives back, or keeps, a detached table and what is below, unless something else leads there. */
  #discard(table: number, level: number): void {
    const reached = this.#model.reached(this.domains);
    const visit = (at: number, l: number): void => {
      if (reached.has(at)) return;
      reached.add(at);
      const entries = this.#tables.get(at)!;
      for (const entry of entries.values()) {
        if (rightsOf(entry) === 0) continue;
        if (isLeafAt(entry, l)) this.#unpinLeaf(entry, l);
        else visit(pfnOf(entry), l - 1);
      }
      if (this.#chance(25)) {
        this.#keep.push(at);
        if (l === 0) this.#kept.push(at);
      } else this.#after.free.push(at);
    };
    visit(table, level);
  }
  #act(): void {
    const how = this.#draw(14);
    if (how < 3) this.#changeLeaf();
    else if (how < 5) this.#detach();
    else if (how < 7) this.#split();
    else if (how < 8) this.#merge();
    else if (how < 9) this.#copyTable();
    else if (how < 11) this.#linkAgain();
    else if (how < 12) this.#mapLarge(this.#pick(LARGE_PAGES));
    else this.#switchRoot();
  }

  #changeLeaf(): void {
    const page = this.#pick(LEAVES);
    const { table, index, entry, level } = this.#way(page).at(-1)!;
    if (rightsOf(entry) === 0) this.#mapPage(page);
    else if (level > 0) this.#split();
    if (rightsOf(entry) === 0 || level > 0) return;
    const how = this.#draw(4);
    const other =
      how === 0 ? entryOf(pfnOf(entry), rightsOf(entry) === 3 ? 1 : 3) : entryOf(this.#frame(), 3);
    this.#set("store", table, index, how === 3 ? 0 : other);
    this.#seen(table, index, 1);
    this.#unpinLeaf(entry, 0);
    this.#drop(page, 1, this.#chance(50) ? "leaf" : "nonLeaf");
  }
  #linkOf(page: number): Slot | undefined {
    const links = this.#way(page).filter((s) => rightsOf(s.entry) !== 0 && !isLeafAt(s.entry, s.level));
    const isShared = new Set(this.domains.map((d) => d.root)).size > 1;
    return this.#pick(links.filter((s) => s.level === 1 || (s.level === 2 && !isShared && this.#chance(30))));
  }
  #detach(): void {
    const page = this.#pick(LEAVES);
    const link = this.#linkOf(page);
    if (link === undefined) return;
    this.#set("store", link.table, link.index, 0);
    this.#seen(link.table, link.index, 1);
    this.#drop(page, spanOf(link.level), "nonLeaf");
    this.#discard(pfnOf(link.entry), link.level - 1);
  }
  #split(): void {
    const large = this.#largeSlots((entry) => rightsOf(entry) !== 0);
    if (large.length === 0) return;
    const { page, table, index, entry } = this.#pick(large);
    const below = this.#newTable();
    const leaves = splitLeaves(entry);
    for (const hole of [3, 4]) {
      if (!this.#chance(40)) continue;
      leaves.set(hole, this.#chance(50) ? 0 : entryOf(this.#frame(), 3));
      this.#after.unpin.push({ frame: pfnOf(entry) + hole, pages: 1 });
    }
    this.#fill(below, leaves);
    this.#set("store", table, index, entryOf(below, 3));
    this.#seen(table, index, 1);
    this.#drop(page, 512, "nonLeaf");
  }
  #merge(): void {
    const page = this.#pick(LARGE_PAGES);
    const link = this.#way(page).find((s) => s.level === 1 && rightsOf(s.entry) !== 0);
    if (link === undefined || isLeafAt(link.entry, 1)) return;
    const first = this.#tables.get(pfnOf(link.entry))?.get(0) ?? 0;
    const frame = pfnOf(first);
    if (rightsOf(first) === 0 || frame % 512 !== 0) return;
    this.#set("store", link.table, link.index, entryOf(frame, LARGE + rightsOf(first)));
    this.#seen(link.table, link.index, 1);
    this.#drop(page, 512, "nonLeaf");
    const unpin = this.#after.unpin.length;
    this.#discard(pfnOf(link.entry), 0);
    const others = this.#after.unpin.splice(unpin).filter((u) => u.frame < frame || u.frame >= frame + 512);
    this.#after.unpin.push(...others);
  }
  #copyTable(): void {
    const page = this.#pick(LEAVES);
    const link = this.#way(page).find((s) => s.level === 1 && rightsOf(s.entry) !== 0);
    if (link === undefined || isLeafAt(link.entry, 1)) return;
    const old = this.#tables.get(pfnOf(link.entry))!;
    const copy = new Map(old);
    const goes: { frame: number; pages: number }[] = [];
    for (const [index, entry] of old) {
      if (rightsOf(entry) === 0 || old.size > 100 || !this.#chance(50)) continue;
      copy.set(index, this.#chance(30) ? 0 : entryOf(this.#frame(), 3));
      goes.push({ frame: pfnOf(entry), pages: 1 });
    }
    const table = this.#newTable();
    this.#fill(table, copy);
    this.#set("store", link.table, link.index, entryOf(table, 3));
    this.#seen(link.table, link.index, 1);
    this.#drop(page, 512, "nonLeaf");
    const unpin = this.#after.unpin.length;
    this.#discard(pfnOf(link.entry), 0);
    this.#after.unpin.splice(unpin, this.#after.unpin.length, ...goes);
  }
  /** A table that was kept, or one that is linked already, is linked where nothing is. */
  #linkAgain(): void {
    const slots = this.#largeSlots((entry) => rightsOf(entry) === 0);
    if (slots.length === 0) return;
    const slot = this.#pick(slots);
    const other = this.#linkOf(3);
    const kept =
      this.#kept.length > 0 && !this.#keep.includes(this.#kept.at(-1)!) ? this.#kept.pop() : undefined;
    const table = kept ?? (other?.level === 1 && this.#chance(50) ? pfnOf(other.entry) : undefined);
    if (table === undefined) return;
    if (kept !== undefined && this.#chance(70)) {
      const entries = new Map([...this.#tables.get(table)!].map(([i]): [number, number] => [i, 0]));
      entries.set(3, entryOf(this.#frame(), 3));
      this.#fill(table, entries);
    }
    this.#set("store", slot.table, slot.index, entryOf(table, 3));
    this.#seen(slot.table, slot.index, 1);
    if (this.#cachesAbsent) this.#drop(slot.page, 512, "nonLeaf");
  }
  #switchRoot(): void {
    this.#finish();
    const domain = this.#pick(this.domains);
    const { root, levels, tag } = domain;
    const only = this.domains.length === 1;
    let newLevels = levels;
    let newRoot: number;
    const first = this.#tables.get(root)!.get(0) ?? 0;
    if (
      only &&
      levels === 4 &&
      rightsOf(first) !== 0 &&
      this.#tables.get(root)!.size === 1 &&
      this.#chance(60)
    ) {
      newLevels = 3;
      newRoot = pfnOf(first);
    } else {
      newRoot = this.#newTable();
      if (only && levels === 3 && this.#isTall && this.#chance(60)) {
        newLevels = 4;
        this.#fill(newRoot, new Map([[0, entryOf(root, 3)]]));
      } else this.#fill(newRoot, new Map(this.#tables.get(root)));
    }
    const isSame = this.#chance(20);
    const again = this.#retired.length > 0 && this.#chance(40) ? this.#retired.shift() : undefined;
    const newTag = isSame ? tag : (again ?? this.#lastTag++);
    this.#steps.push({ op: "setRoot", tag, root: newRoot, levels: newLevels, newTag }, { op: "barrier" });
    this.#steps.push({ op: "context", tag });
    this.#wait(false);
    this.#invalidateOne(tag, 0, null, "nonLeaf");
    this.#wait(true);
    if (!isSame) this.#retiring.push(tag);
    domain.root = newRoot;
    domain.levels = newLevels;
    domain.tag = newTag;
    if (!this.#model.reached(this.domains).has(root)) {
      this.#steps.push({ op: "freeTable", table: root });
      this.#freed.unshift(root);
      this.#tables.delete(root);
    }
  }
  #retiring: number[] = [];
  #wait(drain: boolean): void {
    if (this.domains.some((d) => d.iommu > 0) && this.#chance(60)) {
      for (const iommu of [0, 1]) this.#steps.push({ op: "wait", drain, iommu });
      return;
    }
    if (drain && this.#chance(10)) this.#steps.push({ op: "wait", drain: false, iommu: null });
    this.#steps.push({ op: "wait", drain, iommu: null });
  }
  #invalidateOne(tag: number, start: number, pages: number | null, scope: "leaf" | "nonLeaf"): void {
    if (this.#chance(15)) {
      const first = IOTLB + WALK;
      this.#steps.push({ op: "invalidate", tag, caches: first, scope, start, pages });
      this.#steps.push({ op: "invalidate", tag, caches: ATC, scope, start, pages });
    } else this.#steps.push({ op: "invalidate", tag, caches: EVERY_CACHE, scope, start, pages });
  }
  #finish(): void {
    const { ranges, free, unpin } = this.#after;
    this.#after = { ranges: [], free: [], unpin: [] };
    if (ranges.length > 0) {
      const isWhole = this.#chance(15);
      const every = { start: 0, pages: null, scope: "nonLeaf" as const };
      if (isWhole && this.#chance(30))
        this.#steps.push({ op: "invalidate", tag: null, caches: EVERY_CACHE, ...every });
      else
        for (const { start, pages, scope } of isWhole ? [every] : ranges)
          for (const { tag } of this.domains) this.#invalidateOne(tag, start, pages, scope);
      this.#wait(true);
    }
    for (const table of new Set(free)) {
      this.#steps.push({ op: "freeTable", table });
      this.#freed.push(table);
      this.#tables.delete(table);
    }
    for (const { frame, pages } of unpin) this.#steps.push({ op: "unpin", frame, pages });
  }

  map(): MapRun[] {
    return this.#model.map(this.#lowestRoot());
  }
  given(): TablesScript["given"] {
    return this.#model.given();
  }
  call(): TablesCall {
    this.#steps = [];
    this.#keep = [];
    this.#retired.push(...this.#retiring);
    this.#retiring = [];
    const acts = 1 + this.#draw(3);
    for (let i = 0; i < acts; i++) {
      this.#act();
      if (this.#chance(65)) this.#finish();
    }
    this.#finish();
    return { map: this.map(), keep: this.#keep, steps: this.#steps };
  }
}
