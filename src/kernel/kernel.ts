import { CAPABILITIES, type Capability, type EditScript } from "../edit-script/index.ts";
import { createEngine, type Engine, RAM_BASE_PFN } from "../engine/index.ts";
import { type Pfn, pfn } from "../units/index.ts";
import { FaultInjector } from "./fault-injection.ts";
import { DeviceNodes } from "./file.ts";
import { type Domain, Iommu } from "./iommu/index.ts";
import { ProcessMemory } from "./mm/address-space.ts";
import { FrameAllocator } from "./mm/frames.ts";
import type { Personality } from "./personality.ts";
import { Process } from "./process.ts";
import { BAR_PAGES, Container, Device, Group, type IommuUnit, ModuleParameters } from "./vfio/index.ts";

/** A group to boot with; its device gets the slot of the group's index. */
export interface GroupOptions {
  /** PCI name of its device. */
  readonly deviceName: string;
  /** Groups with different numbers sit behind different IOMMU units and never share a domain; default 0. */
  readonly unit?: number;
  /** Format profile of that unit, by name; default the kernel's. The first group of a unit decides. */
  readonly capability?: string;
  /** Its device has ATS enabled; default false. Epoch mode is refused while such a device is attached. */
  readonly ats?: boolean;
}

export interface KernelOptions {
  /** Format profile by name (edit-script/capability.ts); default `vtd-ss-48`. */
  readonly capability?: string;
  /** Default 7.3. */
  readonly personality?: Personality;
  /** RAM in 4 KiB frames and table pages; small numbers boot fast. Defaults as of the engine. */
  readonly ramFrames?: number;
  readonly tablePages?: number;
  /** Table pages that may be used, at most `tablePages`. */
  readonly tableLimitPages?: number;
  /** Default: two groups, 0000:00:04.0 and 0000:00:05.0, behind one unit. */
  readonly groups?: readonly GroupOptions[];
  /** Module parameter dma_entry_limit; default 65535. */
  readonly dmaEntryLimit?: number;
  /** The platform isolates interrupts; default true. */
  readonly interruptRemapping?: boolean;
  /** Offer VFIO_IOMMU_SET_MAP; default true. Without it the kernel is an upstream one. */
  readonly setMap?: boolean;
}

const DEFAULT_GROUPS: readonly GroupOptions[] = [
  { deviceName: "0000:00:04.0" },
  { deviceName: "0000:00:05.0" },
];

/** An option that no kernel can boot with. */
export class BootError extends Error {
  override name = "BootError";
}

/** One emulated machine with its kernel: memory, IOMMU, vfio and the processes that use them. */
export class Kernel {
  readonly engine: Engine;
  readonly personality: Personality;
  /** Profile of the IOMMU in front of groups that name no other. */
  readonly capability: Capability;
  readonly faults = new FaultInjector();
  readonly frames: FrameAllocator;
  readonly iommu: Iommu;
  readonly parameters = new ModuleParameters();
  readonly interruptRemapping: boolean;
  readonly offersSetMap: boolean;
  readonly groups: readonly Group[];
  readonly nodes = new DeviceNodes();
  #nextPid = 1;

  constructor(options: KernelOptions = {}) {
    this.personality = options.personality ?? "7.3";
    this.capability = capabilityNamed(options.capability ?? "vtd-ss-48");
    this.interruptRemapping = options.interruptRemapping ?? true;
    this.offersSetMap = options.setMap ?? true;
    this.parameters.dmaEntryLimit = options.dmaEntryLimit ?? this.parameters.dmaEntryLimit;
    const { ramFrames, tablePages, tableLimitPages } = options;
    this.engine = createEngine({
      ...(ramFrames !== undefined && { ramFrames }),
      ...(tablePages !== undefined && { tablePages }),
    });
    this.frames = new FrameAllocator(this.engine);
    this.iommu = new Iommu({
      engine: this.engine,
      capability: this.capability,
      faults: this.faults,
      /* Blocks of frames whose pins are gone are found by the allocator itself, when it needs them. */
      releaseFrames: () => {},
      ...(tableLimitPages !== undefined && { tableLimitPages }),
    });
    this.groups = this.#makeGroups(options.groups ?? DEFAULT_GROUPS);
    this.nodes.register("/dev/vfio/vfio", () => new Container(this));
    for (const group of this.groups) this.nodes.register(`/dev/vfio/${group.index}`, () => group.open());
  }

  #makeGroups(options: readonly GroupOptions[]): Group[] {
    const units = new Map<number, IommuUnit>();
    return options.map(({ deviceName, unit: number = 0, capability, ats = false }, index) => {
      const unit = units.get(number) ?? {
        capability: capability === undefined ? this.capability : capabilityNamed(capability),
      };
      units.set(number, unit);
      const device = new Device(deviceName, index, this.frames.allocateMmio(BAR_PAGES), ats);
      return new Group(this, index, device, unit);
    });
  }

  /** A fresh process: root, no memory limit, no memory, no files. */
  createProcess(): Process {
    return new Process(this.#nextPid++, new ProcessMemory(this), this.nodes);
  }

  /** The domains of all containers. */
  domains(): readonly Domain[] {
    return this.iommu.domains;
  }

  /** A copy of the 512 raw entries of a table. */
  tableWords(table: Pfn): BigUint64Array {
    const words = this.engine.readTable(pfn(table)).slice();
    return new BigUint64Array(words.buffer);
  }

  /** Pins of a frame; 0 for one that is no RAM. */
  framePins(frame: Pfn): number {
    const inRam = frame >= RAM_BASE_PFN && frame < RAM_BASE_PFN + this.engine.ramFrames;
    return inRam ? this.engine.framePins(frame) : 0;
  }

  /** The edit scripts that the last ioctl on a container or group ran, and what closing files ran since. */
  get lastScripts(): readonly EditScript[] {
    return this.iommu.committer.history;
  }
}

function capabilityNamed(name: string): Capability {
  const capability = CAPABILITIES.get(name);
  if (capability === undefined)
    throw new BootError(`capability '${name}' is none of ${[...CAPABILITIES.keys()].join(", ")}`);
  return capability;
}
