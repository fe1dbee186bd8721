/**
 * Descriptors of the C structs that cross the ioctl boundary.
 *
 * One descriptor per struct is the only place that knows it: the codec, the C header, the layout listing and the lint all
 * read the same fields, so that none of them can disagree with another.
 */

/** `uptr` is a C pointer, 8 bytes on LP64 and 4 on i386; upstream has one, a new struct must have none. */
export type Scalar = "u8" | "u16" | "u32" | "u64" | "s32" | "uptr";

/** One bit, or one value, of a field; becomes a `#define` right after the field. */
export interface FlagBit {
  readonly name: string;
  readonly value: number;
  readonly doc: string;
}

export interface Field {
  readonly name: string;
  readonly type: Scalar | Struct;
  /** Number of elements of a fixed array. */
  readonly count?: number;
  /** Flexible tail: the name of the field that counts its elements, or `"argsz"` where the rest of the argument belongs to it. */
  readonly countedBy?: string;
  /** One line, with the unit. */
  readonly doc: string;
  readonly role?: "reserved" | "user-pointer";
  readonly bits?: readonly FlagBit[];
}

export interface Struct<Fields extends readonly Field[] = readonly Field[]> {
  /** The tag in C. */
  readonly name: string;
  /** One line. */
  readonly doc: string;
  /** Further lines of the kernel-doc comment: what a caller must know and no field can say. */
  readonly notes: readonly string[];
  readonly fields: Fields;
  /** u64 fields are `__aligned_u64`; without it i386 aligns them to 4 bytes. */
  readonly alignedU64: boolean;
  /** First thing a caller passes to an ioctl, as opposed to an element or a capability. */
  readonly argument: boolean;
  /** Last field that the oldest caller must provide; the minimum size ends with it. */
  readonly lastMandatory: string;
  /** Offset of each field on LP64, in bytes: what code on a hot path reads by. */
  readonly offsets: Readonly<Record<Fields[number]["name"], number>>;
  /** sizeof on LP64, a flexible tail not counted. */
  readonly sizeBytes: number;
  /** offsetofend(lastMandatory) on LP64: the smallest argsz the kernel accepts. */
  readonly minSizeBytes: number;
}

/** `lp64` is every 64-bit Linux and every 32-bit one that aligns u64 to 8; `i386` aligns u64 to 4 and has 4-byte pointers. */
export type Abi = "lp64" | "i386";

/** Where one field lies. */
export interface Placement {
  readonly field: Field;
  readonly offsetBytes: number;
  /** 0 for a flexible tail. */
  readonly sizeBytes: number;
  readonly alignBytes: number;
  /** Padding the compiler inserts in front of the field. */
  readonly holeBytes: number;
}

export interface StructPlacement {
  readonly fields: readonly Placement[];
  readonly sizeBytes: number;
  readonly alignBytes: number;
  /** Padding the compiler appends. */
  readonly tailHoleBytes: number;
}

const scalarBytes = (type: Scalar, abi: Abi): number => {
  switch (type) {
    case "u8":
      return 1;
    case "u16":
      return 2;
    case "u32":
    case "s32":
      return 4;
    case "u64":
      return 8;
    case "uptr":
      return abi === "lp64" ? 8 : 4;
  }
};

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/** Places fields as the C ABI does (System V, no packing). */
export function placeFields(fields: readonly Field[], alignedU64: boolean, abi: Abi): StructPlacement {
  const placed: Placement[] = [];
  let at = 0;
  let structAlign = 1;
  for (const field of fields) {
    let size: number;
    let align: number;
    if (typeof field.type === "string") {
      size = scalarBytes(field.type, abi);
      align = field.type === "u64" && abi === "i386" && !alignedU64 ? 4 : size;
    } else {
      const inner = place(field.type, abi);
      size = inner.sizeBytes;
      align = inner.alignBytes;
    }
    const offset = roundUp(at, align);
    const total = field.countedBy !== undefined ? 0 : size * (field.count ?? 1);
    placed.push({ field, offsetBytes: offset, sizeBytes: total, alignBytes: align, holeBytes: offset - at });
    at = offset + total;
    structAlign = Math.max(structAlign, align);
  }
  const size = roundUp(at, structAlign);
  return { fields: placed, sizeBytes: size, alignBytes: structAlign, tailHoleBytes: size - at };
}

/** Offsets, sizes and holes of a struct on one ABI. */
export const place = (struct: Struct, abi: Abi): StructPlacement =>
  placeFields(struct.fields, struct.alignedU64, abi);

/** Size of one element of a field on LP64, in bytes. */
export const elementBytes = (field: Field): number =>
  typeof field.type === "string" ? scalarBytes(field.type, "lp64") : field.type.sizeBytes;

export interface StructOptions {
  readonly alignedU64?: boolean;
  readonly argument?: boolean;
  readonly lastMandatory?: string;
  readonly notes?: readonly string[];
}

/**
 * Makes a descriptor; `lastMandatory` defaults to the last field that is not a flexible tail.
 *
 * @throws TypeError when two fields share a name or `lastMandatory` names none.
 */
export function defineStruct<const Fields extends readonly Field[]>(
  name: string,
  doc: string,
  fields: Fields,
  options: StructOptions = {},
): Struct<Fields> {
  const alignedU64 = options.alignedU64 ?? false;
  const { fields: placed, sizeBytes } = placeFields(fields, alignedU64, "lp64");
  const offsets = Object.fromEntries(placed.map((p) => [p.field.name, p.offsetBytes]));
  if (Object.keys(offsets).length !== fields.length)
    throw new TypeError(`struct ${name}: two fields share a name`);
  const lastMandatory = options.lastMandatory ?? fields.findLast((f) => f.countedBy === undefined)?.name;
  const last = placed.find((p) => p.field.name === lastMandatory);
  if (last === undefined) throw new TypeError(`struct ${name}: no field ${lastMandatory}`);
  return {
    name,
    doc,
    notes: options.notes ?? [],
    fields,
    alignedU64,
    argument: options.argument ?? false,
    lastMandatory: last.field.name,
    offsets: offsets as Struct<Fields>["offsets"],
    sizeBytes,
    minSizeBytes: last.offsetBytes + last.sizeBytes,
  };
}

/** Names a constant once: `bit({ VFIO_DMA_MAP_FLAG_READ }, "…")`. */
export function bit(constant: Readonly<Record<string, number>>, doc: string): FlagBit {
  const [entry, ...more] = Object.entries(constant);
  if (entry === undefined || more.length > 0) throw new TypeError("bit: exactly one constant expected");
  return { name: entry[0], value: entry[1], doc };
}
