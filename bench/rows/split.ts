import { EditScript } from "../../src/edit-script/index.ts";
import { createEngine } from "../../src/engine/index.ts";
import { iovaPfn, type Pfn } from "../../src/units/index.ts";
import { expectOutcome, type Row } from "../row.ts";
import { phases } from "../sampling.ts";
import {
  DELTA_PAGES,
  ENTRIES,
  entryHigh,
  entryLow,
  fillRising,
  superpageLow,
  TableSupply,
} from "../shapes.ts";

/** The scripts of one split and of the merge that undoes it, appended to longer ones. */
export function appendSplit(script: EditScript, table: Pfn, index: number, frame: number, child: Pfn): void {
  const update = script.newUpdate();
  fillRising(script, child, frame);
  script.barrier();
  script.exchange(
    update,
    table,
    index,
    superpageLow(frame),
    entryHigh(frame),
    entryLow(child),
    entryHigh(child),
  );
}

export function appendMerge(script: EditScript, table: Pfn, index: number, frame: number, child: Pfn): void {
  script.exchange(
    script.newUpdate(),
    table,
    index,
    entryLow(child),
    entryHigh(child),
    superpageLow(frame),
    entryHigh(frame),
  );
}

/**
 * 512 leaves of 2 MiB split one after the other (fill 512, barrier, compare-exchange) and merged again (all 512 leaves
 * compared, compare-exchange).
 */
export const splitRow: Row = {
  group: "split",
  yardstick: "split",
  figures: [
    {
      name: "split a 2 MiB leaf",
      unit: "ns/split",
      yardstickAnswer: 0,
      goal: { kind: "ratio", atMost: 1.3 },
    },
    {
      name: "merge it back, leaves compared",
      unit: "ns/merge",
      yardstickAnswer: 1,
      goal: { kind: "ratio", atMost: 1.6 },
    },
  ],
  prepare() {
    const engine = createEngine({ tablePages: 1024, ramFrames: 1 << 20 });
    const supply = new TableSupply(engine);
    const level1 = supply.take();
    const children = Array.from({ length: ENTRIES }, () => supply.take());
    const start = new EditScript();
    fillRising(start, level1, DELTA_PAGES, true);
    start.barrier();
    engine.execute(start.words);

    const split = new EditScript();
    const merges: Uint32Array[] = [];
    for (const [i, child] of children.entries()) {
      const frame = i * ENTRIES + DELTA_PAGES;
      appendSplit(split, level1, i, frame, child);
      const merge = new EditScript();
      appendMerge(merge, level1, i, frame, child);
      merges.push(merge.words);
    }
    let agreeing = 0;
    const take = phases(
      [
        () => engine.execute(split.words),
        () => {
          agreeing = 0;
          for (let i = 0; i < ENTRIES; i++) {
            if (engine.uniformTable(children[i]!, 0) === null) continue;
            agreeing++;
            engine.execute(merges[i]!);
          }
        },
      ],
      ENTRIES,
      (phase) => {
        for (let i = 0; i < ENTRIES; i++) {
          const at = engine.walk(level1, 2, iovaPfn(i * ENTRIES + 1));
          expectOutcome(
            at?.pfn === i * ENTRIES + 1 + DELTA_PAGES && at.level === (phase === 0 ? 0 : 1),
            `split: page 1 of leaf ${i} after phase ${phase}`,
          );
        }
        if (phase === 1) expectOutcome(agreeing === ENTRIES, `merge: only ${agreeing} tables agreed`);
      },
    );
    return { sample: take };
  },
};
