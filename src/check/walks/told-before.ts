import type { Pfn } from "../../units/index.ts";
import type { TablesBefore } from "../input.ts";
import { NEVER } from "../script/positions.ts";
import type { HeldTable } from "./held-table.ts";

/**
 * True iff an entry, stored at `step`, leads to a table that the script does not write. Of what earlier calls have left there, and what is
 * none, those were told.
 */
export function leadsToTable(tables: TablesBefore, table: number, step: number): boolean {
  if (!tables.isTable(table as Pfn)) return false;
  return step === 0 || !(tables.wasFreed?.(table as Pfn) || tables.isHollow?.(table as Pfn));
}

/** Step that gives a table back; NEVER for one that was given back before: who did so was told of what leads to it. */
export function freedAt(tables: TablesBefore, { table, log }: Pick<HeldTable, "table" | "log">): number {
  if (log === null || log.freedAt === NEVER || log.isWritten) return log?.freedAt ?? NEVER;
  return tables.wasFreed?.(table as Pfn) ? NEVER : log.freedAt;
}
