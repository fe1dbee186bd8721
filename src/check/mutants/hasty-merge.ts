import { CACHES_ALL, EditScript, type Step } from "../../edit-script/index.ts";
import type { Pfn, Rights } from "../../units/index.ts";
import { EntryHistory, entriesOf, isLiveStore, nextUpdateAfter } from "./entry-history.ts";
import type { MutantContext } from "./mutant.ts";

/** A page of a table that might be merged, as it is when the script is done. */
export interface MergeCandidate {
  readonly pfn: Pfn;
  readonly rights: Rights;
  /** The script wrote this entry. */
  readonly written: boolean;
}

/**
 * Appends a merge, in correct order, of each table of smallest leaves that the script edits and leaves in place, if
 * `leafFor` finds a large leaf for it. What is wrong with such a merge is that `leafFor` looked too briefly.
 */
export function mergeHastily(
  script: EditScript,
  context: MutantContext,
  leafFor: (pages: readonly MergeCandidate[]) => { pfn: Pfn; rights: Rights } | null,
): EditScript {
  const steps = [...script];
  const history = new EntryHistory(context);
  const stored = new Set<number>();
  const edited = new Set<Pfn>();
  for (const step of steps) {
    history.apply(step);
    if (!isLiveStore(step)) continue;
    for (const { table, index } of entriesOf(step)) {
      stored.add(table * 512 + index);
      edited.add(table);
    }
  }
  const { entries, capability } = context;
  // What walkers have set in the small leaves must not get lost as well.
  const walkerBits = capability.hardwareDirty ? capability.walkerBits : 0n;
  let update = nextUpdateAfter(steps);
  const merges: Step[] = [];
  const frees: Step[] = [];
  for (const table of edited) {
    const place = context.placeOf(table);
    const link = context.linkTo(table);
    if (place === null || place.level !== 0 || link === null) continue;
    if (stored.has(link.table * 512 + link.index)) continue;
    const words = Array.from({ length: 512 }, (_, index) => history.entry(table, index));
    if (!words.every(entries.isPresent)) continue;
    const pages = words.map((entry, index) => ({
      pfn: entries.pfnOf(entry),
      rights: entries.rightsOf(entry),
      written: stored.has(table * 512 + index),
    }));
    const leaf = leafFor(pages);
    if (leaf === null) continue;
    const entry = entries.leaf(1, leaf.pfn, leaf.rights) | walkerBits;
    merges.push({ op: "store", update: update++, table: link.table, index: link.index, entry });
    if (!context.capability.coherentWalk) merges.push({ op: "clean", ...link, count: 1 });
    merges.push({ op: "barrier" });
    merges.push({
      op: "invalidate",
      domain: place.domain,
      scope: "nonLeaf",
      caches: CACHES_ALL,
      iovaPfn: place.base,
      pages: 512,
    });
    merges.push({ op: "wait", drain: true });
    frees.push({ op: "freeTable", table });
  }
  if (merges.length === 0) return script;
  const release = steps.findIndex((step) => step.op === "freeTable" || step.op === "unpin");
  const at = release < 0 ? steps.length : release;
  return EditScript.from([...steps.slice(0, at), ...merges, ...frees, ...steps.slice(at)]);
}
