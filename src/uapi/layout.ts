import { cDeclarator, cType } from "./c-text.ts";
import { type Placement, place, type Struct } from "./descriptor.ts";
import { SET_MAP_STRUCTS } from "./structs-set-map.ts";

/** Bytes of a cacheline on the machines at hand. */
const CACHELINE_BYTES = 64;

const cell = (p: Placement): string =>
  `${String(p.offsetBytes).padStart(5)} ${String(p.sizeBytes).padStart(5)}`;

const hole = (where: string, bytes64: number, bytes32: number): string[] => {
  if (bytes64 === 0 && bytes32 === 0) return [];
  const at = [
    ...(bytes64 > 0 ? [`${bytes64} bytes on 64-bit`] : []),
    ...(bytes32 > 0 ? [`${bytes32} bytes on i386`] : []),
  ].join(", ");
  return [`\t/* XXX ${where}: ${at} */`];
};

/** Layout of one struct as pahole would show it, with a column for 64-bit Linux and one for i386. */
export function layoutOf(struct: Struct): string {
  const wide = place(struct, "lp64");
  const narrow = place(struct, "i386");
  const lines = [`struct ${struct.name} {`.padEnd(64) + "/* 64-bit off size | i386 off size */"];
  let cacheline = 0;
  let holes = 0;
  for (const [i, p] of wide.fields.entries()) {
    const q = narrow.fields[i]!;
    lines.push(...hole("hole", p.holeBytes, q.holeBytes));
    if (p.holeBytes > 0) holes++;
    const line = Math.floor(p.offsetBytes / CACHELINE_BYTES);
    if (line > cacheline) {
      lines.push(
        `\t/* --- cacheline ${line} boundary (${line * CACHELINE_BYTES} bytes)` +
          `${p.offsetBytes % CACHELINE_BYTES === 0 ? "" : ` was ${p.offsetBytes % CACHELINE_BYTES} bytes ago`} --- */`,
      );
      cacheline = line;
    }
    const type = cType(p.field, struct.alignedU64).padEnd(28);
    lines.push(`\t${type} ${`${cDeclarator(p.field)};`.padEnd(26)} /*  ${cell(p)} | ${cell(q)} */`);
  }
  lines.push(...hole("padding at the end", wide.tailHoleBytes, narrow.tailHoleBytes));
  const lines64 = Math.ceil(wide.sizeBytes / CACHELINE_BYTES);
  lines.push(
    "",
    `\t/* size: ${wide.sizeBytes}, cachelines: ${lines64}, members: ${struct.fields.length}, holes: ${holes} */`,
    `\t/* minimum size: ${struct.minSizeBytes}, through ${struct.lastMandatory} */`,
  );
  const same =
    wide.sizeBytes === narrow.sizeBytes &&
    wide.fields.every((p, i) => p.offsetBytes === narrow.fields[i]!.offsetBytes);
  lines.push(
    same
      ? "\t/* the same on i386 */"
      : `\t/* XXX differs on i386: size ${narrow.sizeBytes}, needs a compat handler */`,
    "};",
  );
  return lines.map((line) => `${line}\n`).join("");
}

/** Layout of several structs, by default of those this project adds. */
export const layout = (structs: readonly Struct[] = SET_MAP_STRUCTS): string =>
  structs.map(layoutOf).join("\n");
