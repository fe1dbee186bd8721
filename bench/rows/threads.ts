import { Piscina } from "piscina";
import { EditScript } from "../../src/edit-script/index.ts";
import { createEngine, type Engine } from "../../src/engine/index.ts";
import type { Pfn } from "../../src/units/index.ts";
import { expectOutcome, type Row, SAMPLE_MS } from "../row.ts";
import { nowNs } from "../sampling.ts";
import {
  DELTA_PAGES,
  ENTRIES,
  entryHigh,
  entryLow,
  fillAbsent,
  put,
  superpageLow,
  TableSupply,
} from "../shapes.ts";
import { RUNNING, STOP, type WalkTask, type WalkThreadData, type WalkTotals } from "../walk-task.ts";
import { appendMerge, appendSplit } from "./split.ts";

/** Pairs of split and merge between two looks at the clock. */
const PAIRS = 256;

interface OnePage {
  readonly engine: Engine;
  readonly root: Pfn;
  /** The table that takes the leaf's place. */
  readonly child: Pfn;
  readonly split: Uint32Array;
  readonly merge: Uint32Array;
}

/** Four levels that hold one 2 MiB leaf at IOVA 0, and the scripts that split and merge it. */
function onePage(): OnePage {
  const engine = createEngine({ tablePages: 16, ramFrames: 1 << 20 });
  const supply = new TableSupply(engine);
  const [root, level2, level1, child] = [supply.take(), supply.take(), supply.take(), supply.take()];
  const start = new EditScript();
  for (const table of [root, level2, level1]) fillAbsent(start, table);
  put(start, root, 0, entryLow(level2), entryHigh(level2));
  put(start, level2, 0, entryLow(level1), entryHigh(level1));
  put(start, level1, 0, superpageLow(DELTA_PAGES), entryHigh(DELTA_PAGES));
  start.barrier();
  engine.execute(start.words);
  const split = new EditScript();
  appendSplit(split, level1, 0, DELTA_PAGES, child);
  const merge = new EditScript();
  appendMerge(merge, level1, 0, DELTA_PAGES, child);
  return { engine, root, child, split: split.words, merge: merge.words };
}

/**
 * One thread splits and merges a 2 MiB page without pause while a piscina worker walks it. The merged table keeps its
 * content and the next split writes the same again, as in the C yardstick: no walker has to be waited for.
 */
export const threadsRow: Row = {
  group: "threads",
  yardstick: "threads",
  figures: [
    {
      name: "both threads running: a walk",
      unit: "ns/walk",
      yardstickAnswer: 0,
      goal: { kind: "ratio", atMost: 3 },
    },
    {
      name: "both threads running: a split or a merge",
      unit: "ns/update",
      yardstickAnswer: 1,
      goal: { kind: "ratio", atMost: 1.5 },
    },
  ],
  prepare() {
    const { engine, root, child, split, merge } = onePage();
    const control = new Int32Array(new SharedArrayBuffer(8));
    const isSource = import.meta.url.endsWith(".ts");
    const data: WalkThreadData = { module: engine.module, memory: engine.memory, control };
    const pool = new Piscina({
      filename: new URL(`../walk-worker.${isSource ? "ts" : "js"}`, import.meta.url).href,
      ...(isSource && { execArgv: ["--import", "tsx"] }),
      minThreads: 1,
      maxThreads: 1,
      workerData: data,
    });

    const update = (): void => {
      for (let i = 0; i < PAIRS; i++) {
        engine.execute(split);
        expectOutcome(engine.uniformTable(child, 0) !== null, "threads: the split table does not agree");
        engine.execute(merge);
      }
    };

    return {
      async sample() {
        control.fill(0);
        const task: WalkTask = { root, pages: ENTRIES, seed: 7 };
        const walker: Promise<WalkTotals> = pool.run(task);
        await Atomics.waitAsync(control, RUNNING, 0).value;
        const start = nowNs();
        let updates = 0;
        let elapsed = 0;
        do {
          update();
          updates += 2 * PAIRS;
          elapsed = nowNs() - start;
        } while (elapsed < SAMPLE_MS * 1e6);
        Atomics.store(control, STOP, 1);
        const { walks, wrong, ns } = await walker;
        expectOutcome(wrong === 0, `threads: ${wrong} of ${walks} walks went wrong beside the updates`);
        return [ns / walks, elapsed / updates];
      },
      close: () => pool.destroy(),
    };
  },
};
