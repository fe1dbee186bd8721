import { CACHE_CONTEXT, CACHES_ALL, EditScript } from "../../edit-script/index.ts";
import { iovaPfn, type Pfn } from "../../units/index.ts";
import type { Domain } from "./domain.ts";
import type { DomainTags } from "./domain-tags.ts";
import { TableChange } from "./table-change.ts";

interface RootSwitch {
  readonly update: number;
  readonly tag: number;
  readonly root: Pfn;
  readonly levels: number;
  readonly nextTag: number;
}

/**
 * A map change that becomes visible to each device in one store: the new trees are complete before it, and share with the
 * old ones what does not change.
 *
 *     build     plain stores into tables nobody reaches
 *     switch    one store a domain: root, levels and a tag under which nothing is cached
 *     settle    no access may start from the old root, then nothing may use what was cached under its tag
 *     release   tables and pins go back
 *
 * The fresh tag is what lets two trees share tables: no cached entry of one is ever used with the other.
 */
export class RootSwitches extends TableChange {
  readonly #tags: DomainTags;
  readonly #switches: RootSwitch[] = [];

  constructor(tags: DomainTags) {
    super();
    this.#tags = tags;
  }

  /** Makes `root` the root of the domain; false when there is no tag for it. */
  add(update: number, { tag, levels }: Domain, root: Pfn): boolean {
    const nextTag = this.#tags.take();
    if (nextTag === null) return false;
    this.#switches.push({ update, tag, root, levels, nextTag });
    return true;
  }

  override get entryStores(): number {
    return this.#switches.length;
  }

  override giveUp(): void {
    for (const { nextTag } of this.#switches) this.#tags.giveBack(nextTag);
  }

  override compose(isCoherent: boolean): EditScript {
    const script = new EditScript();
    this.appendBuild(script, isCoherent);
    if (this.#switches.length > 0) {
      for (const s of this.#switches) script.setRoot(s.update, s.tag, s.root, s.levels, s.nextTag);
      script.barrier();
      appendFlush(script, this.#switches);
    }
    this.appendReleases(script);
    return script;
  }
}

interface Tagged {
  readonly tag: number;
  readonly levels: number;
}

/**
 * Appends the steps after which nothing is cached under the given tags. Context entries go first: while one is cached,
 * accesses go on filling the other caches under its tag.
 */
export function appendFlush(script: EditScript, tags: readonly Tagged[]): void {
  appendContextFlush(script, tags);
  appendInvalidations(script, tags, CACHES_ALL);
  script.wait(true);
}

/** Appends the steps after which no access starts from a cached context entry with one of the tags. */
export function appendContextFlush(script: EditScript, tags: readonly Tagged[]): void {
  appendInvalidations(script, tags, CACHE_CONTEXT);
  script.wait(false);
}

function appendInvalidations(script: EditScript, tags: readonly Tagged[], caches: number): void {
  for (const { tag, levels } of tags) script.invalidate(tag, "nonLeaf", caches, iovaPfn(0), 512 ** levels);
}
