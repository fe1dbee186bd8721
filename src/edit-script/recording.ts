import type { Pfn } from "../units/index.ts";
import type { Capability } from "./capability.ts";
import type { EditScript } from "./script.ts";
import type { MapRun, PinRun, ScriptDomain, ScriptFile, ScriptIoctl, TableRun } from "./text.ts";

/** What a driver did in one call, and the map the call had to lead to. */
export interface RecordedCall {
  /** What follows `call` in its line; empty where the file has no `call` lines. */
  readonly label: string;
  /** Line of the `call` statement; 0 where there is none. */
  readonly line: number;
  readonly newMap: readonly MapRun[];
  /** Pins the call takes before its steps. */
  readonly pinned: readonly PinRun[];
  /** Tables that stay allocated on purpose from this call on, until one gives them back. */
  readonly kept?: readonly Pfn[];
  /** The ioctls it is made of, where it says so. */
  readonly ioctls: readonly ScriptIoctl[];
  readonly script: EditScript;
  readonly stepLines: readonly number[];
}

/** Calls in a row on the same tables: the map, tables and pins that one leaves are those the next one finds. */
export interface Recording {
  readonly capability: Capability;
  readonly domains: readonly ScriptDomain[];
  readonly tables: readonly TableRun[];
  readonly oldMap: readonly MapRun[];
  /** Pins before the first call; null where the file says nothing about pins. */
  readonly pins: readonly PinRun[] | null;
  /** The same from the first call on. */
  readonly keptTables: readonly Pfn[];
  /** Those that were given back before the first call. */
  readonly freedTables?: readonly Pfn[];
  readonly deviceCaches: number;
  readonly isEpoch: boolean;
  /** At least one. */
  readonly calls: readonly RecordedCall[];
}

/** The only call of a recording, as a script. Pre: there is one. */
export function onlyScript(recording: Recording): ScriptFile {
  const { calls, ...before } = recording;
  const { newMap, pinned, kept = [], ioctls, script, stepLines } = calls[0]!;
  const pins = before.pins === null ? null : [...before.pins, ...pinned];
  return { ...before, keptTables: [...before.keptTables, ...kept], newMap, pins, ioctls, script, stepLines };
}
