import { CACHES_ALL, EditScript, type Step } from "../../edit-script/index.ts";
import { iovaPfn } from "../../units/index.ts";
import { EntryHistory, nextUpdateAfter } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Merges by the book of hardware that must break before it makes: clear the table pointer, invalidate, wait, write the
 * large leaf. This hardware may do it in one store, so all pages of the leaf fault for nothing, and longer than in M02.
 */
export const M04: Mutant = {
  id: "M04",
  title: "breaks before it merges, on hardware that need not",
  source: "common; ARM's break-before-make order taken over for every format",
  expected: "V01",
  scenario: "split-rejoin",
  seenByThreads: true,
  rewrite(script, context) {
    const steps = [...script];
    const history = new EntryHistory(context);
    const { isPresent, isTable } = context.entries;
    let update = nextUpdateAfter(steps);
    let broken = false;
    const out: Step[] = [];
    for (const step of steps) {
      for (const { table, index, before, after } of history.apply(step)) {
        const place = context.placeOf(table);
        if (place === null || !isPresent(before) || !isPresent(after)) continue;
        if (!isTable(before) || isTable(after)) continue;
        const pages = 512 ** place.level;
        const start = iovaPfn(place.base + index * pages);
        out.push({ op: "store", update: update++, table, index, entry: 0n });
        out.push({ op: "barrier" });
        out.push({
          op: "invalidate",
          domain: place.domain,
          scope: "nonLeaf",
          caches: CACHES_ALL,
          iovaPfn: start,
          pages,
        });
        out.push({ op: "wait", drain: true });
        broken = true;
      }
      out.push(step);
    }
    return broken ? EditScript.from(out) : script;
  },
};
