import { EditScript, type SetRootStep, type Step } from "../../edit-script/index.ts";
import type { Engine } from "../../engine/types.ts";
import { type IovaPfn, iovaPfn, type Pfn, pfn } from "../../units/index.ts";
import type { Domain } from "./domain.ts";
import type { TablePool } from "./table-pool.ts";

/** Gives runs of frames whose last pin may be gone back to their allocator. */
export type FrameRelease = (first: Pfn, pages: number) => void;

/** Told of every edit script before the engine runs it. */
export type ScriptListener = (script: EditScript) => void;
/** Rewrites a script before it runs; this is how known-broken kernels are made. */
export type ScriptFilter = (script: EditScript) => EditScript;
/**
 * Told after each single store to a reachable entry, or of a root: which IOVA pages of which domain (by id) it translates.
 */
export type LiveStoreObserver = (domain: number, iovaPfn: IovaPfn, pages: number) => void;

/** Takes note of a root that was switched; returns the domain. */
export type RootSwitched = (step: SetRootStep) => Domain;

/** Runs edit scripts: the engine does the steps, then allocators take back what the script released. */
export class Committer {
  readonly #engine: Engine;
  readonly #pool: TablePool;
  readonly #release: FrameRelease;
  readonly #rootSwitched: RootSwitched;
  readonly listeners = new Set<ScriptListener>();
  filter: ScriptFilter | null = null;
  observer: LiveStoreObserver | null = null;
  /** Scripts run since `forget`, in order. */
  readonly history: EditScript[] = [];
  keepHistory = true;

  constructor(engine: Engine, pool: TablePool, release: FrameRelease, rootSwitched: RootSwitched) {
    this.#engine = engine;
    this.#pool = pool;
    this.#release = release;
    this.#rootSwitched = rootSwitched;
  }

  forget(): void {
    this.history.length = 0;
  }

  /** Executes a script against live walkers. Cannot fail. */
  run(planned: EditScript): void {
    const script = this.filter === null ? planned : this.filter(planned);
    if (this.keepHistory) this.history.push(script);
    for (const listener of this.listeners) listener(script);
    const { observer } = this;
    if (observer === null) this.#engine.execute(script.words);
    else this.#runStepwise(script, observer);
    for (const step of script.releases()) {
      if (step.op === "freeTable") this.#pool.free(step.table);
      else if (step.op === "unpin") this.#release(step.pfn, step.pages);
      else if (observer === null) this.#rootSwitched(step);
    }
  }

  /** One live store at a time, so that the observer sees every intermediate state. */
  #runStepwise(script: EditScript, observer: LiveStoreObserver): void {
    for (const step of script) {
      for (const single of singleStores(step)) {
        const one = new EditScript();
        one.push(single);
        // The table may be freed by this very script: ask for its place before that step runs.
        const table = single.op === "store" || single.op === "exchange" ? single.table : null;
        const position = table === null ? undefined : this.#pool.positionOf(table);
        this.#engine.execute(one.words);
        if (single.op === "setRoot") {
          const { id, levels } = this.#rootSwitched(single);
          observer(id, iovaPfn(0), 512 ** levels);
        }
        if (position === undefined || (single.op !== "store" && single.op !== "exchange")) continue;
        const span = 512 ** position.level;
        observer(position.domain, (position.base + single.index * span) as IovaPfn, span);
      }
    }
  }
}

/** A storeRun as the single stores it stands for; any other step as it is. */
function* singleStores(step: Step): Generator<Step> {
  if (step.op !== "storeRun") {
    yield step;
    return;
  }
  for (let i = 0; i < step.count; i++) {
    const entry = BigInt.asUintN(64, step.first + BigInt(i) * step.stride);
    yield { op: "store", update: step.update, table: pfn(step.table), index: step.index + i, entry };
  }
}
