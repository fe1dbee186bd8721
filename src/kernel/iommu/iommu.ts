import { type Capability, EditScript, type SetRootStep } from "../../edit-script/index.ts";
import { type Engine, RAM_BASE_PFN } from "../../engine/types.ts";
import { Errno } from "../../uapi/errno.ts";
import { type IovaPfn, iovaPfn, type Pfn, type Rights } from "../../units/index.ts";
import { type FaultInjector, KernelBug } from "../fault-injection.ts";
import { Committer, type FrameRelease } from "./commit.ts";
import { DirtyCollection } from "./dirty-collection.ts";
import { Domain } from "./domain.ts";
import { DomainTags } from "./domain-tags.ts";
import { planSwitch } from "./epoch.ts";
import { FORMATS } from "./formats/index.ts";
import { Phases } from "./phases.ts";
import { type PhysicalRun, physicalRuns, visitLeaves } from "./physical-runs.ts";
import { PlanContext, type PlanCounts, PlanFailure, type TableScratch } from "./plan-context.ts";
import { planTable } from "./planner.ts";
import { appendContextFlush, appendFlush, RootSwitches } from "./root-switches.ts";
import { RunList } from "./run-list.ts";
import { appendStores, type TableChange } from "./table-change.ts";
import { TablePool } from "./table-pool.ts";

/** Pages to translate: one physically contiguous piece. */
export interface MapRun {
  readonly iovaPfn: IovaPfn;
  readonly pfn: Pfn;
  readonly pages: number;
  readonly rights: Rights;
}

/** Contiguous runs an unmap queues before it waits for the invalidation (type1's VFIO_IOMMU_TLB_SYNC_MAX). */
const TLB_SYNC_MAX = 512;

const PLAN_ERRNO = {
  "no-tables": Errno.ENOMEM,
  "no-tags": Errno.ENOSPC,
  "needs-break": Errno.EOPNOTSUPP,
} as const;

/** What a plan of one or several domains will do. */
export interface PlannedChange {
  readonly change: TableChange;
  readonly counts: PlanCounts;
  /** Gives back every table and tag the plan allocated; afterwards the plan must not be committed. */
  abandon(): void;
}

/** The IOMMU driver: domains, their tables, and the one way to change them. */
export class Iommu {
  readonly engine: Engine;
  readonly pool: TablePool;
  readonly committer: Committer;
  readonly #capability: Capability;
  readonly #scratch: TableScratch = [];
  readonly #domains = new Map<number, Domain>();
  readonly #tags: DomainTags;
  #nextDomain = 1;

  constructor(options: {
    engine: Engine;
    capability: Capability;
    faults: FaultInjector;
    releaseFrames: FrameRelease;
    tableLimitPages?: number;
  }) {
    this.engine = options.engine;
    this.#capability = options.capability;
    this.pool = new TablePool(options.engine, options.faults, options.tableLimitPages);
    this.#tags = new DomainTags(options.faults);
    this.committer = new Committer(options.engine, this.pool, options.releaseFrames, (step) =>
      this.#rootSwitched(step),
    );
  }

