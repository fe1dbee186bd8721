import type { ScriptDomain } from "../../edit-script/index.ts";
import type { Invalidations } from "../script/invalidations.ts";
import type { ScriptLog } from "../script/script-log.ts";

/** What was looked at. */
export interface Effort {
  histories: number;
  pages: number;
}

/** Domains in which nothing was found to be wrong, and what was looked at to know that. */
export class CleanDomains {
  readonly #log: ScriptLog;
  readonly #found: { readonly domain: ScriptDomain; readonly effort: Readonly<Effort> }[] = [];

  constructor(log: ScriptLog) {
    this.#log = log;
  }

  add(domain: ScriptDomain, effort: Readonly<Effort>): void {
    this.#found.push({ domain, effort });
  }

  /** What would have to be looked at in a domain that is the twin of one of them, to find nothing either; null where it is not. */
  twinOf(domain: ScriptDomain): Readonly<Effort> | null {
    return this.#found.find((other) => areTwins(this.#log, other.domain, domain))?.effort ?? null;
  }
}

/**
 * True iff everything that walks and caches of one domain can show those of the other can show as well: both lead to the same tables
 * all the time, and whatever is invalidated for one is invalidated for the other, with nothing but invalidations in between.
 */
function areTwins(log: ScriptLog, a: ScriptDomain, b: ScriptDomain): boolean {
  // Whose windows they are, and whose roots, would have to be compared too.
  if (a.root !== b.root || a.levels !== b.levels || log.roots.length > 0 || log.windows.length > 0)
    return false;
  return areSame(log.drainsOf(a.id), log.drainsOf(b.id)) && areAlike(log.invalidations, a.id, b.id);
}

/** True iff the invalidations of two tags are the same, each posted where the other is and complete when it is. */
function areAlike(posted: Invalidations, a: number, b: number): boolean {
  for (let i = 0, j = 0; ; i++, j++) {
    i = nextOf(posted, a, i);
    j = nextOf(posted, b, j);
    if (i === posted.length || j === posted.length) return i === j;
    // As many other steps are in front of either.
    const isSamePlace = posted.step(i) - i === posted.step(j) - j;
    const isSameReach = posted.caches(i) === posted.caches(j) && posted.isNonLeaf(i) === posted.isNonLeaf(j);
    const isSamePages = posted.starts[i] === posted.starts[j] && posted.ends[i] === posted.ends[j];
    if (!isSamePlace || !isSameReach || !isSamePages || posted.completes(i) !== posted.completes(j))
      return false;
  }
}

/** Position of the first invalidation of a tag from a position on; behind all where there is none. */
function nextOf({ domains, length }: Invalidations, tag: number, from: number): number {
  let at = from;
  while (at < length && domains[at] !== tag) at++;
  return Math.min(at, length);
}

const areSame = (a: Int32Array, b: Int32Array): boolean =>
  a.length === b.length && a.every((step, i) => step === b[i]);
