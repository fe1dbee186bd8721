import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { CACHING_DEVICE, publishPattern } from "../../src/device/index.ts";
import { EditScript } from "../../src/edit-script/index.ts";
import { machineOf } from "../../src/engine/engine.ts";
import { RAM_BASE_PFN } from "../../src/engine/index.ts";
import { CTL_CELLS } from "../../src/engine/layout.ts";
import { DevicePool } from "../../src/harness/device-pool.ts";
import { VFIO_IOMMU_SET_MAP_FLAG_EPOCH } from "../../src/uapi/index.ts";
import { iovaPfn, READ, WRITE } from "../../src/units/index.ts";
import { DirtyUser } from "../helpers/dirty-user.ts";
import { Machine, PAGE, type RegionSpec } from "../set-map/machine.ts";

const DEVICES = 2;
/** Pages with 4 KiB leaves, then those with 2 MiB leaves, then, below another table, some that no device ever writes. */
const SMALL = { start: 0, pages: 512 };
const LARGE = { start: 512, pages: 2048 };
const QUIET = { start: 2 ** 19, pages: 600 };
const PAGES = LARGE.start + LARGE.pages;
const ACCESSES = 400;

type Filter = (script: EditScript) => EditScript;

/** A container whose map changes while devices write, and somebody who compares its reports with what was written. */
class Witness {
  readonly machine: Machine;
  readonly #user: DirtyUser;
  readonly #maps: readonly (readonly RegionSpec[])[];
  readonly #cells: Uint32Array;
  readonly #indexOf: Uint32Array;
  readonly #pool: DevicePool;
  readonly #flags: number;
  #seed: number;
  /** Cells after the last report; pages mapped ever since. */
  #before: Uint32Array = new Uint32Array(PAGES);
  #kept = new Uint8Array(PAGES);
  /** Pages written and not reported, over all reports. */
  lost = 0;
  written = 0;
  toldThoughQuiet = 0;

  constructor(isEpoch: boolean, seed: number) {
    this.machine = new Machine({ capability: "vtd-ss-48-ad" });
    const { kernel, process, container } = this.machine;
    this.#seed = seed;
    this.#flags = isEpoch ? VFIO_IOMMU_SET_MAP_FLAG_EPOCH : 0;
    this.#user = new DirtyUser(process, container);
    const small = process.mmap(BigInt(SMALL.pages) * PAGE, "pop", { layout: { kind: "fragmented", seed } });
    const large = process.mmap(BigInt(LARGE.pages) * PAGE, "thp");
    const quiet = process.mmap(BigInt(QUIET.pages) * PAGE, "pop");
    this.#maps = mapsOf(small, large, quiet);
    if (this.#setMap(0) !== 0) throw new Error("the first map is refused");
    const { engine } = kernel;
    const { words, controlWord } = machineOf(engine);
    this.#cells = words.subarray(controlWord(CTL_CELLS) / 4);
    const [domain] = kernel.domains();
    this.#indexOf = Uint32Array.from(
      { length: PAGES },
      (_, page) => engine.walk(domain!.root, domain!.levels, iovaPfn(page))!.pfn - RAM_BASE_PFN,
    );
    this.#pool = new DevicePool(
      engine,
      Array.from({ length: DEVICES }, (_, i) => ({
        ...CACHING_DEVICE,
        seed: seed + i,
        atc: !isEpoch,
        setsDirty: true,
      })),
    );
    publishPattern(engine, [{ iovaPfn: iovaPfn(0), pages: PAGES, weight: 1 }]);
    engine.setPerturbation({ seed, oneIn: 8, maxSpins: 4000 });
  }

  #random(below: number): number {
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) >>> 0;
    return (this.#seed >>> 8) % below;
  }

  #setMap(number: number): number {
    return this.machine.setMap(this.#maps[number]!, { flags: this.#flags });
  }

  #stamps(): Uint32Array {
    return this.#indexOf.map((index) => this.#cells[index]!);
  }

  /** Runs devices, map changes and reports until `isOver` or the rounds are through. */
  async run(rounds: number, isOver: (witness: Witness) => boolean = () => false): Promise<void> {
    try {
      await this.#pool.start();
      if (this.#user.start() !== 0) throw new Error("START is refused");
      this.#begin();
      let accesses = 0;
      for (let round = 0; round < rounds && !isOver(this); round++) {
        for (let change = this.#random(4); change > 0; change--) {
          if (this.#random(2) === 0) this.#pool.awaitProgress((accesses += ACCESSES));
          this.#change(this.#random(this.#maps.length));
        }
        this.#pool.awaitProgress((accesses += ACCESSES));
        this.#report();
        await setImmediate();
      }
      await this.#pool.stop();
      this.#report();
    } finally {
      await this.#pool.destroy();
    }
  }

  #change(number: number): void {
    const result = this.#setMap(number);
    if (result !== 0) throw new Error(`SET_MAP: ${result}`);
    this.#noteMapped(number);
  }

  #mapped = 0;
  #noteMapped(number: number): void {
    this.#mapped = number;
    const isMapped = new Uint8Array(PAGES);
    for (const { iova, size } of this.#maps[number]!)
      isMapped.fill(1, Math.min(PAGES, Number(iova / PAGE)), Math.min(PAGES, Number((iova + size) / PAGE)));
    for (let page = 0; page < PAGES; page++) this.#kept[page]! &= isMapped[page]!;
  }

  #begin(): void {
    this.#kept.fill(1);
    this.#noteMapped(this.#mapped);
    this.#before = this.#stamps();
  }

  /** Whatever was written between the last report's return and this one's call must be told now. */
  #report(): void {
    const stamps = this.#stamps();
    const told = new Set(this.#user.pages(0, QUIET.start + QUIET.pages));
    for (let page = 0; page < PAGES; page++) {
      if (this.#kept[page] === 0 || stamps[page] === this.#before[page]) continue;
      this.written++;
      if (!told.has(page)) this.lost++;
    }
    for (let page = QUIET.start; page < QUIET.start + QUIET.pages; page++)
      if (told.has(page)) this.toldThoughQuiet++;
    this.#begin();
  }
}

