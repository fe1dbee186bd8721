import { CACHE_ATC, CACHES_ALL } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import { LEAF } from "../entries/entry-kind.ts";
import type { Ranges } from "../lists/ranges.ts";
import type { Coverage } from "../walks/coverage.ts";
import { Coverages } from "../walks/coverages.ts";
import { byTag, type RootVersion } from "../walks/roots.ts";
import type { Slot, View } from "./table-node.ts";

/** What reaches the pages under one tag, and where the page at hand is. */
interface Tag {
  readonly roots: readonly RootVersion[];
  readonly stretches: Coverages;
  at: Coverage | null;
}

/** The invalidations that reach one page after the other, ascending, under each tag. */
export class PageViews {
  readonly #makeTags: () => Tag[];
  #tags: Tag[] | null = null;
  readonly #views: View[] = [];
  #entered = 0;

  /**
   * `pages`: those that will be asked for; what reaches them is looked up when the first one is.
   * Pre: the roots are the very objects that the pages' tree is made of.
   */
  constructor(decision: Decision, roots: readonly RootVersion[], pages: () => Ranges) {
    const { input, log, geometry } = decision;
    const { invalidateCoversLeaf } = input.capability;
    const end = geometry.tableSpan(Math.max(...roots.map((r) => r.levels)) - 1);
    const hasAtc = ((input.deviceCaches ?? CACHES_ALL) & CACHE_ATC) !== 0;
    this.#makeTags = () => {
      const wanted = pages();
      return byTag(roots).map((sharing) => ({
        roots: sharing,
        stretches: new Coverages(log, sharing[0]!.tag, end, wanted, hasAtc, invalidateCoversLeaf),
        at: null,
      }));
    };
  }

  /** Those of the page entered last, by tag. */
  get all(): readonly View[] {
    return this.#views;
  }

  /** How often a page came under other invalidations than the one before. */
  get entered(): number {
    return this.#entered;
  }

  /** End of the pages that the same invalidations reach as the one entered last. */
  get end(): number {
    return Math.min(...this.#views.map(({ coverage }) => coverage.end));
  }

  /** Goes on to the invalidations that reach a page. */
  enter(page: number): void {
    this.#tags ??= this.#makeTags();
    for (let i = 0; i < this.#tags.length; i++) {
      const tag = this.#tags[i]!;
      const before = tag.at;
      while (tag.at === null || tag.at.end <= page) {
        const next = tag.stretches.next();
        if (next === null) break;
        tag.at = next;
      }
      if (tag.at === before) continue;
      this.#views[i] = { coverage: tag.at!, roots: tag.roots };
      this.#entered++;
    }
  }

  /** End of the pages that the same invalidations reach, with leaves that lie in or across their reach alike. */
  alikeUntil(slots: readonly Slot[], page: number): number {
    let end = Infinity;
    for (const { coverage } of this.#views) {
      end = Math.min(end, coverage.end);
      for (const { start, span, versions } of slots) {
        if (span === 1 || versions.every((v) => v.kind !== LEAF)) continue;
        const leaf = start + Math.floor((page - start) / span) * span;
        const leaves = leaf < coverage.start ? 1 : Math.floor((coverage.end - leaf) / span);
        end = Math.min(end, leaf + Math.max(1, leaves) * span);
      }
    }
    return end;
  }
}
