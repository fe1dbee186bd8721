import { type GroupOptions, Kernel, type Process } from "../../kernel/index.ts";
import { errnoName } from "../../uapi/index.ts";
import {
  EMPTY_MAP,
  formatOrigin,
  GuestMemory,
  type MapStep,
  type MemoryMap,
  type Strategy,
  VfioContainer,
  type Vm,
} from "../../vmm/index.ts";
import { mutantContext } from "../mutant-context.ts";
import { StressError, type StressOptions } from "./options.ts";
import { whyRefused } from "./refusal.ts";
import { type UserMap, UserMaps } from "./user-map.ts";

const DEVICE_NAME = (slot: number): string => `0000:00:${(slot + 4).toString(16).padStart(2, "0")}.0`;

/** Do devices translate for themselves as well? They do unless the strategy forbids it. */
export const hasAts = (strategy: Strategy): boolean => strategy.isEpoch !== true;

/** One booted kernel with one VMM on it, whose container follows the maps of a sequence by one strategy. */
export class StressMachine {
  readonly kernel: Kernel;
  readonly process: Process;
  readonly vm: Vm;
  readonly strategy: Strategy;
  readonly maps: UserMaps;
  #current: MemoryMap = EMPTY_MAP;

  /** Post: the first map of the sequence is in force. Throws StressError when the kernel refuses it. */
  constructor(options: StressOptions, strategy: Strategy) {
    const groups: GroupOptions[] = Array.from({ length: options.devices }, (_, slot) => ({
      deviceName: DEVICE_NAME(slot),
      ats: hasAts(strategy),
    }));
    this.strategy = strategy;
    this.kernel = new Kernel({ capability: options.format, groups });
    this.process = this.kernel.createProcess();
    const guest = new GuestMemory(this.process, options.sequence, {
      backing: options.backing,
      seed: options.seed,
    });
    const container = new VfioContainer(
      this.process,
      groups.map(({ deviceName }, index) => ({ index, deviceName })),
    );
    this.vm = { guest, container };
    this.maps = new UserMaps(guest);
    this.apply(options.sequence.steps[0]!);
    if (options.mutant !== null) this.#inject(options.mutant.rewrite);
  }

  /** The map in force. */
  get current(): UserMap {
    return this.maps.of(this.#current);
  }

  /** Takes the container to a step's map and returns how many ioctls that took. Throws StressError when one fails. */
  apply(step: MapStep): number {
    const { errno, ioctls } = this.strategy.apply(this.vm, this.#current, step.map);
    if (errno < 0) {
      const why = whyRefused(this.kernel, step.map, errno);
      throw new StressError(
        `${this.strategy.name}: the kernel refused the map '${step.label}' (${formatOrigin(step.origin)}) ` +
          `with ${errnoName(errno)}${why === null ? "" : `: ${why}`}`,
      );
    }
    this.#current = step.map;
    return ioctls;
  }

  /** From now on the kernel runs what the mutant makes of each edit script. */
  #inject(rewrite: NonNullable<StressOptions["mutant"]>["rewrite"]): void {
    const context = mutantContext(this.kernel);
    this.kernel.iommu.committer.filter = (script) => rewrite(script, context);
  }
}
