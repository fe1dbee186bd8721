import { type InvalidateStep, type WaitStep, waitStep } from "../../../src/edit-script/index.ts";
import { isLeaf, isLink, isPresent, type Shape } from "./entries.ts";
import { invalidationsFor, type Reached } from "./invalidate.ts";
import type { Journal, Tree, Written } from "./journal.ts";
import { spansOf } from "./page-map.ts";
import type { Random, Style } from "./style.ts";

/** What a driver has overwritten and not yet invalidated, and what it may give back after that. */
export class Flusher {
  readonly #journal: Journal;
  readonly #style: Style;
  readonly #random: Random;
  readonly #shape: Shape;
  readonly #hasAbsences: boolean;
  readonly #iommus: readonly number[];
  #pending: Written[] = [];
  #isUnordered = false;
  #isUndrained = false;
  #tables: number[] = [];
  #frames: number[] = [];

  constructor(journal: Journal, style: Style, random: Random, shape: Shape) {
    this.#journal = journal;
    this.#style = style;
    this.#random = random;
    this.#shape = shape;
    this.#hasAbsences = style.profile.variants.includes("-cm");
    this.#iommus = [...new Set(style.trees.flat())].sort();
  }

  /** Notes that entries were replaced. */
  wrote(written: readonly Written[]): void {
    this.#isUnordered = true;
    this.#pending.push(
      ...written.filter((w) => isPresent(w.before) || (this.#hasAbsences && isPresent(w.after))),
    );
  }
  freeLater(table: number): void {
    this.#tables.push(table);
  }
  unpinLater(frames: readonly number[]): void {
    this.#frames.push(...frames);
  }

  /** Before an entry changes what pages translate to, leaves of another size must be gone, and the other way round. */
  settle(tree: Tree, start: number, end: number, resizes: boolean): void {
    const isInTheWay = (w: Written): boolean =>
      w.tree === tree && w.start < end && start < w.end && (resizes ? hasMoved(w) : hasResized(w));
    if (this.#pending.some(isInTheWay)) this.flush();
  }

  /** Everything that was overwritten leaves the caches; then what nobody can reach is given back. */
  flush(): void {
    if (this.#pending.length > 0) this.#invalidate();
    else if (this.#isUnordered) this.#journal.barrier();
    this.#isUnordered = false;
    if (!this.#style.deferred) this.release();
  }

  #invalidate(): void {
    const written = this.#pending;
    this.#pending = [];
    const barriers = this.#journal.barrier();
    const invalidations: InvalidateStep[] = [];
    const waits: WaitStep[] = [];
    const tags = [...new Set(written.map((w) => w.tree))].flatMap((tree) =>
      tree.tags.map((tag) => ({ tree, tag })),
    );
    if (this.#style.shuffled) tags.reverse();
    const rounds = tags.map(({ tree, tag }) =>
      invalidationsFor(
        tag.tag,
        written.filter((w) => w.tree === tree).map((w) => this.#reached(w)),
        this.#style,
        this.#random,
        this.#shape,
      ),
    );
    const iommus = [...new Set(tags.map(({ tag }) => tag.iommu))];
    for (let round = 0; round < Math.max(...rounds.map((r) => r.length)); round++) {
      for (const steps of rounds)
        for (const step of steps[round] ?? []) {
          invalidations.push(this.#journal.push(step));
          if (this.#style.waitEach) waits.push(...this.wait(iommus));
        }
      waits.push(...this.wait(iommus));
    }
    this.#journal.flushed.push({ written, barriers, invalidations, waits });
  }

  #reached(w: Written): Reached {
    const grain = isLink(w.before, w.level) ? this.#shape.span(w.level - 1) : this.#shape.span(w.level);
    return { start: w.start, end: w.end, grain, needsLinks: hasLink(w) };
  }

  /** Until what is posted to some IOMMUs is complete. */
  wait(iommus: readonly number[] = this.#iommus, drain = this.#drains()): WaitStep[] {
    if (!drain) this.#isUndrained = true;
    const repeat = this.#style.moreWaits && this.#random(2) === 0 ? 2 : 1;
    const isGlobal = this.#random(3) === 0 || (this.#iommus.length === 1 && this.#random(2) === 0);
    const which = isGlobal ? [undefined] : iommus;
    return Array.from({ length: repeat }, () => which)
      .flat()
      .map((iommu) => this.#journal.push(waitStep(drain, iommu)));
  }

  #drains(): boolean {
    if (this.#journal.marksDirty) return true;
    if (this.#style.drain === "always") return true;
    return this.#style.drain === "needed" && this.#frames.length > 0 && !this.#style.deferred;
  }

  /** Pre: nothing is pending. */
  release(): void {
    if (this.#frames.length > 0 && this.#isUndrained) {
      for (const iommu of this.#iommus) this.#journal.push(waitStep(true, iommu));
      this.#isUndrained = false;
    }
    const unpins = this.#unpins();
    const frees = this.#tables.map((table) => () => this.#journal.free(table));
    const all = this.#random(2) === 0 ? [...unpins, ...frees] : [...frees, ...unpins];
    if (this.#style.shuffled) all.sort(() => this.#random(3) - 1);
    for (const one of all) one();
    this.#tables = [];
    this.#frames = [];
  }

  /** A frame may be there several times. */
  #unpins(): (() => void)[] {
    const unpins: (() => void)[] = [];
    let left = [...this.#frames].sort((a, b) => a - b);
    while (left.length > 0) {
      const once = left.filter((frame, i) => left[i - 1] !== frame);
      left = left.filter((frame, i) => left[i - 1] === frame);
      for (const { start, end } of spansOf(once))
        if (this.#style.unpinRuns) unpins.push(() => this.#journal.unpin(start, end - start));
        else for (let frame = start; frame < end; frame++) unpins.push(() => this.#journal.unpin(frame, 1));
    }
    return unpins;
  }
}

/** A link was there, or is there now. */
export const hasLink = ({ before, after, level }: Written): boolean =>
  isLink(before, level) || isLink(after, level);
/** Leaves that say something else may be cached. */
const hasMoved = ({ before, after, level }: Written): boolean =>
  isPresent(before) && isPresent(after) && isLeaf(before, level) === isLeaf(after, level);
/** Leaves of another size than those there are now may be cached. */
const hasResized = ({ before, after, level }: Written): boolean =>
  isPresent(before) && (isLink(before, level) || isLink(after, level));
