import { workerData } from "piscina";
import { openEngine } from "../src/engine/index.ts";
import { nowNs } from "./sampling.ts";
import { DELTA_PAGES } from "./shapes.ts";
import { RUNNING, STOP, type WalkTask, type WalkThreadData, type WalkTotals } from "./walk-task.ts";

const BATCH = 4096;
const { module, memory, control } = workerData as WalkThreadData;
const engine = openEngine(module, memory);

/** Piscina task: walk until told to stop, and say at what pace. */
export default function walkUntilStopped(task: WalkTask): WalkTotals {
  let seed = task.seed;
  let walks = 0;
  let wrong = 0;
  Atomics.store(control, RUNNING, 1);
  Atomics.notify(control, RUNNING);
  const start = nowNs();
  do {
    const batch = engine.checkedWalks(task.root, task.pages, BATCH, DELTA_PAGES, seed);
    seed = batch.seed;
    wrong += batch.wrong;
    walks += BATCH;
  } while (Atomics.load(control, STOP) === 0);
  return { walks, wrong, ns: nowNs() - start };
}
