import { indexOf, isLeafAt, pfnOf, rightsOf, type TablesCall, type TablesScript } from "./tables-script.ts";

/**
 * Which table a page is, and when: a page that was freed and is written again is another table than it was before. The steps of a
 * call are read once, in order, and every entry they store is given the table that it points to.
 */
export interface Life {
  readonly id: number;
  readonly page: number;
  readonly entries: Map<number, Entry>;
  isFreed: boolean;
  /** What its entries held before the call is known. */
  isKnown: boolean;
  /** An entry led to it, or the script wrote it. */
  isCounted: boolean;
  isToldLost: boolean;
}

export interface Entry {
  readonly value: number;
  /** The table it points to, if it is no leaf; null: none. */
  readonly child: Life | null;
}

export interface Root {
  readonly id: number;
  readonly iommu: number;
  readonly table: Life;
  readonly levels: number;
  readonly tag: number;
}

export interface Write {
  readonly index: number;
  readonly entry: Entry;
}

type OtherStep = Exclude<
  TablesCall["steps"][number],
  { readonly op: "store" | "fill" | "clean" | "freeTable" | "setRoot" }
>;

/** A step with lives in place of page numbers; a run of stores is as many steps. */
export type LivedStep =
  | { readonly op: "store" | "fill"; readonly table: Life; readonly writes: readonly Write[] }
  | { readonly op: "clean"; readonly table: Life | null; readonly index: number; readonly count: number }
  | { readonly op: "freeTable"; readonly table: Life; readonly isAgain: boolean }
  | {
      readonly op: "setRoot";
      readonly tag: number;
      readonly root: Life;
      readonly levels: number;
      readonly newTag: number;
    }
  | OtherStep;

/** What a call leaves behind, by page. */
export interface Audit {
  readonly lost: readonly number[];
  readonly freedTwice: readonly number[];
  readonly freed: readonly number[];
}

/** The tables below one that its entries lead to. */
function below(life: Life, found = new Set<Life>()): ReadonlySet<Life> {
  for (const { child } of life.entries.values())
    if (child !== null && !found.has(child)) {
      found.add(child);
      below(child, found);
    }
  return found;
}

export class TableLives {
  readonly #current = new Map<number, Life>();
  readonly all: Life[] = [];
  readonly kept = new Set<number>();
  roots: Root[];
  #keep: readonly number[] = [];

  constructor({ given, domains }: TablesScript) {
    for (const { table } of given) this.#known(table);
    for (const { root } of domains) this.#known(root);
    // An entry of a table that leads no further is a leaf, and what it leads to is no table.
    const tables = new Set<number>();
    const below = (table: number, level: number): void => {
      if (tables.has(table)) return;
      tables.add(table);
      for (const { entry } of given.filter((g) => g.table === table)) {
        if (rightsOf(entry) === 0 || isLeafAt(entry, level)) continue;
        this.#known(pfnOf(entry));
        below(pfnOf(entry), level - 1);
      }
    };
    for (const { root, levels } of domains) below(root, levels - 1);
    for (const { table, index, entry } of given)
      this.#current.get(table)!.entries.set(index, this.#entry(entry));
    this.roots = domains.map(({ id, root, levels, iommu }) => ({
      id,
      iommu,
      table: this.#current.get(root)!,
      levels,
      tag: id,
    }));
    for (const life of this.reached()) life.isCounted = true;
  }

