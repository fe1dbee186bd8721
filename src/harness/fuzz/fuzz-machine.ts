import {
  type CheckedScript,
  type CheckInput,
  CheckInputError,
  check,
  type Finding,
  type ReaderInput,
} from "../../check/index.ts";
import type { Mutant } from "../../check/mutants/index.ts";
import { CACHE_IOTLB, CACHE_WALK, CACHES_ALL } from "../../edit-script/index.ts";
import { EngineBug } from "../../engine/index.ts";
import { KernelBug } from "../../kernel/fault-injection.ts";
import { Kernel, type Process } from "../../kernel/index.ts";
import { plural } from "../../report/index.ts";
import { Errno, errnoName, VFIO_IOMMU_SET_MAP_FLAG_EPOCH } from "../../uapi/index.ts";
import { hexPage, PAGE_SIZE_BYTES } from "../../units/index.ts";
import {
  EMPTY_MAP,
  GuestMemory,
  type MapRegion,
  type MemoryMap,
  makeMemoryMap,
  mappedPages,
  type PageRange,
  planDmaCalls,
  regionEnd,
  VfioContainer,
} from "../../vmm/index.ts";
import { FrameRunMaps } from "../check/frame-runs.ts";
import { GuestMaps } from "../check/guest-maps.ts";
import { ScriptRecorder } from "../check/script-recorder.ts";
import { mutantContext } from "../mutant-context.ts";
import { UserMaps } from "../stress/user-map.ts";
import { DirtyWatch } from "./dirty-watch.ts";
import { endStateFault } from "./end-state.ts";
import {
  CANVAS_END,
  type CallKind,
  type DirtyDeed,
  type FuzzCase,
  LATE_PAGES,
  LATE_REGION,
  mapsOf,
  type Refusal,
  SWEEP,
} from "./fuzz-case.ts";
import type { FuzzTotals } from "./fuzz-totals.ts";
import { countShapes } from "./shapes.ts";

/** Memory of the machine: enough for every case that can be drawn. */
const RAM_FRAMES = 2 ** 24;
const TABLE_PAGES = 2 ** 15;
/** Failures that a sweep tries; more allocations than that are left to other cases. */
const MOST_FAILURES = 120;

/** Something is wrong with the kernel; the sentence says what, where and after which call. */
export class FuzzFailure extends Error {
  override name = "FuzzFailure";
  /** Violation class where the checker found it, else what was compared. */
  readonly kind: string;
  readonly step: number;
  /** Decides once more, with the cause, what the checker found; null where that was not it. */
  readonly explain: (() => Finding) | null;
  constructor(kind: string, step: number, message: string, explain: (() => Finding) | null = null) {
    super(`in step ${step}, ${message}`);
    this.kind = kind;
    this.step = step;
    this.explain = explain;
  }
}

/** Runs one case and throws FuzzFailure at the first thing that is wrong. */
export function runFuzzCase(drawn: FuzzCase, totals: FuzzTotals, mutant: Mutant | null): void {
  totals.runs++;
  const maps = mapsOf(drawn);
  if (maps.every((map) => map.regions.length === 0)) return;
  new FuzzMachine(drawn, maps, totals, mutant).run();
}

/** A kernel under fuzz: one container, and a model that says what it must hold. */
class FuzzMachine {
  readonly #kernel: Kernel;
  readonly #process: Process;
  readonly #container: VfioContainer;
  readonly #guest: GuestMemory;
  readonly #frames: FrameRunMaps;
  readonly #maps: UserMaps;
  readonly #recorder: ScriptRecorder;
  /** Where IOMMUs mark what devices write. */
  readonly #watch: DirtyWatch | null;
  readonly #case: FuzzCase;
  readonly #targets: readonly MemoryMap[];
  readonly #totals: FuzzTotals;
  readonly #mutant: Mutant | null;
  #current: MemoryMap = EMPTY_MAP;
  #step = 0;
  #how: CallKind = "set-map";
  #refusal: Refusal = "none";

