import { Kernel, type KernelOptions, type OpenFile, type Process } from "../../kernel/index.ts";
import { VFIO_IOMMU_GET_INFO } from "../../uapi/index.ts";
import { InputError } from "../../vmm/input-error.ts";
import { ExpressionError, evaluate, parseExpression } from "./expression.ts";
import { chainOf, infoBytes } from "./info-chain.ts";
import { type FlagNames, flagsOf, type Operation } from "./script.ts";
import { UserMemory } from "./user-memory.ts";

/** Type of SET_IOMMU in a run: 1 or 3. */
export type IommuVersion = "v1" | "v2";

/** The recorded machine's default for every process. */
const DEFAULT_MEMLOCK_BYTES = 8 << 20;

/** Enough RAM for every buffer of a script, and little to boot. */
const MACHINE: KernelOptions = { ramFrames: 2 ** 22, tablePages: 2 ** 15 };

/** Where `extents` are printed after each change. */
export interface ExtentsWindow {
  readonly low: bigint;
  readonly high: bigint;
  readonly step: bigint;
  readonly container: string;
}

/** A mapped BAR, [start, end). */
export interface BarMapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly file: OpenFile;
}

/** The world one script runs in: a freshly booted upstream kernel, one process, and the names the script made. */
export class Session {
  readonly kernel: Kernel;
  readonly process: Process;
  readonly memory: UserMemory;
  readonly version: IommuVersion;
  readonly #file: string;
  readonly #fds = new Map<string, number>();
  readonly symbols = new Map<string, bigint>([["top", 0n]]);
  /** Device memory in the process: each mapping keeps its device file open, as long as any of it is there. */
  readonly barMappings: BarMapping[] = [];
  autoExtents: ExtentsWindow | null = null;
  /** Whether DIRTY_PAGES START was the last of START and STOP that worked, by container. */
  readonly tracking = new Set<string>();
  isRoot = true;
  hardMemlockBytes: number = DEFAULT_MEMLOCK_BYTES;

  constructor(file: string, version: IommuVersion, options: KernelOptions) {
    this.#file = file;
    this.version = version;
    this.kernel = new Kernel({ ...MACHINE, interruptRemapping: false, setMap: false, ...options });
    this.kernel.parameters.allowUnsafeInterrupts = true;
    this.process = this.kernel.createProcess();
    this.process.setMemlockLimit(DEFAULT_MEMLOCK_BYTES);
    this.memory = new UserMemory(this.process);
  }

  /** Type number of the run's IOMMU. */
  get iommuType(): bigint {
    return this.version === "v1" ? 1n : 3n;
  }

  /** Descriptor behind a name, or the number itself; -1 for a name that stands for no open file. */
  fd(name: string): number {
    return /^-?\d/.test(name) ? Number(name) : (this.#fds.get(name) ?? -1);
  }

  /** Remembers the result of an open; a failed one leaves the name as it was. Returns 0 or -errno. */
  opened(name: string, fd: number): number {
    if (fd < 0) return fd;
    this.#fds.set(name, fd);
    return 0;
  }

  closed(name: string): void {
    this.#fds.delete(name);
  }

  container(operation: Operation): string {
    return operation.keys.get("c") ?? "c0";
  }

  /** A word or value as number. Throws InputError for a symbol nobody made. */
  number(operation: Operation, text: string): bigint {
    try {
      return evaluate(parseExpression(text), this.symbols);
    } catch (error) {
      if (error instanceof ExpressionError) throw this.complaint(operation, error.message, text);
      throw error;
    }
  }

  complaint(operation: Operation, expected: string, got: string): InputError {
    return new InputError(this.#file, operation.line, expected, got);
  }

  key(operation: Operation, key: string, otherwise: bigint): bigint {
    const text = operation.keys.get(key);
    return text === undefined ? otherwise : this.number(operation, text);
  }

  /** A 32-bit field; larger numbers lose their high bits as in C. */
  key32(operation: Operation, key: string, otherwise: number): number {
    return Number(BigInt.asUintN(32, this.key(operation, key, BigInt(otherwise))));
  }

  flags(operation: Operation, names: FlagNames, otherwise: number): number {
    const text = operation.keys.get("flags");
    return text === undefined ? otherwise : flagsOf(names, text, (number) => this.number(operation, number));
  }

  ioctl(name: string, nr: number, argument: bigint): number {
    return this.process.ioctl(this.fd(name), nr, argument);
  }

  /** Lets go of the device files whose mappings [start, end) covers. */
  unmapBars(start: bigint, end: bigint): void {
    for (const mapping of this.barMappings.filter((bar) => start <= bar.start && bar.end <= end)) {
      this.barMappings.splice(this.barMappings.indexOf(mapping), 1);
      mapping.file.put();
    }
  }

  /** The process ends. */
  end(): void {
    this.process.exit();
    this.unmapBars(0n, 2n ** 64n);
  }

  /** Learns `top`, the last usable IOVA, from GET_INFO. */
  learnTop(container: string): bigint {
    const address = this.memory.put(infoBytes(4096, 0), undefined);
    if (this.ioctl(container, VFIO_IOMMU_GET_INFO, address) === 0) {
      const range = chainOf(this.memory.peek(address, 4096).bytes).ranges.at(-1);
      if (range !== undefined) this.symbols.set("top", range.end);
    }
    return this.symbols.get("top")!;
  }
}
