import type { Decision } from "../decide.ts";
import { TABLE } from "../entries/entry-kind.ts";
import { EntryReader } from "../entries/entry-reader.ts";
import { LastEntries } from "../entries/last-entries.ts";
import { NEVER } from "../script/positions.ts";
import { lastRoot } from "../walks/roots.ts";

/** A table page that the script loses, or gives back more than once. */
export interface TableDrift {
  readonly table: number;
  readonly what: "leak" | "double" | "unknown";
  /** Step after which it was unreachable, or of the freeing. */
  readonly step: number;
  readonly start: number;
  readonly end: number;
  /** The domain that loses it; left out where none ever held it. */
  readonly domain?: number;
  /** First page of where it stood, if the script takes it from there. */
  readonly stood?: number;
}

interface Known {
  readonly level: number;
  readonly base: number;
}

/**
 * Audits table pages: every table that the final tables do not reach must have been freed, once.
 *
 * Only tables the script touches, links or cuts off are looked at, with all that hangs below those it cuts off.
 */
export function tableDrifts(decision: Decision): TableDrift[] {
  const { log, input, decoder, geometry } = decision;
  if (onlyLeavesChange(decision)) return [];
  const kept = new Set<number>(input.keptTables ?? []);
  const wasFreed = (table: number): boolean => input.tables.wasFreed?.(table as never) ?? false;
  const known = new Map<number, Known>();
  const drifts: TableDrift[] = [];
  const reader = new EntryReader(input.tables);
  const last = new LastEntries(log, input.tables, decoder, geometry);
  const roots = new Map(
    input.domains.map((d) => {
      const { root, levels } = lastRoot(log, d);
      return [d.id, { table: root as number, levels }] as const;
    }),
  );

  /** Entries of a table after the script, and before it, that point to tables. */
  const children = (
    table: number,
    level: number,
    base: number,
    when: "before" | "after",
  ): Map<number, Known> => {
    const found = new Map<number, Known>();
    if (level === 0) return found;
    const first = log.logAt(table, 0);
    for (let index = 0; index < geometry.entries; index++) {
      if (when === "before") reader.read(table, first, index);
      else last.read(table, index);
      const { lo, hi } = when === "before" ? reader : last;
      if (decoder.kind(level, lo, hi) !== TABLE) continue;
      const span = geometry.span(level);
      found.set(decoder.frame(lo, hi), { level: level - 1, base: base + index * span });
    }
    return found;
  };

  /** Freed and used again: what it held before belongs to another place, perhaps another level. */
  const isReused = (table: number): boolean => (log.logAt(table, log.steps)?.life ?? 0) > 0;

  const stoodAt = placesBefore(decision);
  /** What a table pointed to before the script, at the place that it had then. */
  const childrenBefore = (table: number, level: number, base: number): Iterable<[number, Known]> => {
    const own = log.logAt(table, 0);
    const place = own === null ? { level, base } : stoodAt(own.number);
    if (place !== null) return children(table, place.level, place.base, "before");
    // Nobody could walk it: what it holds may be left over from anything, and from what level nobody knows.
    return [...children(table, level, base, "before")]
      .filter(([child]) => input.tables.isTable(child as never))
      .map(([child, at]) => [child, { ...at, level: 0 }]);
  };

  const reachable = new Set<number>();
  const cut: { readonly table: number; readonly at: Known; readonly domain: number }[] = [];
  /** Compares what a written table pointed to with what it points to now. */
  const follow = (domain: number, table: number, level: number, base: number): void => {
    reachable.add(table);
    if (level === 0 && !log.isTouched(table)) return;
    const now = children(table, level, base, "after");
    for (const [child, at] of now)
      if (log.isTouched(child) || hasTouchedBelow(decision, at, geometry.span(level))) {
        if (!reachable.has(child)) follow(domain, child, at.level, at.base);
      } else reachable.add(child);
    if (!isReused(table) && (log.isTouched(table) || input.tables.isTable(table as never)))
      for (const [child, at] of childrenBefore(table, level, base))
        if (!now.has(child) || isReused(child)) cut.push({ table: child, at, domain });
  };
  for (const [id, { table, levels }] of roots) follow(id, table, levels - 1, 0);
  for (const d of input.domains)
    if (roots.get(d.id)!.table !== d.root || isReused(d.root))
      cut.push({ table: d.root, at: { level: d.levels - 1, base: 0 }, domain: d.id });

  let all: Set<number> | null = null;
  /** True iff some entry leads to a table in the end, be it one of a table that the script has nothing to do with. */
  const isReachedAtLast = (table: number): boolean => {
    if (all === null) {
      all = new Set();
      const visit = (own: number, level: number): void => {
        all!.add(own);
        for (const [child, at] of children(own, level, 0, "after"))
          if (!all!.has(child)) visit(child, at.level);
      };
      for (const { table: root, levels } of roots.values()) visit(root, levels - 1);
    }
    return all.has(table);
  };

  const audit = (domain: number, table: number, at: Known): void => {
    if ((reachable.has(table) && !isReused(table)) || known.has(table)) return;
    known.set(table, at);
    const own = log.logAt(table, 0);
    const isFreed = own !== null && own.freedAt <= log.steps;
    const end = at.base + geometry.tableSpan(at.level);
    // Who gave it back while it was linked was told of that.
    if (!isFreed && !kept.has(table) && !wasFreed(table) && !input.tables.isHollow?.(table as never)) {
      if (!isReused(table) && isReachedAtLast(table)) return;
      drifts.push({ table, what: "leak", step: 0, start: at.base, end, domain });
    }
    for (const [child, below] of children(table, at.level, at.base, "before")) audit(domain, child, below);
  };
  // Of what is cut off in several places the one whose level is known says what hung below it.
  for (const { table, at, domain } of cut.sort((a, b) => b.at.level - a.at.level)) audit(domain, table, at);

  for (const table of log.logs()) {
    const stood = known.get(table.table)?.base;
    for (const step of table.freedAgain)
      drifts.push({
        table: table.table,
        what: "double",
        step,
        start: 0,
        end: 0,
        ...(stood === undefined ? {} : { stood }),
      });
    const isAgain = table.life === 0 && !table.isWritten && wasFreed(table.table);
    if (isAgain && table.freedAt <= log.steps)
      drifts.push({ table: table.table, what: "double", step: table.freedAt, start: 0, end: 0 });
    const isKnown = isAgain || table.isWritten || known.has(table.table) || reachable.has(table.table);
    if (table.freedAt <= log.steps && !isKnown && !input.tables.isTable(table.table as never))
      drifts.push({ table: table.table, what: "unknown", step: table.freedAt, start: 0, end: 0 });
    // What a page was before it was freed says nothing of what it is used for now.
    const isAccounted = table.life > 0 ? reachable.has(table.table) : isKnownTable(table.table);
    // One that stood nowhere although there were calls before has been lost by one of them.
    const wasLost =
      table.life === 0 &&
      stoodAt(table.number) === null &&
      (input.tables.wasLeft?.(table.table as never) ?? false);
    const isLost = table.freedAt > log.steps && table.isWritten && !isAccounted && !wasLost;
    // Tables that are linked as they are were not gone through.
    if (isLost && !kept.has(table.table) && !isReachedAtLast(table.table))
      drifts.push({ table: table.table, what: "leak", step: table.step(0), start: 0, end: 0 });
  }
  return drifts;

  function isKnownTable(table: number): boolean {
    return reachable.has(table) || known.has(table);
  }
}

