import type { IovaPfn, Pfn } from "../units/index.ts";
import { CounterBlock } from "./counters.ts";
import { errorSentence, recordText } from "./errors.ts";
import {
  CTL_BYTES,
  CTL_ERROR,
  CTL_MAGIC,
  CTL_PERTURB_MAX_SPINS,
  CTL_PERTURB_ONE_IN,
  CTL_PERTURB_STATE,
  CTL_RAM_FRAMES,
  CTL_SCRIPT,
  CTL_TABLE_PAGES,
  CTL_TEAR_STORES,
  FOUND_BYTES,
  LIFE_LIVE,
  MAGIC,
  MAX_DEVICES,
  SCRIPT_WORDS,
} from "./layout.ts";
import { formatMemory, isTableFrame, planMemory } from "./memory-plan.ts";
import {
  type Engine,
  EngineBug,
  type EngineCounters,
  type EngineOptions,
  type Perturbation,
  TABLE_WINDOW_PFN,
} from "./types.ts";
import { createMemory, type EngineExports, engineModule, instantiate, type SharedMemory } from "./wasm.ts";

const MAX_LEVELS = 5;
/** Scripts up to this length, eight records, are copied word by word. */
const FEW_WORDS = 64;

class WasmEngine implements Engine {
  readonly module: object;
  readonly memory: SharedMemory;
  readonly control: number;
  readonly tablePages: number;
  readonly ramFrames: number;
  readonly machine: Machine;
  readonly #wasm: EngineExports;
  readonly #words: Uint32Array;
  readonly #window: Uint32Array;
  readonly #counterBlock: CounterBlock;
  readonly #table = new Uint32Array(1024);
  readonly #found = new Uint32Array(FOUND_BYTES / 4);

