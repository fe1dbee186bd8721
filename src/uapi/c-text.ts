import type { Field, FlagBit, Struct } from "./descriptor.ts";

/** Widest line of generated C, tabs counted as 8. */
const WIDTH = 80;

/** A space at which a comment line must not break. */
export const NO_BREAK = "\u00a0";

/** Breaks text into comment lines: `first` starts the first one, `rest` all others. */
export function commentLines(text: string, first: string, rest: string): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(" ")) {
    if (!empty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = rest;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  lines.push(line);
  return lines.map((l) => l.replaceAll(NO_BREAK, " "));
}

/** A kernel-doc block: title line, members or parameters, then paragraphs. */
export function kernelDoc(
  title: string,
  members: readonly (readonly [string, string])[],
  paragraphs: readonly string[],
): string[] {
  return [
    "/**",
    ...commentLines(title, " * ", " *\t"),
    ...members.flatMap(([name, doc]) => commentLines(doc, ` * @${name}: `, " *\t")),
    ...paragraphs.flatMap((p) => [" *", ...commentLines(p, " * ", " * ")]),
    " */",
  ];
}

const pad = (text: string, columns: number): string => {
  const tabs = Math.max(1, Math.ceil((columns - text.length) / 8));
  return text + "\t".repeat(tabs);
};

/** `(1 << n)` for a single bit, `(~0U)` for all ones, decimal otherwise. */
export function cValue(value: number): string {
  if (value === 0xffff_ffff) return "(~0U)";
  if (value > 0 && Number.isInteger(Math.log2(value))) return `(1 << ${Math.log2(value)})`;
  return String(value);
}

/** A `#define` with its value at column `at`. */
export const cDefine = (name: string, value: string, at = 56): string => pad(`#define ${name}`, at) + value;

/** Base type of a field as C spells it. */
export function cType(field: Field, alignedU64: boolean): string {
  switch (field.type) {
    case "u64":
      return alignedU64 ? "__aligned_u64" : "__u64";
    case "uptr":
      return "__u64 *";
    case "u8":
    case "u16":
    case "u32":
    case "s32":
      return `__${field.type}`;
    default:
      return `struct ${field.type.name}`;
  }
}

/** Declarator of a field: name, and `[n]` or `[]`. */
export const cDeclarator = (field: Field): string =>
  field.name + (field.countedBy !== undefined ? "[]" : field.count !== undefined ? `[${field.count}]` : "");

const cField = (field: Field, alignedU64: boolean): string => {
  const type = cType(field, alignedU64);
  return field.type === "uptr"
    ? `\t${type}${cDeclarator(field)};`
    : `\t${pad(type, 16)}${cDeclarator(field)};`;
};

const cBit = (flag: FlagBit): string[] => [`/* ${flag.doc} */`, cDefine(flag.name, cValue(flag.value))];

/** Kernel-doc and definition of a struct; the flags of a field follow it. */
export function cStruct(struct: Struct): string[] {
  return [
    ...kernelDoc(
      `struct ${struct.name} - ${struct.doc}`,
      struct.fields.map((f) => [f.name, f.doc]),
      struct.notes,
    ),
    `struct ${struct.name} {`,
    ...struct.fields.flatMap((f) => [cField(f, struct.alignedU64), ...(f.bits ?? []).flatMap(cBit)]),
    "};",
  ];
}
