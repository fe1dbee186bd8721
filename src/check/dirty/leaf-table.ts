import { TABLE } from "../entries/entry-kind.ts";
import { NEVER } from "../script/positions.ts";
import type { TableLog } from "../script/table-log.ts";
import type { Slot, TableNode, WalkRules } from "./table-node.ts";

/** A table of smallest leaves that alone has ever led to its pages, through entries that nobody writes, and stays. */
export interface LeafTable {
  readonly table: number;
  readonly log: TableLog;
  /** The page of its first entry. */
  readonly base: number;
  /** Rights that the entries above it leave to its own. */
  readonly rights: number;
}

const R_W = 3;

/** The table among those of one place at the lowest level if it is such a one, and something is done to it. */
export function onlyLeafTable(
  { rightsAnded, rights: rightsOf }: WalkRules,
  nodes: readonly TableNode[],
  above: readonly Slot[],
): LeafTable | null {
  const [node] = nodes;
  if (nodes.length !== 1 || !node!.isWhereItWas || node!.freedAt !== NEVER) return null;
  const { table, log, base } = node!;
  if (log === null || log.life > 0) return null;
  let rights = R_W;
  for (const { node: parent, versions } of above) {
    const [version] = versions;
    if (!parent.isWhereItWas || versions.length > 1 || version!.kind !== TABLE) return null;
    const own = rightsOf(version!);
    // What no walk gets through is nothing to hasten.
    if (own === 0) return null;
    if (rightsAnded) rights &= own;
  }
  return { table, log, base, rights };
}