  get domains(): readonly Domain[] {
    return [...this.#domains.values()];
  }

  /** A domain with an empty root table, or null when there is no table page or no tag for it. */
  createDomain(capability = this.#capability): Domain | null {
    const format = FORMATS.get(capability.format);
    if (format === undefined) throw new KernelBug(`createDomain: no format '${capability.format}'`);
    const id = this.#nextDomain;
    const root = this.pool.alloc({ domain: id, level: capability.levels - 1, base: iovaPfn(0) });
    if (root === null) return null;
    const tag = this.#tags.take();
    if (tag === null) {
      this.pool.free(root);
      return null;
    }
    this.#nextDomain++;
    const zeros = new EditScript();
    zeros.fill(1, root, 0, 512, 0, 0, 0, 0);
    const script = new EditScript();
    appendStores(script, zeros, capability.coherentWalk);
    script.barrier();
    this.engine.execute(script.words);
    const domain = new Domain(id, capability, format, root, tag);
    this.#domains.set(id, domain);
    return domain;
  }

  /** Gives root and tag back. Pre: nothing is mapped and no device is attached. */
  destroyDomain(domain: Domain): void {
    if (domain.devices.size > 0) throw new KernelBug(`destroyDomain: domain ${domain.id} has devices`);
    const script = new EditScript();
    appendFlush(script, [domain]);
    script.freeTable(domain.root);
    this.engine.execute(script.words);
    this.pool.free(domain.root);
    this.#tags.giveBack(domain.tag);
    this.#domains.delete(domain.id);
  }

  /** From now on the device's walks start at the domain's root. */
  attachDevice(domain: Domain, slot: number): void {
    domain.devices.add(slot);
    this.engine.setContext(slot, { domain: domain.tag, root: domain.root, levels: domain.levels });
  }

  /** From now on every access of the device faults. */
  detachDevice(domain: Domain, slot: number): void {
    domain.devices.delete(slot);
    this.engine.setContext(slot, null);
    const script = new EditScript();
    appendContextFlush(script, [domain]);
    this.engine.execute(script.words);
  }

  /**
   * Plans the change `runs` of every domain, reserving all tables it needs. Nothing reachable is written.
   * Returns the plan, or -ENOMEM without tables, or -EOPNOTSUPP where the hardware needs a break.
   */
  plan(domains: readonly Domain[], runs: RunList, merge: boolean): PlannedChange | number {
    return this.#planEach(domains, runs, new Phases(), merge, (plan, { levels, root }) =>
      planTable(plan, levels - 1, root, 0, 0, runs.count),
    );
  }

  /**
   * Plans the same change as one switch of the root of every domain (epoch mode). Returns the plan, or -ENOMEM without
   * tables, or -ENOSPC without tags. Pre: every domain's capability has `rootSwitch`.
   */
  planSwitch(domains: readonly Domain[], runs: RunList): PlannedChange | number {
    return this.#planEach(domains, runs, new RootSwitches(this.#tags), true, planSwitch);
  }