  constructor(module: object, memory: SharedMemory) {
    this.module = module;
    this.memory = memory;
    this.control = memory.buffer.byteLength - CTL_BYTES;
    this.#wasm = instantiate(module, memory);
    this.#words = new Uint32Array(memory.buffer);
    if (this.#control(CTL_MAGIC) !== MAGIC)
      throw new EngineBug("openEngine: this memory was not made by createEngine");
    this.tablePages = this.#control(CTL_TABLE_PAGES);
    this.ramFrames = this.#control(CTL_RAM_FRAMES);
    this.#window = new Uint32Array(memory.buffer, this.#control(CTL_SCRIPT), SCRIPT_WORDS);
    this.machine = {
      wasm: this.#wasm,
      buffer: memory.buffer,
      words: this.#words,
      control: this.control,
      controlWord: (offset) => this.#control(offset),
    };
    this.#counterBlock = new CounterBlock(memory.buffer, this.control);
  }

  #control(word: number): number {
    return this.#words[(this.control + word) / 4]!;
  }
  #setControl(word: number, value: number): void {
    this.#words[(this.control + word) / 4] = value;
  }

  /** Offset of a table page in linear memory. */
  #offset(table: Pfn, caller: string): number {
    if (!isTableFrame(table, this.tablePages))
      throw new EngineBug(`${caller}: frame 0x${table.toString(16)} is outside the table window`);
    return (table - TABLE_WINDOW_PFN) * 4096;
  }

  readTable(table: Pfn): Uint32Array {
    const at = this.#wasm.readTable(this.control, this.#offset(table, "readTable")) >>> 0;
    this.#table.set(this.#words.subarray(at / 4, at / 4 + 1024));
    return this.#table;
  }

  takeFound(table: Pfn): Uint32Array {
    const at = this.#wasm.takeFound(this.control, this.#offset(table, "takeFound")) >>> 0;
    this.#found.set(this.#words.subarray(at / 4, at / 4 + this.#found.length));
    return this.#found;
  }

  loadEntry(table: Pfn, index: number): bigint {
    if (!(index >= 0 && index < 512)) throw new EngineBug(`loadEntry: index ${index} is not within a table`);
    const low = this.#wasm.entryLow(this.control, this.#offset(table, "loadEntry"), index) >>> 0;
    return (BigInt(this.#wasm.entryHigh(this.control) >>> 0) << 32n) | BigInt(low);
  }

  claimTable(table: Pfn): void {
    this.#wasm.claimTable(this.control, this.#offset(table, "claimTable"));
  }

  tableLife(table: Pfn): { live: boolean; freedAt: number } {
    const life = this.#wasm.tableLife(this.control, this.#offset(table, "tableLife")) >>> 0;
    return { live: (life & LIFE_LIVE) !== 0, freedAt: life >>> 1 };
  }

  pinFrames(first: Pfn, pages: number): void {
    if (this.#wasm.pinFrames(this.control, first, pages) !== 0)
      throw new EngineBug(`pinFrames: ${pages} frames from 0x${first.toString(16)} are not all RAM`);
  }

  unpinFrames(first: Pfn, pages: number): void {
    const error = this.#wasm.unpinFrames(this.control, first, pages);
    if (error !== 0)
      throw new EngineBug(
        `unpinFrames: ${pages} frames from 0x${first.toString(16)}: ${errorSentence(error)}`,
      );
  }

  framePins(frame: Pfn): number {
    const pins = this.#wasm.framePins(this.control, frame);
    if (pins < 0) throw new EngineBug(`framePins: frame 0x${frame.toString(16)} is no RAM`);
    return pins;
  }

  execute(words: Uint32Array): void {
    for (let at = 0; at < words.length; ) {
      const piece = Math.min(SCRIPT_WORDS, words.length - at);
      // A view of a few words costs more than copying them one by one.
      if (piece > FEW_WORDS) this.#window.set(words.subarray(at, at + piece));
      else for (let i = 0; i < piece; i++) this.#window[i] = words[at + i]!;
      at += this.#wasm.execute(this.control, piece);
      const error = this.#control(CTL_ERROR);
      if (error !== 0)
        throw new EngineBug(
          `execute: record at word ${at} ${errorSentence(error)}: ${recordText(words, at)}`,
        );
    }
  }

  get counters(): EngineCounters {
    return this.#counterBlock.snapshot();
  }

  resetCounters(): void {
    this.#counterBlock.reset();
  }

  setPerturbation(p: Perturbation | null): void {
    this.#setControl(CTL_PERTURB_ONE_IN, p?.oneIn ?? 0);
    this.#setControl(CTL_PERTURB_MAX_SPINS, p?.maxSpins ?? 0);
    if (p === null) return;
    this.#setControl(CTL_PERTURB_STATE, p.seed >>> 0);
    this.#setControl(CTL_PERTURB_STATE + 4, 0x9e37_79b9);
  }

  setTearStores(on: boolean): void {
    this.#setControl(CTL_TEAR_STORES, on ? 1 : 0);
  }

  setContext(device: number, context: { domain: number; root: Pfn; levels: number } | null): void {
    if (!(device >= 0 && device < MAX_DEVICES))
      throw new EngineBug(`setContext: device ${device} is not within 0 and ${MAX_DEVICES - 1}`);
    if (context === null) {
      this.#wasm.setContext(this.control, device, 0, 0, 0);
      return;
    }
    if (
      !(context.levels >= 1 && context.levels <= MAX_LEVELS) ||
      !(context.domain >= 0 && context.domain < 2 ** 24)
    )
      throw new EngineBug(`setContext: domain ${context.domain} with ${context.levels} levels is impossible`);
    const root = this.#offset(context.root, "setContext");
    this.#wasm.setContext(this.control, device, context.domain, root, context.levels);
  }

  walk(root: Pfn, levels: number, page: IovaPfn): { pfn: Pfn; rights: number; level: number } | null {
    const found = this.#wasm.walkPage(this.control, this.#offset(root, "walk"), levels, page);
    if (found === 0) return null;
    const low = found % 256;
    return { pfn: Math.floor(found / 256) as Pfn, rights: low & 3, level: low >> 4 };
  }

  uniformTable(table: Pfn, level: number): { hardwareBits: number } | null {
    const bits = this.#wasm.uniformTable(this.#offset(table, "uniformTable"), level);
    return bits < 0 ? null : { hardwareBits: bits };
  }

  checkedWalks(
    root: Pfn,
    pages: number,
    count: number,
    delta: number,
    seed: number,
  ): { wrong: number; seed: number } {
    const end = this.#wasm.checkedWalks(this.#offset(root, "checkedWalks"), pages, count, delta, seed);
    return { wrong: Number(BigInt.asUintN(64, end) >> 32n), seed: Number(end & 0xffff_ffffn) };
  }
}

/** The raw exports and control words behind an engine: for rooms engine and device only. */
export interface Machine {
  readonly wasm: EngineExports;
  readonly buffer: SharedArrayBuffer;
  /** All of the memory as words, for plain data (oracle, patterns, configuration, results); never for entries. */
  readonly words: Uint32Array;
  readonly control: number;
  /** A word of the control block. */
  controlWord(offset: number): number;
}

export function machineOf(engine: Engine): Machine {
  if (!(engine instanceof WasmEngine))
    throw new EngineBug("machineOf: this engine is a wrapper, not the machine itself");
  return engine.machine;
}

/** A fresh machine: no table live, no frame pinned, every device blocked. */
export function createEngine(options: EngineOptions = {}): Engine {
  const plan = planMemory(options);
  const memory = createMemory(plan.bytes);
  formatMemory(memory.buffer, plan);
  return new WasmEngine(engineModule(), memory);
}

/** The engine of another thread: same machine, own instance. Pre: both came from a `createEngine` engine. */
export function openEngine(module: object, memory: { readonly buffer: SharedArrayBuffer }): Engine {
  return new WasmEngine(module, memory);
}
