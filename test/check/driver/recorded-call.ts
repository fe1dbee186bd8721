import type { CheckInput } from "../../../src/check/index.ts";
import {
  CACHE_IOTLB,
  CACHE_WALK,
  CACHES_ALL,
  CAPABILITIES,
  EditScript,
  type Step,
} from "../../../src/edit-script/index.ts";
import { pfn } from "../../../src/units/index.ts";
import { Driver, type Operation } from "./driver.ts";
import { ACCESSED_DIRTY, isPresent, Shape } from "./entries.ts";
import type { Journal, Tree } from "./journal.ts";
import { differing, type PageMap, runsOf, type Span, spansOf } from "./page-map.ts";
import type { Switched } from "./root-switch.ts";
import type { Random, Style } from "./style.ts";
import { TableMemory } from "./table-memory.ts";
import { targetOf } from "./target.ts";
import { type Area, areasOf, drawOperations, pinsFor, releasedBy } from "./workload.ts";

/** One call as a driver made it, with the maps that were asked for. */
export interface RecordedCall {
  readonly style: Style;
  readonly shape: Shape;
  readonly input: CheckInput;
  readonly steps: readonly Step[];
  readonly journal: Journal;
  readonly switched: Switched | null;
  readonly before: PageMap;
  readonly after: PageMap;
}

/** A driver at work: calls on the same tables, one after the other. */
export class DriverAtWork {
  readonly style: Style;
  readonly shape: Shape;
  readonly memory: TableMemory;
  readonly trees: Tree[];
  readonly #random: Random;
  readonly #areas: readonly Area[];
  map: PageMap = new Map();
  #nextTag = 1;

  constructor(style: Style, random: Random) {
    this.style = style;
    this.#random = random;
    this.shape = new Shape(style.profile.levels, style.profile.indexLg2);
    this.memory = new TableMemory(this.shape);
    this.trees = style.trees.map((iommus) => ({
      root: this.memory.take(false),
      tags: iommus.map((iommu) => ({ tag: this.#nextTag++, iommu })),
    }));
    this.#areas = areasOf(this.shape, random);
  }

  /** A call that takes some operations. */
  call(): RecordedCall {
    const { operations, after } = drawOperations(this.map, this.#areas, this.shape, this.#random, this.#most);
    return this.#record(after, (driver) => this.#run(driver, operations, after));
  }

  /** A call that leads to a map drawn from nothing, whatever there is now. */
  transition(): RecordedCall {
    const after = this.#otherMap();
    const operations = operationsBetween(this.map, after);
    for (let i = operations.length; i > 1; i--) {
      const j = this.#random(i);
      [operations[i - 1], operations[j]] = [operations[j]!, operations[i - 1]!];
    }
    return this.#record(after, (driver) => this.#run(driver, operations, after));
  }

  /** The same by other roots. */
  switchRoots(): RecordedCall {
    const after =
      this.#random(2) === 0
        ? this.#otherMap()
        : drawOperations(this.map, this.#areas, this.shape, this.#random, this.#most).after;
    const pages = differing(this.map, after);
    const released = pages.flatMap((page) =>
      releasedBy(this.map, after, this.style.repins)({ start: page, end: page + 1 }),
    );
    return this.#record(after, (driver) => driver.switchTo(this.map, after, released, () => this.#nextTag++));
  }

  get #most(): number {
    return this.style.flush === "page" ? 20 : 200;
  }

  #otherMap(): PageMap {
    let map: PageMap = new Map();
    for (let i = 0; i < 3; i++)
      map = drawOperations(map, this.#areas, this.shape, this.#random, this.#most).after;
    return map;
  }

  #run(driver: Driver, operations: readonly Operation[], after: PageMap): void {
    const released = releasedBy(this.map, after, this.style.repins);
    const target = targetOf(after);
    for (const operation of operations) {
      const resizes = operation.kind === "split" || operation.kind === "promote";
      driver.run(operation, target, resizes ? () => [] : released);
    }
  }

  #record(after: PageMap, work: (driver: Driver) => void): RecordedCall {
    const { style, shape, memory, map: before } = this;
    if (style.profile.variants.includes("-ad")) this.#letDevicesWrite();
    const snapshot = memory.snapshot();
    const domains = this.trees.flatMap(({ root, tags }) =>
      tags.map(({ tag, iommu }) => ({ id: tag, root: pfn(root), levels: shape.levels, iommu })),
    );
    const driver = new Driver(memory, this.trees, shape, style, this.#random);
    work(driver);
    const steps = driver.finish();
    this.map = after;
    const { levels, variants, indexLg2 } = style.profile;
    const lg2 = levels * indexLg2 + 12;
    const capability = {
      ...CAPABILITIES.get(`vtd-ss-${levels * 9 + 12}${inOrder(variants)}`)!,
      indexLg2,
      inputBits: lg2,
    };
    const pins = [...pinsFor(before, after, style.repins)].map(([frame, count]) => ({
      pfn: pfn(frame),
      pages: 1,
      count,
    }));
    const input: CheckInput = {
      capability,
      domains,
      tables: {
        isTable: (table) => snapshot.has(table),
        entry: (table, index) => snapshot.get(table)?.[index] ?? 0n,
      },
      script: EditScript.from(steps),
      oldMap: runsOf(before),
      newMap: runsOf(after),
      pins: style.givesPins || style.repins ? pins.sort((a, b) => a.pfn - b.pfn) : null,
      deviceCaches: style.hasDeviceCache ? CACHES_ALL : CACHE_IOTLB | CACHE_WALK,
      isEpoch: driver.switched !== null && !style.hasDeviceCache && this.#random(2) === 0,
    };
    return { style, shape, input, steps, journal: driver.journal, switched: driver.switched, before, after };
  }

  /** Walkers set accessed and dirty bits on the way. */
  #letDevicesWrite(): void {
    for (const { root } of this.trees)
      for (const { table, index, rights } of this.memory.leaves(root)) {
        const word = this.memory.read(table, index);
        if (!isPresent(word) || this.#random(3) > 0) continue;
        this.memory.write(table, index, word | ((rights & 2) !== 0 ? ACCESSED_DIRTY : 0x100n));
      }
  }
}

/** Names of profiles have the variants in one order. */
const inOrder = (variants: string): string =>
  ["-cm", "-nc", "-ad"].filter((v) => variants.includes(v)).join("");

/** Ranges of pages that differ, by what has to be done with them. */
function operationsBetween(before: PageMap, after: PageMap): Operation[] {
  const pages = differing(before, after);
  const kindOf = (page: number): Operation["kind"] =>
    !before.has(page) ? "map" : after.has(page) ? "change" : "unmap";
  return (["map", "unmap", "change"] as const).flatMap((kind) =>
    spansOf(pages.filter((page) => kindOf(page) === kind)).map((span: Span) => ({ kind, ...span })),
  );
}
