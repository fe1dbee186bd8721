import { WRITE } from "../../units/index.ts";
import { decodeWrites } from "../entries/cells.ts";
import { type Decoder, LEAF } from "../entries/entry-kind.ts";
import { NEVER } from "../script/positions.ts";
import { beforeWords, type HistorySource } from "./dirty-versions.ts";
import { OPEN, STEADY } from "./steady-entries.ts";
import type { Slot, TableNode } from "./table-node.ts";

/** True iff a walk that begins when all is done may write, as far as these entries of its page go. */
export function letWrites(slots: readonly Slot[], decoder: Decoder, rightsAnded: boolean): boolean {
  for (const { node, versions } of slots) {
    const { kind, lo, hi } = versions.at(-1)!;
    if (node.isFinal && (rightsAnded || kind === LEAF) && (decoder.rights(lo, hi) & WRITE) === 0)
      return false;
  }
  return true;
}

/**
 * Says of each entry of the only table that lasts among those of one place at the lowest level whether it tells by itself in
 * the end what was written, and is not `OPEN`: it can be written still, it has D = 1, or it is no leaf.
 */
export function selfTelling(
  source: HistorySource,
  nodes: readonly TableNode[],
  above: readonly Slot[],
  rightsAnded: boolean,
): Uint8Array {
  const { words, decoder, geometry } = source;
  const { entries } = geometry;
  const said = new Uint8Array(entries).fill(OPEN);
  const lasting = nodes.filter(({ freedAt }) => freedAt === NEVER);
  const [last] = lasting;
  if (lasting.length !== 1 || !last!.isFinal) return said;
  if (above.some(({ versions }) => versions.some(({ kind }) => kind === LEAF))) return said;
  const isWritable = letWrites(above, decoder, rightsAnded);
  const { table, log } = last!;
  const held = beforeWords(source, table, log);
  const at = (index: number) => ({ lo: held[2 * index]!, hi: held[2 * index + 1]! });
  const written = log === null ? null : decodeWrites(words, log, entries, decoder, at);
  const keepsBits = log === null || log.collects.length === 0;
  for (let i = 0; i < entries; i++) {
    const isWritten = written?.isWritten[i] === 1;
    const lo = isWritten ? written!.lo[i]! : held[2 * i]!;
    const hi = isWritten ? written!.hi[i]! : held[2 * i + 1]!;
    const isTold =
      decoder.kind(0, lo, hi) !== LEAF ||
      (isWritable && (decoder.rights(lo, hi) & WRITE) !== 0) ||
      (keepsBits && decoder.isDirty(lo, hi));
    if (isTold) said[i] = STEADY;
  }
  return said;
}
