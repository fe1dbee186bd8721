import type { Pfn } from "../units/index.ts";
import { CallContents } from "./call-contents.ts";
import { type ChangedMap, type MapRunList, mapRunList } from "./call-maps.ts";
import { CarriedPins } from "./carried-pins.ts";
import { GivenTables } from "./given-tables.ts";
import type { RecordedCall, Recording } from "./recording.ts";
import type { EditScript } from "./script.ts";
import type { CollectStep, ExchangeStep, Step } from "./steps.ts";
import { tableRuns } from "./table-runs.ts";
import { FREED, TableStore } from "./table-store.ts";
import type { PinRun, ScriptDomain, ScriptFile, TableRun } from "./text.ts";

/** What the maps of a call that was read from text are made of. */
const CHANGES = new WeakMap<RecordedCall, () => ChangedMap>();
/** Says how the map of a call comes about, so that it need not be read from a list. */
export const ofCall = (call: RecordedCall, changed: () => ChangedMap): void =>
  void CHANGES.set(call, changed);

/**
 * Each call of a recording as a script of its own: with the tables, roots and pins that the calls before it leave when all
 * their stores have arrived. Pre: taken in order, one pass.
 */
export function* callScripts(recording: Recording): Generator<ScriptFile> {
  const { calls, ...others } = recording;
  const tables = new CarriedTables(recording);
  let { domains } = recording;
  let map = mapRunList(recording.oldMap);
  let pins = recording.pins === null ? null : CarriedPins.of(recording.pins);
  let keptTables = recording.keptTables;
  for (const [i, call] of calls.entries()) {
    const { pinned, kept = [], ioctls, script, stepLines } = call;
    // What a call gives back and takes again is kept by its own lines only.
    if (i > 0) keptTables = keptAfter(keptTables, script);
    if (kept.length > 0) keptTables = [...keptTables, ...kept];
    const before = { domains, map, pins, tables: tables.contents() };
    const after = CHANGES.get(call)?.() ?? { map: mapRunList(call.newMap), edited: null };
    let runs: readonly TableRun[] | null = null;
    let held: readonly PinRun[] | null = null;
    let freed: readonly Pfn[] | null = null;
    const file: ScriptFile = {
      ...others,
      keptTables,
      domains,
      get tables() {
        return (runs ??= [...before.tables.keys()].flatMap((table) =>
          tableRuns(table, (at) => before.tables.entry(table, at)),
        ));
      },
      get freedTables() {
        return (freed ??= before.tables.freed());
      },
      get oldMap() {
        return before.map.all();
      },
      get newMap() {
        return after.map.all();
      },
      get pins() {
        return before.pins && (held ??= [...before.pins.all(), ...pinned]);
      },
      ioctls,
      script,
      stepLines,
    };
    BEFORE.set(file, { contents: before.tables, before: before.map, pins, pinned, ...after });
    yield file;
    if (i === calls.length - 1) return;
    tables.run(script);
    map = after.map;
    domains = domainsAfter(domains, script);
    keptTables = keptAfter(keptTables, script);
    pins = pins?.after(pinned, script) ?? null;
  }
}

/** What a script of a row of calls starts from, without lists of all of it. */
export interface CallStart extends ChangedMap {
  readonly contents: CallContents;
  readonly before: MapRunList;
  /** Null where nothing is said of pins. */
  readonly pins: CarriedPins | null;
  /** Those that the call takes itself. */
  readonly pinned: readonly PinRun[];
}

const BEFORE = new WeakMap<ScriptFile, CallStart>();

/** The same for a script that `callScripts` has made; null for any other. */
export const callStart = (file: ScriptFile): CallStart | null => BEFORE.get(file) ?? null;

/** Table contents from call to call. */
class CarriedTables {
  readonly #contents: TableStore;
  /** What those are told of it who stand in front of the call at hand. */
  #before: CallContents;

  readonly #walkerBits: bigint;
  readonly #outputMask: bigint;

  constructor({ domains, tables, freedTables = [], capability }: Recording) {
    this.#walkerBits = capability.walkerBits;
    this.#outputMask = (1n << BigInt(capability.outputBits)) - 1n;
    const roots = domains.map(({ root }) => root);
    this.#contents = new TableStore(new GivenTables(roots, tables));
    for (const table of freedTables) this.#contents.set(table, FREED);
    this.#before = new CallContents(this.#contents);
  }

