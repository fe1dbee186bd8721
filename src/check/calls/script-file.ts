import {
  callStart,
  type EditScript,
  FreshTables,
  OP,
  type Recording,
  recordLength,
  type ScriptFile,
  type ScriptIoctl,
  type TableContents,
} from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import { DECODERS } from "../entries/decoder.ts";
import { TABLE } from "../entries/entry-kind.ts";
import { highWord, isLittleEndian, lowWord } from "../entries/entry-words.ts";
import type { CarriedLinks } from "../entries/linked-tables.ts";
import type { CallSpan, ChangeCalls, CheckedScript, CheckInput, TablesBefore } from "../input.ts";
import type { MaybeDirty } from "./maybe-dirty.ts";

const WRITES: ReadonlySet<number> = new Set([OP.fill, OP.gather, OP.store, OP.storeRun, OP.exchange]);

/** The words of a table that nothing is said of. */
const NO_ENTRIES = new Uint32Array(2 * 512);

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
  const contents = start?.contents ?? contentsOf(file);
  let freed: ReadonlySet<Pfn> | null = null;
  const wasFreed = (table: Pfn): boolean =>
    start?.contents.isFreed(table) ?? (freed ??= new Set(file.freedTables)).has(table);
  let released: ReadonlySet<number> | null = null;
  const isReleased = (table: Pfn): boolean =>
    !wasFreed(table) && (released ??= releasedTables(file)).has(table);
  let linked: ReadonlySet<number> | null = null;
  const isLinked = (table: Pfn): boolean =>
    links === null
      ? (linked ??= linkedTables(file, contents)).has(table)
      : links.has(table, { contents, domains: file.domains });
  return {
    ...(links && {
      isShared: (table) => links.isShared(table, { contents, domains: file.domains }),
      isHollow: (table) => !isReleased(table) && links.isHollow(table, { contents, domains: file.domains }),
    }),
    isTable: (table) => contents.has(table) || isLinked(table) || isReleased(table),
    wasFreed,
    wasLeft: (table) => start !== null && start.contents.number > 0 && contents.has(table),
    entry: (table, index) => contents.get(table)?.[index] ?? 0n,
    words(table) {
      const content = contents.get(table);
      if (!isLittleEndian) return null;
      return content === undefined
        ? NO_ENTRIES
        : new Uint32Array(content.buffer, content.byteOffset, 2 * content.length);
    },
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
  linkedTables(recording, contentsOf(recording));

function contentsOf(file: Pick<ScriptFile, "domains" | "tables">): TableContents {
  const contents = new Map<Pfn, BigUint64Array>();
  const fresh = new FreshTables();
  for (const { root } of file.domains) contents.set(root, fresh.take());
  for (const run of file.tables) {
    let content = contents.get(run.table);
    if (content === undefined) contents.set(run.table, (content = fresh.take()));
    let entry = run.first;
    for (let i = 0; i < run.count; i++, entry += run.stride) content[run.index + i] = entry;
  }
  return contents;
}

/** Tables that entries lead to. */
function linkedTables(
  { domains, capability }: Pick<ScriptFile, "domains" | "capability">,
  contents: TableContents,
): ReadonlySet<number> {
  const tables = new Set<number>();
  const decoder = DECODERS.get(capability.format)?.(capability);
  /** Tables whose entries have been read, by level: tables may lead to each other. */
  const read = Array.from({ length: 8 }, () => new Set<number>());
  const visit = (table: number, level: number): void => {
    if (level === 0 || read[level]!.has(table)) return;
    read[level]!.add(table);
    for (const entry of contents.get(table as Pfn) ?? []) {
      if (entry === 0n) continue;
      const [lo, hi] = [lowWord(entry), highWord(entry)];
      if (decoder?.kind(level, lo, hi) !== TABLE) continue;
      tables.add(decoder.frame(lo, hi));
      visit(decoder.frame(lo, hi), level - 1);
    }
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