/** Maps between which large leaves split and merge, small ones change their rights, pages go and come back. */
function mapsOf(small: bigint, large: bigint, quiet: bigint): RegionSpec[][] {
  const part = (
    at: { start: number },
    base: bigint,
    from: number,
    to: number,
    flags: number,
  ): RegionSpec => ({
    iova: BigInt(at.start + from) * PAGE,
    size: BigInt(to - from) * PAGE,
    vaddr: base + BigInt(from) * PAGE,
    flags,
  });
  const rw = READ | WRITE;
  const still = part(QUIET, quiet, 0, QUIET.pages, rw);
  return [
    [part(SMALL, small, 0, 512, rw), part(LARGE, large, 0, 2048, rw), still],
    [part(SMALL, small, 0, 512, READ), part(LARGE, large, 0, 2048, rw), still],
    [
      part(SMALL, small, 0, 512, rw),
      part(LARGE, large, 0, 700, rw),
      part(LARGE, large, 716, 2048, rw),
      still,
    ],
    [
      part(SMALL, small, 0, 256, rw),
      part(SMALL, small, 256, 512, READ),
      part(LARGE, large, 0, 100, rw),
      part(LARGE, large, 100, 1100, READ),
      part(LARGE, large, 1100, 2048, rw),
      still,
    ],
    [
      part(SMALL, small, 8, 512, rw),
      part(LARGE, large, 0, 1024, READ),
      part(LARGE, large, 1030, 2048, rw),
      still,
    ],
  ];
}

const STORES_BLINDLY: Filter = (script) =>
  EditScript.from([...script].map((step) => (step.op === "exchange" ? { ...step, op: "store" } : step)));
const MERGES_CLEAN: Filter = (script) =>
  EditScript.from(
    [...script].map((step) => (step.op === "store" ? { ...step, entry: step.entry & ~0x300n } : step)),
  );
const COLLECTS_WITHOUT_INVALIDATION: Filter = (script) => {
  const steps = [...script];
  const isReport = steps.some(({ op }) => op === "collect");
  return isReport ? EditScript.from(steps.filter(({ op }) => op !== "invalidate")) : script;
};
const COLLECTS_WITHOUT_DRAIN: Filter = (script) => {
  const steps = [...script];
  const isReport = steps.some(({ op }) => op === "collect");
  return isReport
    ? EditScript.from(steps.map((step) => (step.op === "wait" ? { ...step, drain: false } : step)))
    : script;
};

describe("dirty reports under running devices", () => {
  it.each([
    ["maps change in place", false],
    ["roots are switched", true],
  ])("tell every page written since the report before, while %s", async (_, isEpoch) => {
    const witness = new Witness(isEpoch, 11);
    await witness.run(60);
    expect(witness.lost).toBe(0);
    expect(witness.written).toBeGreaterThan(1000);
    expect(witness.toldThoughQuiet).toBe(0);
  });

  it.each([
    ["stores where it should exchange", STORES_BLINDLY],
    ["begins merged leaves clean", MERGES_CLEAN],
    ["invalidates nothing after it has collected", COLLECTS_WITHOUT_INVALIDATION],
    ["does not drain after it has collected", COLLECTS_WITHOUT_DRAIN],
  ])("miss some when the kernel %s", async (_, filter) => {
    const witness = new Witness(false, 5);
    witness.machine.kernel.iommu.committer.filter = filter;
    await witness.run(15_000, ({ lost }) => lost > 0);
    expect(witness.lost).toBeGreaterThan(0);
  });
});
