import { EditScript } from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";

/** One planned change of the tables of one or several domains: what it builds aside, and what it gives back. */
export abstract class TableChange {
  /** Plain stores into tables nobody reaches. */
  readonly build = new EditScript();
  /** Tables that leave the trees: freed once no walker can hold them. */
  readonly retired = new Set<Pfn>();
  readonly #unpins = new EditScript();
  #updates = 0;

  newUpdate(): number {
    return ++this.#updates;
  }

  /** Drops one pin of each page of a run, when no device can reach it any more. */
  unpin(first: Pfn, pages: number): void {
    this.#unpins.unpin(first, pages);
  }

  /** Stores to what walkers can reach. */
  abstract get entryStores(): number;

  /** The whole change as one edit script. */
  abstract compose(isCoherent: boolean): EditScript;

  /** Gives back what was reserved besides tables; the change must not be composed afterwards. */
  giveUp(): void {}

  /** Steps that make the tables built aside complete and visible to walkers. */
  protected appendBuild(script: EditScript, isCoherent: boolean): void {
    if (this.build.isEmpty) return;
    appendStores(script, this.build, isCoherent);
    script.barrier();
  }

  protected appendReleases(script: EditScript): void {
    for (const table of this.retired) script.freeTable(table);
    script.append(this.#unpins);
  }
}

/** Appends stores; for walkers that do not snoop CPU caches also the cleans that push each of them out. */
export function appendStores(script: EditScript, part: EditScript, isCoherent: boolean): void {
  script.append(part);
  if (isCoherent) return;
  for (const step of part) {
    if (step.op === "gather") script.clean(step.table, step.index, step.entries.length);
    else if (step.op === "fill" || step.op === "storeRun" || step.op === "collect")
      script.clean(step.table, step.index, step.count);
    else if (step.op === "store" || step.op === "exchange") script.clean(step.table, step.index, 1);
  }
}
