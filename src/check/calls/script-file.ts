import {
  callStart,
  type EditScript,
  GivenTables,
  OP,
  type Recording,
  recordLength,
  type ScriptFile,
  type ScriptIoctl,
} from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import { DECODERS } from "../entries/decoder.ts";
import { TABLE } from "../entries/entry-kind.ts";
import type { CarriedLinks } from "../entries/linked-tables.ts";
import type { CallSpan, ChangeCalls, CheckedScript, CheckInput, TablesBefore } from "../input.ts";
import type { MaybeDirty } from "./maybe-dirty.ts";

/** What tables hold before a script. */
type Contents = Pick<GivenTables, "has" | "entry" | "find" | "each">;

const WRITES: ReadonlySet<number> = new Set([OP.fill, OP.gather, OP.store, OP.storeRun, OP.exchange]);

/**
 * A script file as input of the checker: tables hold what the file says and 0 everywhere else. `dirty`: what devices may have
 * written before, if anything is known of that. `links`: which tables walks can get to, where that is known from earlier calls.
 */
export function inputOf(
  file: ScriptFile,
  dirty: MaybeDirty | null = null,
  links: CarriedLinks | null = null,
): CheckInput {
  const { oldMap, newMap, pins } = file;
  return { ...checkedScriptOf(file, dirty, links), oldMap, newMap, pins };
}

/** The same but for the maps and pins. */
export function checkedScriptOf(
  file: ScriptFile,
  dirty: MaybeDirty | null,
  links: CarriedLinks | null = null,
): CheckedScript {
  const { capability, domains, script, keptTables, deviceCaches, isEpoch } = file;
  const calls = callsOf(file.ioctls, script.steps);
  const tables = tablesOf(file, links);
  return {
    capability,
    domains,
    tables: dirty === null ? tables : { ...tables, mayBeDirty: (table, index) => dirty.has(table, index) },
    script,
    keptTables,
    deviceCaches,
    isEpoch,
    calls,
    isRepinned: calls !== null,
  };
}

/** The ioctls of a change of `steps` steps as its calls; null unless there are several. */
export function callsOf(ioctls: readonly ScriptIoctl[], steps: number): ChangeCalls | null {
  if (ioctls.length < 2) return null;
  const spans = ioctls.flatMap(({ label, step }, i): CallSpan[] => {
    const end = ioctls[i + 1]?.step ?? steps + 1;
    return step < end ? [{ number: i + 1, step, name: label || "an ioctl" }] : [];
  });
  return { count: ioctls.length, spans };
}

/**
 * Tables that have a line, that an entry points to, or that the script gives back: an empty one has no entry to list. What is
 * pointed to is looked up when a page without a line is asked for.
 */
function tablesOf(file: ScriptFile, links: CarriedLinks | null): TablesBefore {
  const start = callStart(file);
  const held: Contents = start?.contents ?? givenIn(file);
  let freed: ReadonlySet<Pfn> | null = null;
  const wasFreed = (table: Pfn): boolean =>
    start?.contents.isFreed(table) ?? (freed ??= new Set(file.freedTables)).has(table);
  let released: ReadonlySet<number> | null = null;
  const isReleased = (table: Pfn): boolean =>
    !wasFreed(table) && (released ??= releasedTables(file)).has(table);
  let linked: ReadonlySet<number> | null = null;
  const state = start === null ? null : { contents: start.contents, domains: file.domains };
  const isLinked = (table: Pfn): boolean =>
    links === null || state === null
      ? (linked ??= linkedTables(file, held)).has(table)
      : links.has(table, state);
  return {
    ...(links &&
      state && {
        isShared: (table) => links.isShared(table, state),
        isHollow: (table) => !isReleased(table) && links.isHollow(table, state),
      }),
    isTable: (table) => held.has(table) || isLinked(table) || isReleased(table),
    wasFreed,
    wasLeft: (table) => start !== null && start.contents.number > 0 && held.has(table),
    entry: (table, index) => held.entry(table, index),
    find: (table, part) => held.find(table, part),
  };
}

/** Tables that a script writes or frees. */
export function tablesChanged({ words }: EditScript): ReadonlySet<number> {
  const tables = new Set<number>();
  for (let at = 0; at < words.length; at += recordLength(words, at)) {
    const op = words[at]! & 0xff;
    if (WRITES.has(op) || op === OP.freeTable) tables.add(words[at + 2]!);
  }
  return tables;
}

/** Tables that entries lead to in front of the first call. */
export const linkedAtFirst = (recording: Recording): ReadonlySet<number> =>
  linkedTables(recording, givenIn(recording));

const givenIn = ({ domains, tables }: Pick<ScriptFile, "domains" | "tables">): GivenTables =>
  new GivenTables(
    domains.map(({ root }) => root),
    tables,
  );

/** Tables that entries lead to. */
function linkedTables(
  { domains, capability }: Pick<ScriptFile, "domains" | "capability">,
  contents: Pick<Contents, "each">,
): ReadonlySet<number> {
  const tables = new Set<number>();
  const decoder = DECODERS.get(capability.format)?.(capability);
  /** Tables whose entries have been read, by level: tables may lead to each other. */
  const read = Array.from({ length: 8 }, () => new Set<number>());
  const visit = (table: number, level: number): void => {
    if (level === 0 || read[level]!.has(table)) return;
    read[level]!.add(table);
    contents.each(table as Pfn, (_, lo, hi) => {
      if (decoder?.kind(level, lo, hi) !== TABLE) return;
      tables.add(decoder.frame(lo, hi));
      visit(decoder.frame(lo, hi), level - 1);
    });
  };
  for (const { root, levels } of domains) visit(root, levels - 1);
  return tables;
}

/** Tables that the script gives back without having written them. */
function releasedTables({ script }: ScriptFile): ReadonlySet<number> {
  const tables = new Set<number>();
  const written = new Set<number>();
  const { words } = script;
  for (let at = 0; at < words.length; at += recordLength(words, at)) {
    const op = words[at]! & 0xff;
    const table = words[at + 2]!;
    if (op === OP.freeTable && !written.has(table)) tables.add(table);
    else if (WRITES.has(op)) written.add(table);
  }
  return tables;
}