/** Where tables stood before the script that it writes or frees, by the numbers of their logs: at the highest level. */
function placesBefore({ log, interests }: Decision): (number: number) => Known | null {
  const levels = new Int8Array(log.lives).fill(-1);
  const bases = new Float64Array(log.lives);
  for (const { located } of interests.values())
    for (const { log: own, level, base } of located)
      if (level > levels[own.number]!) [levels[own.number], bases[own.number]] = [level, base];
  return (number) => (levels[number]! < 0 ? null : { level: levels[number]!, base: bases[number]! });
}

/**
 * True iff the script writes nothing but tables of the lowest level that are in their places: all tables are reached as before. To
 * read what leads to them would cost more than all else of a call that changes a page.
 */
function onlyLeavesChange({ log, interests }: Decision): boolean {
  if (log.frees.length > 0 || log.roots.length > 0) return false;
  const isLowest = new Uint8Array(log.lives);
  for (const { located } of interests.values())
    for (const { log: own, level } of located) {
      if (level > 0) return false;
      isLowest[own.number] = 1;
    }
  return !isLowest.includes(0);
}

const hasTouchedBelow = (decision: Decision, at: Known, span: number): boolean => {
  for (const interest of decision.interests.values())
    if (interest.untouchedUntil(at.base, at.base + span) !== NEVER) return true;
  return false;
};