  constructor(drawn: FuzzCase, maps: readonly MemoryMap[], totals: FuzzTotals, mutant: Mutant | null) {
    const groups = Array.from({ length: drawn.domains }, (_, unit) => ({
      deviceName: `0000:00:${(unit + 4).toString(16).padStart(2, "0")}.0`,
      unit,
    }));
    this.#kernel = new Kernel({
      capability: drawn.format,
      ramFrames: RAM_FRAMES,
      tablePages: TABLE_PAGES,
      groups,
    });
    this.#process = this.#kernel.createProcess();
    this.#process.dropCapabilities();
    this.#process.setMemlockLimit(Infinity);
    const late = drawn.steps.some(({ refusal }) => refusal === "late") ? [makeMemoryMap([LATE_REGION])] : [];
    const steps = [...maps, ...late].map((map, i) => ({
      label: `step ${i}`,
      map,
      origin: { file: "fuzz", line: i + 1 },
      skipped: [],
    }));
    const sequence = { name: "fuzz", source: "fuzz", steps, notes: [] };
    this.#guest = new GuestMemory(this.#process, sequence, { backing: drawn.backing, seed: drawn.seed });
    this.#container = new VfioContainer(
      this.#process,
      groups.map(({ deviceName }, index) => ({ index, deviceName })),
    );
    this.#frames = new FrameRunMaps(this.#guest);
    this.#maps = new UserMaps(this.#guest);
    this.#recorder = new ScriptRecorder(this.#kernel);
    const { capability } = this.#kernel;
    this.#watch = capability.hardwareDirty
      ? new DirtyWatch(this.#kernel, this.#process, this.#container.fd, CANVAS_END)
      : null;
    this.#case = drawn;
    this.#targets = maps;
    this.#totals = totals;
    this.#mutant = mutant;
    if (mutant !== null) {
      const context = mutantContext(this.#kernel);
      this.#kernel.iommu.committer.filter = (script) => mutant.rewrite(script, context);
    }
  }

  run(): void {
    this.#case.steps.forEach(({ call, dirty, refusal, failAt }, i) => {
      this.#step = i;
      if (this.#watch !== null) this.#doWithDirtyPages(this.#watch, dirty, failAt);
      this.#how = call;
      this.#refusal = refusal;
      this.#refuse(this.#targets[i]!);
      if (call === "legacy") this.#legacy(this.#targets[i]!, failAt);
      else this.#setMap(this.#targets[i]!, failAt);
    });
  }

  #doWithDirtyPages(watch: DirtyWatch, deed: DirtyDeed, failAt: number): void {
    if (deed === "nothing") return;
    const map = this.#current;
    this.#how = "dirty-pages";
    this.#refusal = "none";
    if (deed === "restart") this.#call(map, () => watch.stop());
    if (!watch.isOn) this.#withFailures(failAt, map, () => watch.start());
    watch.write(map);
    const extents = this.#container.extents;
    const range = deed === "report extent" ? extents[this.#case.seed % extents.length] : watch.everything;
    if (range === undefined || deed === "write" || deed === "restart") return;
    if (deed === "fail report") this.#call(map, () => watch.readNowhere(range), Errno.EFAULT);
    this.#call(map, () => {
      const told = watch.read(range);
      if (typeof told === "string") this.#fail("V10", told);
      return told ?? 0;
    });
  }

  /** Makes a call that has to fail whatever else is true. */
  #refuse(next: MemoryMap): void {
    const container = this.#container;
    const mustFail = (errno: number, call: () => number): void => {
      if (this.#call(next, call, errno))
        this.#fail("errno", `the call succeeded instead of ${errnoName(-errno)}`);
    };
    const how = this.#how;
    const [extent] = container.extents;
    const [region] = next.regions;
    if (this.#refusal === "cut") {
      const long = container.extents.find((e) => e.pages > 1);
      if (long !== undefined)
        mustFail(Errno.EINVAL, () => container.unmapDma({ ...long, pages: long.pages - 1 }));
    } else if (this.#refusal === "late") {
      this.#how = "legacy";
      this.#process.setMemlockLimit((this.#process.mm.lockedVm + LATE_PAGES) * PAGE_SIZE_BYTES);
      const asked = makeMemoryMap([...this.#current.regions, LATE_REGION]);
      if (
        this.#call(asked, () => container.mapDma(LATE_REGION, this.#guest.vaddr(LATE_REGION)), Errno.ENOMEM)
      )
        this.#fail("errno", "the call succeeded instead of ENOMEM");
      this.#process.setMemlockLimit(Infinity);
      this.#how = how;
    } else if (this.#refusal === "overlap" && how === "legacy") {
      if (extent !== undefined)
        mustFail(Errno.EEXIST, () => container.mapDma(extent, this.#guest.vaddr(extent)));
    } else if (this.#refusal === "overlap" && region !== undefined) {
      const twice = { ...next, regions: [...next.regions, region] };
      mustFail(Errno.EEXIST, () => this.#setMapCall(twice));
    }
  }

  #setMap(next: MemoryMap, failAt: number): void {
    this.#withFailures(failAt, next, () => this.#setMapCall(next));
  }

  #setMapCall(next: MemoryMap): number {
    const vaddrOf = this.#guest.vaddrPfn.bind(this.#guest);
    const flags = this.#how === "epoch" ? VFIO_IOMMU_SET_MAP_FLAG_EPOCH : 0;
    return this.#container.setMap(next, vaddrOf, flags).errno;
  }

  /** Takes the container to the map with MAP_DMA and UNMAP_DMA; each call is a change of its own. */
  #legacy(next: MemoryMap, failAt: number): void {
    for (const call of planDmaCalls(this.#container.extents, next)) {
      this.#totals.count("legacy call");
      const { regions } = this.#current;
      if (call.op === "map") {
        const after = makeMemoryMap([...regions, call.region]);
        this.#withFailures(failAt, after, () =>
          this.#container.mapDma(call.region, this.#guest.vaddr(call.region)),
        );
      } else {
        const { iovaPfn: start, pages } = call.range;
        const isGone = (r: MapRegion): boolean => r.iovaPfn >= start && regionEnd(r) <= start + pages;
        /* One that fails keeps what it has unmapped, so those are told extent by extent. */
        const ranges = failAt === 0 ? [call.range] : regions.filter(isGone);
        for (const range of ranges) this.#unmap(range, failAt);
      }
    }
  }

  #unmap(range: PageRange, failAt: number): void {
    const end = range.iovaPfn + range.pages;
    const isLeft = (r: MapRegion): boolean => regionEnd(r) <= range.iovaPfn || r.iovaPfn >= end;
    const after = makeMemoryMap(this.#current.regions.filter(isLeft));
    this.#withFailures(failAt, after, () => this.#container.unmapDma(range));
  }

  /** Makes a call, first with the wanted failures, then without. */
  #withFailures(failAt: number, next: MemoryMap, call: () => number): void {
    const { faults } = this.#kernel;
    if (this.#refusal === "memlock") {
      const { lockedVm } = this.#process.mm;
      const limit = lockedVm + Math.max(0, mappedPages(next) - lockedVm) / 2;
      this.#process.setMemlockLimit(Math.floor(limit) * PAGE_SIZE_BYTES);
      const hasHappened = this.#call(next, call, Errno.ENOMEM);
      this.#process.setMemlockLimit(Infinity);
      if (hasHappened) return;
    }
    const [first, last] = failAt === SWEEP ? [1, MOST_FAILURES] : [failAt, failAt];
    for (let n = first; n > 0 && n <= last; n++) {
      faults.arm(n);
      const hasHappened = this.#call(next, call);
      const site = faults.hit;
      faults.arm(0);
      if (site === null && !hasHappened)
        this.#fail("errno", "the call failed although nothing was made to fail");
      if (site !== null) this.#totals.failedSites.set(site, (this.#totals.failedSites.get(site) ?? 0) + 1);
      if (hasHappened) return;
    }
    if (!this.#call(next, call)) this.#fail("errno", "the call failed");
  }

  /**
   * Makes one call, decides its scripts and compares what is left with the model. Returns whether it succeeded. `allowed` is
   * the errno that it may answer without a failure injected. A known-broken kernel may not survive its own script: where the
   * call has one only, that script is whole, and its class says more than where it broke.
   */
  #call(next: MemoryMap, call: () => number, allowed = 0): boolean {
    const isSetMap = this.#how === "set-map" || this.#how === "epoch";
    const old = this.#current;
    const extentsBefore = this.#container.extents.slice();
    this.#recorder.begin();
    this.#totals.ioctls++;
    const decide = (asked: MemoryMap): void =>
      this.#decide(
        new GuestMaps(this.#frames, this.#maps, {
          isOneCall: this.#how !== "legacy",
          old,
          next: asked,
          extentsBefore,
          extentsAfter: this.#container.extents,
        }),
      );
    let errno: number;
    try {
      errno = call();
    } catch (error) {
      if (!(error instanceof EngineBug || error instanceof KernelBug)) throw error;
      if (this.#mutant !== null && isSetMap && this.#recorder.scripts.length > 0) decide(next);
      this.#fail("crash", error.message);
    }
    const { scripts } = this.#recorder;
    const after = errno === 0 ? next : old;
    if (errno !== 0) {
      this.#totals.count("call refused");
      if (this.#kernel.faults.hit === null && errno !== -allowed)
        this.#fail("errno", `the call answered ${errnoName(errno)}`);
      this.#totals.countFailure(this.#how, errnoName(errno), scripts.length > 0);
      if (isSetMap && scripts.length > 0)
        this.#fail("V14", `the call answered ${errnoName(errno)} after it had begun`);
      if (scripts.length > 0) this.#decideFailed(old, next);
    } else if (scripts.length > 0) {
      decide(after);
    }
    this.#current = after;
    this.#watch?.follow(after);
    const locked = this.#process.mm.lockedVm;
    const pins = errno === 0 ? ({ all: true } as const) : { all: false as const, from: this.#totals.ioctls };
    const fault = endStateFault(this.#kernel, this.#frames.of(after), locked, pins);
    if (fault !== null) this.#fail(errno === 0 ? "end state" : "V14", fault);
    return errno === 0;
  }

  #decide(maps: GuestMaps): void {
    const script = this.#script();
    countShapes(
      script.script,
      mutantContext(this.#kernel).entries,
      (table, index) => script.tables.entry(table as never, index),
      (shape) => this.#totals.count(shape),
    );
    this.#judge({ ...script, maps, pinsTaken: maps.pinsTaken() }, true);
  }

  /**
   * Decides what a MAP_DMA or UNMAP_DMA did before it failed. On the pages it was about either map's answer is right while
   * it runs; elsewhere, and everywhere once it has returned, the old one's only. So the map that was asked for stands in
   * the place of the one before, and the old map is the one that has to be left.
   */
  #decideFailed(old: MemoryMap, asked: MemoryMap): void {
    const maps = { oldMap: this.#frames.of(asked), newMap: this.#frames.of(old) };
    this.#judge({ ...this.#script(), ...maps }, false);
  }

  #script(): CheckedScript {
    return {
      capability: this.#kernel.capability,
      domains: this.#recorder.domainsBefore(),
      tables: this.#recorder.before(),
      // Nothing but epoch mode asks for devices that do not translate for themselves: all else must do with them.
      deviceCaches: this.#how === "epoch" ? CACHE_IOTLB | CACHE_WALK : CACHES_ALL,
      isEpoch: this.#how === "epoch",
      script: this.#recorder.whole(),
    };
  }

  /** `skipUntouched` tells that the tables are those of the old map. */
  #judge(input: CheckInput | ReaderInput, skipUntouched: boolean): void {
    let result: ReturnType<typeof check>;
    try {
      result = check(input, { mode: "weak", causes: false, skipUntouched });
    } catch (error) {
      if (error instanceof CheckInputError) this.#fail("input", error.message);
      throw error;
    }
    const totals = this.#totals;
    totals.scripts += this.#recorder.scripts.length;
    totals.stores += result.stats.stores;
    totals.classes += result.classes;
    totals.schedules += result.schedules;
    const [first] = result.findings;
    if (first !== undefined)
      this.#fail(
        first.class,
        `${first.page === null ? "" : `at ${hexPage(first.page)}, ${plural(first.pages, "page")}: `}${first.met}`,
        // The machine stops here, so that tables and maps stay as they are.
        () => {
          const { findings } = check(input, { mode: "weak", skipUntouched });
          return findings.find((own) => own.class === first.class) ?? first;
        },
      );
  }

  #fail(kind: string, message: string, explain: (() => Finding) | null = null): never {
    throw new FuzzFailure(kind, this.#step, message, explain);
  }
}
