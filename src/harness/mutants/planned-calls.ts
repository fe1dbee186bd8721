import type { MachineState } from "../../check/calls/aftermath.ts";
import type { CallRecord, MutantContext } from "../../check/mutants/index.ts";
import { EditScript } from "../../edit-script/index.ts";
import { Kernel } from "../../kernel/index.ts";
import { errnoName } from "../../uapi/index.ts";
import { iovaPfn, type Pfn } from "../../units/index.ts";
import {
  type BackingKind,
  EMPTY_MAP,
  GuestMemory,
  type MapSequence,
  type MapStep,
  type MemoryMap,
  STRATEGIES,
  type Strategy,
  VfioContainer,
  type Vm,
} from "../../vmm/index.ts";
import { FrameRunMaps } from "../check/frame-runs.ts";
import { asPins, GuestMaps } from "../check/guest-maps.ts";
import { mutantContext } from "../mutant-context.ts";
import { StressError } from "../stress/options.ts";
import { UserMaps } from "../stress/user-map.ts";
import { DirtyReports } from "./dirty-reports.ts";

/** One set-map call as the kernel has planned it and before it runs: the machine is still as it was. */
export interface PlannedCall {
  /** Map it comes from and map it goes to, by label. */
  readonly from: string;
  readonly to: string;
  readonly call: CallRecord;
  readonly before: MachineState;
  readonly context: MutantContext;
  /** Tables there are, those reserved for the call included. */
  readonly tables: readonly Pfn[];
}

export interface PlannedCallsOptions {
  readonly sequence: MapSequence;
  readonly backing: BackingKind;
  /** Name of the IOMMU profile. */
  readonly format: string;
  /** IOMMUs that the container's devices are behind, each with tables of its own; default 1. */
  readonly units?: number;
  readonly seed: number;
  /** Name of the strategy that makes the calls; `set-map` unless told otherwise. */
  readonly strategy?: "set-map" | "epoch";
  /** Ask for the dirty pages of every range after each change, and show what the kernel runs for it. */
  readonly reports?: boolean;
}

/** Each group has a device behind an IOMMU of its own. */
const group = (unit: number) => ({
  deviceName: `0000:00:${(unit + 4).toString(16).padStart(2, "0")}.0`,
  unit,
});

/**
 * A machine whose container goes through the maps of a sequence by set-map, and which shows every call to a visitor between
 * planning and running. It always runs what was planned, whatever the visitor makes of it.
 */
export class PlannedCalls {
  readonly kernel: Kernel;
  readonly #vm: Vm;
  readonly #maps: UserMaps;
  readonly #frames: FrameRunMaps;
  readonly #sequence: MapSequence;
  readonly #strategy: Strategy;
  #current: MemoryMap = EMPTY_MAP;
  #label = "nothing";
  readonly #reports: DirtyReports | null;

  constructor(options: PlannedCallsOptions) {
    const groups = Array.from({ length: options.units ?? 1 }, (_, index) => ({ index, ...group(index) }));
    this.kernel = new Kernel({ capability: options.format, groups });
    const process = this.kernel.createProcess();
    const { sequence, backing, seed } = options;
    const guest = new GuestMemory(process, sequence, { backing, seed });
    this.#vm = { guest, container: new VfioContainer(process, groups) };
    this.#reports = options.reports ? new DirtyReports(process, this.#vm.container) : null;
    this.#maps = new UserMaps(guest);
    this.#frames = new FrameRunMaps(guest);
    this.#sequence = sequence;
    this.#strategy = STRATEGIES.get(options.strategy ?? "set-map")!;
  }

  /** Takes table pages away, so that the next call builds others than the same call on another machine. */
  takeTables(pages: number): void {
    const { iommu } = this.kernel;
    const domain = iommu.domains[0]!.id;
    for (let i = 0; i < pages; i++) iommu.pool.alloc({ domain, level: 0, base: iovaPfn(0) });
  }

  /** Takes the container to a map of the sequence. Throws StressError when the kernel refuses it. */
  go(index: number, visit?: (planned: PlannedCall) => void): void {
    const step = this.#sequence.steps[index]!;
    const { committer } = this.kernel.iommu;
    let isShown = visit === undefined;
    const show = (script: EditScript): void => {
      if (isShown) return;
      isShown = true;
      visit!(this.#planned(step, script));
    };
    committer.filter = (script) => {
      show(script);
      return script;
    };
    const { errno } = this.#strategy.apply(this.#vm, this.#current, step.map);
    committer.filter = null;
    if (errno < 0)
      throw new StressError(`the kernel refused the map '${step.label}' with ${errnoName(errno)}`);
    // A call that changes nothing has no script to show.
    show(new EditScript());
    this.#current = step.map;
    this.#label = step.label;
  }

  /** Every change of the sequence, the one back to the first map as well. Post: the first map is in force. */
  cycle(visit: (planned: PlannedCall) => void): void {
    const { length } = this.#sequence.steps;
    this.go(0);
    this.#reports?.start();
    for (let next = 1; next <= length; next++) {
      this.go(next % length, visit);
      this.#report(this.#sequence.steps[next % length]!, visit);
    }
  }

  /** Has each range's dirty pages reported, and shows the visitor what the kernel is about to run for it. */
  #report(step: MapStep, visit: (planned: PlannedCall) => void): void {
    const { committer } = this.kernel.iommu;
    committer.filter = (script) => {
      visit({ ...this.#planned(step, script), to: "a report of its dirty pages" });
      return script;
    };
    this.#reports?.all();
    committer.filter = null;
  }

  #planned(step: MapStep, script: EditScript): PlannedCall {
    const { engine, iommu, capability } = this.kernel;
    const isTable = (table: Pfn): boolean => iommu.pool.positionOf(table) !== undefined;
    const oldMap = this.#frames.of(this.#current);
    const newMap = this.#frames.of(step.map);
    const { extents } = this.#vm.container;
    const pinned = new GuestMaps(this.#frames, this.#maps, {
      isOneCall: true,
      old: this.#current,
      next: step.map,
      extentsBefore: extents,
      extentsAfter: extents,
    }).pinsTaken();
    return {
      from: this.#label,
      to: step.label,
      call: { errno: 0, script, pinned: [...pinned.pins()], oldMap, newMap },
      before: {
        capability,
        // Domains are made in the order in which groups are attached, one for each IOMMU.
        domains: iommu.domains.map(({ tag: id, root, levels }, iommu) => ({ id, root, levels, iommu })),
        tables: {
          isTable,
          isShared: () => false,
          entry: (table, index) => (isTable(table) ? engine.loadEntry(table, index) : 0n),
        },
        pins: asPins(oldMap),
      },
      context: mutantContext(this.kernel),
      tables: [...iommu.pool.tables()],
    };
  }
}