  #start(page: number, isKnown: boolean): Life {
    const id = this.all.length;
    const life: Life = {
      id,
      page,
      entries: new Map(),
      isFreed: false,
      isKnown,
      isCounted: false,
      isToldLost: false,
    };
    this.#current.set(page, life);
    this.all.push(life);
    return life;
  }

  #known(page: number): Life {
    return this.#current.get(page) ?? this.#start(page, true);
  }

  #entry(value: number): Entry {
    return { value, child: rightsOf(value) === 0 ? null : (this.#current.get(pfnOf(value)) ?? null) };
  }

  /** A page that was none, or was given back, may have become a table: what points to it leads there from the next call on. */
  #relink(): void {
    for (const life of this.all)
      for (const [index, entry] of life.entries)
        if (entry.child === null || entry.child.isFreed) life.entries.set(index, this.#entry(entry.value));
  }

  /** Tables that the roots lead to, whatever the rights on the way. */
  reached(): Set<Life> {
    const met = new Set<string>();
    const lives = new Set<Life>();
    const visit = (life: Life, level: number): void => {
      if (met.has(`${life.id} ${level}`)) return;
      met.add(`${life.id} ${level}`);
      lives.add(life);
      for (const { value, child } of life.entries.values())
        if (child !== null && !isLeafAt(value, level)) visit(child, level - 1);
    };
    for (const { table, levels } of this.roots) visit(table, levels - 1);
    return lives;
  }

  /** The steps of the next call. Lives are changed by `leave` only. */
  enter({ steps, keep }: TablesCall): LivedStep[] {
    this.#keep = keep;
    for (const life of this.all) life.isKnown = true;
    const writesBehind = (page: number, at: number): boolean => {
      for (const step of steps.slice(at)) {
        if (step.op === "freeTable" && step.table === page) return false;
        if ((step.op === "store" || step.op === "fill") && step.table === page) return true;
      }
      return false;
    };
    for (const step of steps) {
      if (step.op === "setRoot") this.#known(step.root);
      if (step.op !== "store" && step.op !== "fill" && step.op !== "freeTable") continue;
      const life = this.#current.get(step.table);
      if (life === undefined) this.#start(step.table, step.op === "freeTable");
      else if (life.isFreed && life.isKnown && writesBehind(step.table, 0)) this.#start(step.table, false);
    }
    this.#relink();
    const freed = new Set(this.all.filter((life) => life.isFreed));
    return steps.flatMap((step, at): LivedStep[] => {
      switch (step.op) {
        case "store":
        case "fill": {
          const table = this.#current.get(step.table)!;
          const writes = Array.from({ length: step.count }, (_, i) => {
            const entry = this.#entry(step.first + i * step.stride);
            // What was freed by an earlier call, and is written no more, is no table.
            const child = entry.child !== null && wasFreedBefore(entry.child) ? null : entry.child;
            return { index: step.index + i, entry: { ...entry, child } };
          });
          return step.op === "fill"
            ? [{ op: "fill", table, writes }]
            : writes.map((w) => ({ op: "store", table, writes: [w] }));
        }
        case "clean":
          return [{ ...step, table: this.#current.get(step.table) ?? null }];
        case "setRoot":
          return [{ ...step, root: this.#current.get(step.root)! }];
        case "freeTable": {
          const table = this.#current.get(step.table)!;
          const isAgain = freed.has(table);
          freed.add(table);
          if (writesBehind(step.table, at + 1)) this.#start(step.table, false);
          return [{ op: "freeTable", table, isAgain }];
        }
        default:
          return [step];
      }
    });
    function wasFreedBefore(life: Life): boolean {
      return life.isFreed;
    }
  }

  /** Carries the steps out for good. */
  leave(steps: readonly LivedStep[]): Audit {
    const before = this.reached();
    // Who links a table that hung nowhere takes over what hangs below it.
    for (const step of steps)
      if (step.op === "store" || step.op === "fill")
        for (const { child } of step.writes.map(({ entry }) => entry))
          if (child !== null && !before.has(child))
            for (const life of below(child)) {
              life.isCounted = true;
              life.isToldLost = false;
            }
    const freedTwice: number[] = [];
    for (const step of steps) {
      if (step.op === "store" || step.op === "fill") {
        step.table.isCounted = true;
        for (const { index, entry } of step.writes) step.table.entries.set(index, entry);
      } else if (step.op === "freeTable") {
        if (step.isAgain) freedTwice.push(step.table.page);
        step.table.isFreed = true;
        this.kept.delete(step.table.page);
      } else if (step.op === "setRoot") {
        step.root.isCounted = true;
        this.roots = this.roots.map((r) =>
          r.tag === step.tag ? { ...r, table: step.root, levels: step.levels, tag: step.newTag } : r,
        );
      }
    }
    // What a call says that it keeps counts in it, and behind it unless it has given the page back.
    const isKept = new Set([...this.kept, ...this.#keep]);
    const after = this.reached();
    for (const life of [...before, ...after]) life.isCounted = true;
    const lost = this.all.filter(
      (life) =>
        life.isCounted && !life.isFreed && !life.isToldLost && !after.has(life) && !isKept.has(life.page),
    );
    // What hangs nowhere when a call begins was lost, or kept, by those before it.
    for (const life of this.all) life.isToldLost = !after.has(life);
    const isGiven = new Set(steps.flatMap((s) => (s.op === "freeTable" ? [s.table.page] : [])));
    for (const table of this.#keep) if (!isGiven.has(table)) this.kept.add(table);
    this.#relink();
    return {
      lost: lost.map(({ page }) => page),
      freedTwice,
      freed: [...isGiven],
    };
  }

  /** Whether a link on the way to a page points to no table. */
  leadsNowhere(root: Root, page: number): boolean {
    const last = this.path(root, page).tables.at(-1)!;
    const { value, child } = last.life.entries.get(indexOf(page, last.level)) ?? { value: 0, child: null };
    return rightsOf(value) !== 0 && !isLeafAt(value, last.level) && child === null;
  }

  /** What the tables say of a page: the tables on the way, and the leaf. */
  path(
    root: Root,
    page: number,
  ): { tables: { life: Life; level: number; rights: number }[]; leaf: Leaf | null } {
    const tables = [];
    let life: Life | null = root.table;
    let rights = 3;
    for (let level = root.levels - 1; ; level--) {
      if (life === null || level < 0) return { tables, leaf: null };
      tables.push({ life, level, rights });
      if (life.isFreed) return { tables, leaf: null };
      const { value, child }: Entry = life.entries.get(indexOf(page, level)) ?? { value: 0, child: null };
      rights &= rightsOf(value);
      if (rights === 0) return { tables, leaf: null };
      if (isLeafAt(value, level)) {
        const leaf = { level, frame: pfnOf(value) + (page % 512 ** level), rights };
        return { tables, leaf };
      }
      life = child;
    }
  }
}

export interface Leaf {
  readonly level: number;
  readonly frame: number;
  readonly rights: number;
}