  /** What there is now, and stays so: a table that is written later is copied before. */
  contents(): CallContents {
    return this.#before;
  }

  run(script: EditScript): void {
    for (const step of script) this.#step(step);
    this.#before = this.#before.after();
  }

  #step(step: Step): void {
    switch (step.op) {
      case "fill":
      case "storeRun":
        this.#write(step.table, step.index, step.count, step.first, step.stride);
        break;
      case "gather":
        step.entries.forEach((entry, i) => {
          this.#write(step.table, step.index + i, 1, entry, 0n);
        });
        break;
      case "store":
        this.#write(step.table, step.index, 1, step.entry, 0n);
        break;
      case "exchange":
        this.#exchange(step);
        break;
      case "collect":
        this.#collect(step);
        break;
      case "setRoot":
        this.#of(step.root);
        break;
      case "freeTable":
        this.#before.keep(step.table);
        this.#contents.set(step.table, FREED);
        break;
    }
  }

  /** What walkers have set does not count, and is carried: into the new leaf, or into all leaves of the new table. */
  #exchange({ table, index, expected, entry }: ExchangeStep): void {
    const old = this.#of(table)[index]!;
    if (((old ^ expected) & ~this.#walkerBits) !== 0n) return;
    const carried = this.#childOf(old) === null ? old & this.#walkerBits : 0n;
    const child = this.#childOf(entry);
    const isLeaf = entry !== 0n && child === null;
    this.#write(table, index, 1, isLeaf ? entry | carried : entry, 0n);
    if (child !== null && carried !== 0n) this.#carryInto(child, carried);
  }

  #carryInto(table: Pfn, bits: bigint): void {
    for (const [index, entry] of this.#of(table).entries()) {
      if (entry === 0n) continue;
      const child = this.#childOf(entry);
      if (child === null) this.#write(table, index, 1, entry | bits, 0n);
      else this.#carryInto(child, bits);
    }
  }

  #collect({ table, index, count }: CollectStep): void {
    for (const [i, entry] of this.#of(table)
      .subarray(index, index + count)
      .entries())
      if (this.#childOf(entry) === null) this.#write(table, index + i, 1, entry & ~this.#walkerBits, 0n);
  }

  /** The table that an entry points to; null for a leaf, since no leaf leads to a table. */
  #childOf(entry: bigint): Pfn | null {
    const page = Number((entry & this.#outputMask) >> 12n) as Pfn;
    return this.#isHeld(page) ? page : null;
  }

  #isHeld(table: Pfn): boolean {
    return this.#contents.has(table) && !this.#contents.isFreed(table);
  }

  #of(table: Pfn): BigUint64Array {
    if (this.#isHeld(table)) return this.#contents.get(table)!;
    this.#before.keep(table);
    const content = this.#contents.fresh();
    this.#contents.set(table, content);
    return content;
  }

  #write(table: Pfn, index: number, count: number, first: bigint, stride: bigint): void {
    let content = this.#of(table);
    if (!this.#before.isKept(table)) {
      this.#before.keep(table);
      this.#contents.set(table, (content = content.slice()));
    }
    let entry = first;
    for (let i = 0; i < count; i++, entry += stride) content[index + i] = entry;
  }
}

/** Who gives a table back keeps it no longer. */
function keptAfter(tables: readonly Pfn[], script: EditScript): readonly Pfn[] {
  if (tables.length === 0) return tables;
  const kept = new Set(tables);
  for (const step of script.releases()) if (step.op === "freeTable") kept.delete(step.table);
  return kept.size < tables.length ? [...kept] : tables;
}

/** A root switch leaves the domain under its new tag. */
function domainsAfter(domains: readonly ScriptDomain[], script: EditScript): readonly ScriptDomain[] {
  let after = domains;
  for (const step of script.releases())
    if (step.op === "setRoot")
      after = after.map((d) =>
        d.id === step.domain ? { ...d, id: step.tag, root: step.root, levels: step.levels } : d,
      );
  return after;
}
