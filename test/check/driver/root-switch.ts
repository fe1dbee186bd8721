import { CACHE_CONTEXT, CACHES_ALL, type InvalidateStep } from "../../../src/edit-script/index.ts";
import { iovaPfn } from "../../../src/units/index.ts";
import { isLink } from "./entries.ts";
import type { Journal, Tree } from "./journal.ts";
import { hasPageIn } from "./page-map.ts";
import type { Target } from "./target.ts";
import { type Machine, TreeEditor } from "./tree-editor.ts";

/** How the tags of one switch left the caches. */
export interface Switched {
  readonly contexts: readonly InvalidateStep[];
  readonly all: readonly InvalidateStep[];
}

/** Other roots with fresh tags for all trees. `changed`: the pages that differ, ascending; `nextTag` names tags never used. */
export function switchRoots(
  machine: Machine,
  trees: readonly Tree[],
  target: Target,
  changed: readonly number[],
  nextTag: () => number,
): Switched {
  const { journal, flusher, shape } = machine;
  flusher.flush();
  const copies = trees.map((tree) => new CopiedTree(machine, tree, target, changed));
  const roots = copies.map((copy) => copy.build());
  const old = trees.flatMap((tree) => tree.tags);
  journal.barrier();
  trees.forEach((tree, i) => {
    tree.tags = tree.tags.map(({ tag, iommu }) => {
      const next = nextTag();
      journal.switchRoot(tag, roots[i]!, shape.levels, next);
      return { tag: next, iommu };
    });
    tree.root = roots[i]!;
  });
  const post = (caches: number): InvalidateStep[] =>
    old.map(({ tag }) => forget(journal, tag, caches, shape.pages));
  journal.barrier();
  const contexts = post(CACHE_CONTEXT);
  flusher.wait();
  const all = post(CACHES_ALL);
  flusher.wait();
  for (const copy of copies) for (const table of copy.replaced()) flusher.freeLater(table);
  return { contexts, all };
}

const forget = (journal: Journal, domain: number, caches: number, pages: number): InvalidateStep =>
  journal.push({ op: "invalidate", domain, scope: "nonLeaf", caches, iovaPfn: iovaPfn(0), pages });

/** Tables for another root; subtrees that stay as they are may hang below both. */
class CopiedTree {
  readonly #editor: TreeEditor;
  readonly #target: Target;
  readonly #changed: readonly number[];
  readonly #before: number[];
  readonly #shared = new Set<number>();

  constructor(machine: Machine, tree: Tree, target: Target, changed: readonly number[]) {
    this.#editor = new TreeEditor(machine, { ...tree });
    this.#target = target;
    this.#changed = changed;
    this.#before = [...this.#tablesBelow(tree.root)];
  }

  *#tablesBelow(root: number): Generator<number> {
    const { shape, memory } = this.#editor.machine;
    for (let i = 0; i < shape.entries; i++)
      yield* this.#editor.tablesBelow(memory.read(root, i), shape.levels - 1);
    yield root;
  }

  build(): number {
    const { levels } = this.#editor.machine.shape;
    return this.#table(0, levels, this.#editor.tree.root);
  }

  /** The copy of a table, which spans an entry of the given level. */
  #table(start: number, level: number, old: number): number {
    const { shape, journal, memory } = this.#editor.machine;
    const below = shape.span(level - 1);
    const words = Array.from({ length: shape.entries }, (_, i) =>
      this.#word(start + i * below, level - 1, memory.read(old, i)),
    );
    return journal.build(words, level - 1, start);
  }

  #word(start: number, level: number, old: bigint): bigint {
    const { style, shape } = this.#editor.machine;
    const end = start + shape.span(level);
    const isKept = isLink(old, level) && !hasPageIn(this.#changed, start, end);
    if (isKept && style.shares) {
      for (const table of this.#editor.tablesBelow(old, level)) this.#shared.add(table);
      return old;
    }
    const inherited = (page: number) => this.#editor.lookUp(page);
    return this.#editor.buildWord(start, level, this.#target, style.superpages ? 2 : 0, inherited);
  }

  replaced(): number[] {
    return this.#before.filter((table) => !this.#shared.has(table));
  }
}
