import {
  REGION_BASE,
  REGION_BYTES,
  REGION_END,
  REGION_FRAMES,
  REGION_LG2,
  REGION_RIGHTS,
  REGION_START,
} from "../engine/device-layout.ts";
import { type Machine, machineOf } from "../engine/engine.ts";
import { type Engine, EngineBug } from "../engine/index.ts";
import { CTL_ARENA, CTL_ARENA_END, CTL_EPOCH, CTL_MAPS, MAP_VERSIONS, NO_VERSION } from "../engine/layout.ts";
import type { IovaPfn, Pfn, Rights } from "../units/index.ts";
import { Arena } from "./arena.ts";

/**
 * What the user's map says about a run of pages: the frames behind its vaddr, as plain data. Never from page tables.
 *
 * Page `iovaPfn + i` is frame `frames.base + i`, or, with a list, frame `list[(first + i) >> lg2]` plus the low `lg2`
 * bits of `first + i`. A list is copied once and shared by all versions that pass the same array: never change it.
 */
export interface OracleRegion {
  readonly iovaPfn: IovaPfn;
  readonly pages: number;
  readonly rights: Rights;
  readonly frames:
    | { readonly base: Pfn }
    | { readonly list: Uint32Array; readonly first: number; readonly lg2?: number };
}

interface FrameList {
  at: number;
  bytes: number;
  users: number;
}
interface Version {
  at: number;
  bytes: number;
  lists: Set<Uint32Array>;
}

/** Maps kept at once: an access that spans more than these changes cannot be judged. */
export const HELD_VERSIONS = MAP_VERSIONS;

class Oracle {
  readonly #machine: Machine;
  readonly #arena: Arena;
  readonly #versions = new Map<number, Version>();
  readonly #lists = new Map<Uint32Array, FrameList>();

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#arena = new Arena(machine.controlWord(CTL_ARENA), machine.controlWord(CTL_ARENA_END));
  }

  publish(version: number, regions: readonly OracleRegion[]): void {
    const sorted = regions.filter((r) => r.pages > 0).sort((a, b) => a.iovaPfn - b.iovaPfn);
    for (let i = 1; i < sorted.length; i++)
      if (sorted[i - 1]!.iovaPfn + sorted[i - 1]!.pages > sorted[i]!.iovaPfn)
        throw new EngineBug(`publishMap: regions overlap at page 0x${sorted[i]!.iovaPfn.toString(16)}`);
    const { wasm, words, control } = this.#machine;
    const slot = version % MAP_VERSIONS;
    const header = control + CTL_MAPS + slot * 16;
    wasm.publish32(header, NO_VERSION);
    wasm.addAndFetch(header + 12, 1);
    this.#forget(slot);

    const held: Version = { at: 0, bytes: sorted.length * REGION_BYTES, lists: new Set() };
    held.at = this.#allocate(held.bytes);
    this.#versions.set(slot, held);
    sorted.forEach((region, i) => {
      this.#writeRegion(held, held.at + i * REGION_BYTES, region);
    });
    words[header / 4 + 1] = sorted.length;
    words[header / 4 + 2] = held.at;
    wasm.publish32(header, version);
  }

  #writeRegion(version: Version, at: number, region: OracleRegion): void {
    const { words } = this.#machine;
    const put64 = (offset: number, value: number): void => {
      words[(at + offset) / 4] = value % 2 ** 32;
      words[(at + offset) / 4 + 1] = Math.floor(value / 2 ** 32);
    };
    put64(REGION_START, region.iovaPfn);
    put64(REGION_END, region.iovaPfn + region.pages);
    words[(at + REGION_RIGHTS) / 4] = region.rights;
    const { frames } = region;
    const listed = "list" in frames;
    put64(REGION_BASE, listed ? frames.first : frames.base);
    words[(at + REGION_FRAMES) / 4] = listed ? this.#useList(version, frames.list) : 0;
    words[(at + REGION_LG2) / 4] = listed ? (frames.lg2 ?? 0) : 0;
    if (listed && (frames.first + region.pages - 1) / 2 ** (frames.lg2 ?? 0) >= frames.list.length)
      throw new EngineBug(`publishMap: the frame list ends before page ${region.pages} of its region`);
  }

  #useList(version: Version, list: Uint32Array): number {
    let held = this.#lists.get(list);
    if (held === undefined) {
      held = { at: this.#allocate(list.byteLength), bytes: list.byteLength, users: 0 };
      this.#machine.words.set(list, held.at / 4);
      this.#lists.set(list, held);
    }
    if (!version.lists.has(list)) {
      version.lists.add(list);
      held.users++;
    }
    return held.at;
  }

  #allocate(bytes: number): number {
    const at = this.#arena.allocate(bytes);
    if (at < 0)
      throw new EngineBug(
        `publishMap: ${bytes} bytes do not fit the ${this.#arena.freeBytes} free bytes of the oracle`,
      );
    return at;
  }

  #forget(slot: number): void {
    const version = this.#versions.get(slot);
    if (version === undefined) return;
    this.#versions.delete(slot);
    this.#arena.release(version.at, version.bytes);
    for (const list of version.lists) {
      const held = this.#lists.get(list)!;
      if (--held.users > 0) continue;
      this.#lists.delete(list);
      this.#arena.release(held.at, held.bytes);
    }
  }
}

const oracles = new WeakMap<Engine, Oracle>();

/**
 * Tells devices what map `version` answers. Call it before the epoch that makes the version legal begins; version v
 * replaces version v - HELD_VERSIONS. Throws EngineBug when regions overlap or the arena is full.
 */
export function publishMap(engine: Engine, version: number, regions: readonly OracleRegion[]): void {
  let oracle = oracles.get(engine);
  if (oracle === undefined) {
    oracle = new Oracle(machineOf(engine));
    oracles.set(engine, oracle);
  }
  oracle.publish(version, regions);
}

const epochWord = (engine: Engine): number => engine.control + CTL_EPOCH;

/** The judging epoch: even 2k = map k in force, odd 2k + 1 = the change from k to k + 1 is under way. */
export const readEpoch = (engine: Engine): number => machineOf(engine).wasm.fetch32(epochWord(engine)) >>> 0;

/** Opens the change from the map in force to the next one; before the first visible store. Pre: both are published. */
export function beginChange(engine: Engine): void {
  const epoch = readEpoch(engine);
  if (epoch % 2 !== 0) throw new EngineBug(`beginChange: a change is under way already (epoch ${epoch})`);
  machineOf(engine).wasm.publish32(epochWord(engine), epoch + 1);
}

/** Closes the change; after the last wait. From here on only the new map is legal. */
export function endChange(engine: Engine): void {
  const epoch = readEpoch(engine);
  if (epoch % 2 !== 1) throw new EngineBug(`endChange: no change is under way (epoch ${epoch})`);
  machineOf(engine).wasm.publish32(epochWord(engine), epoch + 1);
}

/** Takes an opened change back: the call failed and changed nothing, so the old map stays in force. */
export function cancelChange(engine: Engine): void {
  const epoch = readEpoch(engine);
  if (epoch % 2 !== 1) throw new EngineBug(`cancelChange: no change is under way (epoch ${epoch})`);
  machineOf(engine).wasm.publish32(epochWord(engine), epoch - 1);
}
