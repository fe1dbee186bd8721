import type { Engine } from "../../src/engine/index.ts";
import { type Domain, NO_FRAME, RunList } from "../../src/kernel/iommu/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";

/** One maximal piece of a translation: pages, frames and rights continue throughout. */
export interface Piece {
  start: number;
  end: number;
  frame: number;
  rights: number;
}

/** Joins pieces that continue each other; drops nothing. Pre: ascending. */
export function joined(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  for (const piece of pieces) {
    const last = result[result.length - 1];
    if (
      last !== undefined &&
      last.end === piece.start &&
      last.rights === piece.rights &&
      last.frame + (last.end - last.start) === piece.frame
    )
      last.end = piece.end;
    else result.push({ ...piece });
  }
  return result;
}

/** Reads a whole VT-d second-stage table as 64-bit words, sharing no code with the kernel. */
export function readTranslations(
  engine: Engine,
  domain: Domain,
): { pieces: Piece[]; leaves: Map<string, bigint>; tables: number } {
  const pieces: Piece[] = [];
  const leaves = new Map<string, bigint>();
  let tables = 0;
  const visit = (table: number, level: number, base: number): void => {
    tables++;
    const words = new BigUint64Array(engine.readTable(table as never).slice().buffer);
    for (let index = 0; index < 512; index++) {
      const entry = words[index]!;
      if (entry === 0n) continue;
      if ((entry & 3n) === 0n) {
        throw new Error(`entry ${entry.toString(16)} is neither present nor zero`);
      }
      const frame = Number((entry & 0x000f_ffff_ffff_f000n) >> 12n);
      const start = base + index * 512 ** level;
      if (level > 0 && (entry & 0x80n) === 0n) {
        if ((entry & 3n) !== 3n) throw new Error("a table entry narrows rights");
        visit(frame, level - 1, start);
        continue;
      }
      if (level > 2) throw new Error(`leaf at level ${level}`);
      if (level === 0 && (entry & 0x80n) !== 0n) throw new Error("page size bit in a 4 KiB leaf");
      if (frame % 512 ** level !== 0) throw new Error("misaligned leaf");
      leaves.set(`${start}/${level}`, entry);
      pieces.push({ start, end: start + 512 ** level, frame, rights: Number(entry & 3n) });
    }
  };
  visit(domain.root, domain.levels - 1, 0);
  return { pieces: joined(pieces), leaves, tables };
}

/** The piece that contains a page, or undefined. */
export const pieceAt = (pieces: readonly Piece[], page: number): Piece | undefined =>
  pieces.find((piece) => piece.start <= page && page < piece.end);

/** What a list of pieces means for each page, as the runs that lead from `old` to `next`. */
export function changes(old: readonly Piece[], next: readonly Piece[]): RunList {
  const cuts = [...new Set([...old, ...next].flatMap((p) => [p.start, p.end]))].sort((a, b) => a - b);
  const runs = new RunList();
  for (let i = 0; i + 1 < cuts.length; i++) {
    const [start, end] = [cuts[i]!, cuts[i + 1]!];
    const before = pieceAt(old, start);
    const after = pieceAt(next, start);
    const same =
      before !== undefined &&
      after !== undefined &&
      before.rights === after.rights &&
      before.frame - before.start === after.frame - after.start;
    if (same || (before === undefined && after === undefined)) continue;
    if (after === undefined) runs.push(iovaPfn(start), end - start, NO_FRAME, 0);
    else runs.push(iovaPfn(start), end - start, pfn(after.frame + start - after.start), after.rights);
  }
  return runs;
}