  #planEach<Change extends TableChange>(
    domains: readonly Domain[],
    runs: RunList,
    change: Change,
    merge: boolean,
    planDomain: (plan: PlanContext<Change>, domain: Domain) => void,
  ): PlannedChange | number {
    const counts: PlanCounts = { leavesStored: 0, split: 0, merged: 0, tablesBuilt: 0 };
    const contexts: PlanContext[] = [];
    const abandon = (): void => {
      for (const context of contexts) for (const table of context.built) this.pool.free(table);
      change.giveUp();
    };
    try {
      for (const domain of domains) {
        if (runs.count === 0) break;
        const context = new PlanContext({
          engine: this.engine,
          pool: this.pool,
          domain,
          runs,
          change,
          merge,
          scratch: this.#scratch,
        });
        contexts.push(context);
        planDomain(context, domain);
        counts.leavesStored += context.counts.leavesStored;
        counts.split += context.counts.split;
        counts.merged += context.counts.merged;
        counts.tablesBuilt += context.counts.tablesBuilt;
      }
    } catch (error) {
      abandon();
      if (error instanceof PlanFailure) return -PLAN_ERRNO[error.reason];
      throw error;
    }
    return { change, counts, abandon };
  }

  /** Makes a plan visible. Cannot fail. */
  commit(planned: PlannedChange, domains: readonly Domain[]): EditScript {
    // One walker that does not snoop is enough: the domains share a script.
    const script = planned.change.compose(domains.every(({ capability }) => capability.coherentWalk));
    if (!script.isEmpty) this.committer.run(script);
    return script;
  }

  /**
   * Adds translations to every domain, legacy style: leaves never join those of earlier calls.
   * Returns 0, or -ENOMEM with nothing changed. Pre: the pages are absent in every domain; runs ascend.
   */
  mapRuns(domains: readonly Domain[], runs: readonly MapRun[]): number {
    const list = new RunList();
    for (const run of runs) list.push(run.iovaPfn, run.pages, run.pfn, run.rights);
    const planned = this.plan(domains, list, false);
    if (typeof planned === "number") return planned;
    this.commit(planned, domains);
    return 0;
  }

  /**
   * Removes all translations of [start, start + pages) from one domain; with `unpin`, the RAM found in the tables loses
   * one pin a page after the invalidation that covers them (vfio_unmap_unpin). Returns the pages that were translated, or
   * -ENOMEM with nothing changed when a large leaf reaches out of the range and no table is left to split it.
   * Post: each chunk's invalidation is complete and drained.
   */
  unmapRange(domain: Domain, start: IovaPfn, pages: number, unpin: boolean): number {
    const end = start + pages;
    // A leaf that set-map formed across region borders is split here: plan the range as one, so that failing changes nothing.
    const limit = this.#leafReachesOut(domain, start, end) ? Number.POSITIVE_INFINITY : TLB_SYNC_MAX;
    let unmapped = 0;
    for (let at: number = start; at < end; ) {
      const runs = physicalRuns(this.engine, domain, iovaPfn(at), end - at, limit);
      const last = runs[runs.length - 1];
      if (last === undefined) break;
      const chunkEnd = runs.length < limit ? end : last.iovaPfn + last.pages;
      const list = new RunList();
      list.remove(iovaPfn(at), chunkEnd - at);
      const planned = this.plan([domain], list, false);
      if (typeof planned === "number") return planned;
      for (const run of runs) {
        unmapped += run.pages;
        if (unpin && run.pfn >= RAM_BASE_PFN) planned.change.unpin(run.pfn, run.pages);
      }
      this.commit(planned, [domain]);
      at = chunkEnd;
    }
    return unmapped;
  }

  /** True iff a leaf crosses one of the two borders of [start, end). */
  #leafReachesOut(domain: Domain, start: number, end: number): boolean {
    let reachesOut = false;
    for (const border of [start, end]) {
      if (border === 0) continue;
      visitLeaves(this.engine, domain, border - 1, border, (at, _frame, _pages, _rights, leafPages) => {
        reachesOut ||= border % leafPages !== 0 && at < border;
        return false;
      });
    }
    return reachesOut;
  }

  physicalRuns(domain: Domain, start: IovaPfn, pages: number): PhysicalRun[] {
    return physicalRuns(this.engine, domain, start, pages);
  }

  /**
   * Clears the dirty bits of all leaves with a page in one of the ranges [start, end), in every domain whose walkers set
   * them, and calls back with the pages of each that was dirty, which may reach beyond the ranges. Cannot fail.
   * Post: nothing is cached that would let a later write go unseen; writes translated before have been performed.
   */
  collectDirty(
    domains: readonly Domain[],
    ranges: readonly (readonly [start: number, end: number])[],
    found: (start: number, pages: number) => void,
  ): void {
    const collection = new DirtyCollection(this.engine);
    for (const domain of domains) for (const [start, end] of ranges) collection.add(domain, start, end);
    const script = collection.compose(domains.every(({ capability }) => capability.coherentWalk));
    if (script.isEmpty) return;
    this.committer.run(script);
    collection.takeFound(found);
  }

  /** The tag a setRoot step took away is free: its script leaves nothing behind, and none is taken before that is over. */
  #rootSwitched({ domain: tag, root, tag: nextTag }: SetRootStep): Domain {
    const domain = this.domains.find((d) => d.tag === tag);
    if (domain === undefined) throw new KernelBug(`setRoot: no domain has tag ${tag}`);
    domain.root = root;
    if (nextTag !== tag) {
      domain.tag = nextTag;
      this.#tags.giveBack(tag);
    }
    return domain;
  }
}
