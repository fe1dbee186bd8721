import type { Step } from "../../../src/edit-script/index.ts";
import { changePages, mapPages, unmapPages } from "./change-pages.ts";
import { isLeaf, type Shape } from "./entries.ts";
import { Flusher } from "./flusher.ts";
import { Journal, type Tree } from "./journal.ts";
import { differing, type PageMap, type Span } from "./page-map.ts";
import { promote, split } from "./resize.ts";
import { type Switched, switchRoots } from "./root-switch.ts";
import type { Random, Style } from "./style.ts";
import type { TableMemory } from "./table-memory.ts";
import { type Target, targetOf } from "./target.ts";
import { type Machine, TreeEditor } from "./tree-editor.ts";

/** A range, and what is to be done with all of its pages. */
export interface Operation extends Span {
  readonly kind: "map" | "unmap" | "change" | "split" | "promote";
}

/** One call of a page-table driver: it changes the tables at once, and writes down how. */
export class Driver {
  readonly journal: Journal;
  readonly #machine: Machine;
  readonly #trees: readonly Tree[];
  readonly #editors: readonly TreeEditor[];
  switched: Switched | null = null;

  constructor(memory: TableMemory, trees: readonly Tree[], shape: Shape, style: Style, random: Random) {
    this.journal = new Journal(memory, style, random);
    const flusher = new Flusher(this.journal, style, random, shape);
    this.#machine = { shape, memory, journal: this.journal, flusher, style, random };
    this.#trees = trees;
    this.#editors = trees.map((tree) => new TreeEditor(this.#machine, tree));
  }

  /** `released`: frames that lose a pin by it. */
  run(operation: Operation, target: Target, released: (span: Span) => number[]): void {
    const { style, flusher } = this.#machine;
    for (const span of style.flush === "page" ? pagesOf(operation) : [operation]) {
      for (const editor of this.#editors) this.#runIn(editor, { ...operation, ...span }, target);
      flusher.unpinLater(released(span));
      if (style.flush !== "script") flusher.flush();
    }
  }

  #runIn(editor: TreeEditor, { kind, start, end }: Operation, target: Target): void {
    if (kind === "map") mapPages(editor, start, end, target);
    else if (kind === "unmap") unmapPages(editor, start, end);
    else if (kind === "change") changePages(editor, start, end, target);
    else if (kind === "promote") {
      for (const level of [1, 2]) {
        const place = editor.placeOf(start, level);
        if (place.level === level) promote(editor, place);
      }
    } else {
      const place = editor.placeOf(start);
      if (place.level > 0 && isLeaf(editor.read(place), place.level)) split(editor, place);
    }
  }

  /** The whole map by other roots. */
  switchTo(before: PageMap, after: PageMap, released: readonly number[], nextTag: () => number): void {
    const { flusher } = this.#machine;
    this.switched = switchRoots(
      this.#machine,
      this.#trees,
      targetOf(after),
      differing(before, after),
      nextTag,
    );
    flusher.unpinLater(released);
    flusher.release();
  }

  /** Everything done; the steps there were. */
  finish(): readonly Step[] {
    const { flusher, style } = this.#machine;
    if (style.moreWaits) flusher.wait();
    flusher.flush();
    flusher.release();
    return this.journal.steps;
  }
}

function* pagesOf({ kind, start, end }: Operation): Generator<Span> {
  if (kind === "split" || kind === "promote") yield { start, end };
  else for (let page = start; page < end; page++) yield { start: page, end: page + 1 };
}
