import { elementBytes, type Field, type Scalar, type Struct } from "./descriptor.ts";

/** The plain object a struct decodes to: u64 and pointers as bigint, narrower integers as number, u8 arrays as Uint8Array. */
export type ValueOf<S extends Struct> =
  S extends Struct<infer Fields> ? { [F in Fields[number] as F["name"]]: FieldValue<F> } : never;

type FieldValue<F extends Field> = F extends { count: number } | { countedBy: string }
  ? F["type"] extends "u8"
    ? Uint8Array
    : ElementValue<F["type"]>[]
  : ElementValue<F["type"]>;

type ElementValue<T extends Scalar | Struct> = T extends Struct
  ? ValueOf<T>
  : T extends "u64" | "uptr"
    ? bigint
    : number;

type Loose = Record<string, unknown>;

const limits: Record<"u8" | "u16" | "u32" | "s32", readonly [number, number]> = {
  u8: [0, 0xff],
  u16: [0, 0xffff],
  u32: [0, 0xffff_ffff],
  s32: [-0x8000_0000, 0x7fff_ffff],
};

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Decodes the struct at `at`, little endian, LP64 layout. A flexible tail takes as many elements as its counter says, or
 * all that remain.
 *
 * @throws RangeError when the bytes end before the struct (or its counted tail) does.
 */
export function decode<S extends Struct>(struct: S, bytes: Uint8Array, at = 0): ValueOf<S> {
  return decodeAt(struct, viewOf(bytes), at) as ValueOf<S>;
}

function decodeAt(struct: Struct, view: DataView, at: number): Loose {
  if (at + struct.sizeBytes > view.byteLength)
    throw new RangeError(
      `struct ${struct.name}: ${struct.sizeBytes} bytes at ${at} do not fit into ${view.byteLength}`,
    );
  const value: Loose = {};
  for (const field of struct.fields) {
    const offset = at + struct.offsets[field.name]!;
    value[field.name] = decodeField(struct, field, view, offset, value);
  }
  return value;
}

function decodeField(struct: Struct, field: Field, view: DataView, offset: number, sofar: Loose): unknown {
  if (field.count === undefined && field.countedBy === undefined)
    return decodeElement(field.type, view, offset);
  const size = elementBytes(field);
  const rest = Math.floor((view.byteLength - offset) / size);
  const counter = field.countedBy === "argsz" ? rest : sofar[field.countedBy ?? ""];
  const count = field.count ?? (typeof counter === "number" ? counter : rest);
  if (count > rest)
    throw new RangeError(
      `struct ${struct.name}: ${field.name} holds ${count} elements, the bytes only ${rest}`,
    );
  if (field.type === "u8") return new Uint8Array(view.buffer, view.byteOffset + offset, count).slice();
  return Array.from({ length: count }, (_, i) => decodeElement(field.type, view, offset + i * size));
}

function decodeElement(type: Scalar | Struct, view: DataView, offset: number): unknown {
  switch (type) {
    case "u8":
      return view.getUint8(offset);
    case "u16":
      return view.getUint16(offset, true);
    case "u32":
      return view.getUint32(offset, true);
    case "s32":
      return view.getInt32(offset, true);
    case "u64":
    case "uptr":
      return view.getBigUint64(offset, true);
    default:
      return decodeAt(type, view, offset);
  }
}

/** Bytes a value takes, its flexible tail included. */
export function encodedBytes<S extends Struct>(struct: S, value: ValueOf<S>): number {
  const tail = struct.fields.at(-1);
  if (tail?.countedBy === undefined) return struct.sizeBytes;
  const elements = (value as Loose)[tail.name] as ArrayLike<unknown>;
  return Math.max(struct.sizeBytes, struct.offsets[tail.name]! + elements.length * elementBytes(tail));
}

/**
 * Encodes into `into` at `at` (a fresh array of exactly the right size by default) and returns `into`. Padding is written
 * as zero. A counter field is written as given: an argument that lies about its tail can be made on purpose.
 *
 * @throws RangeError naming struct, field and value when a number does not fit its field or the struct does not fit
 * `into`, which is then unchanged.
 */
export function encode<S extends Struct>(
  struct: S,
  value: ValueOf<S>,
  into?: Uint8Array,
  at = 0,
): Uint8Array {
  const size = encodedBytes(struct, value);
  const bytes = into ?? new Uint8Array(at + size);
  if (at + size > bytes.byteLength)
    throw new RangeError(`struct ${struct.name}: ${size} bytes at ${at} do not fit into ${bytes.byteLength}`);
  const scratch = new Uint8Array(size);
  encodeAt(struct, value as Loose, viewOf(scratch), 0);
  bytes.set(scratch, at);
  return bytes;
}

function encodeAt(struct: Struct, value: Loose, view: DataView, at: number): void {
  for (const field of struct.fields) {
    const offset = at + struct.offsets[field.name]!;
    const where = `${struct.name}.${field.name}`;
    const given = value[field.name];
    if (field.count === undefined && field.countedBy === undefined) {
      encodeElement(field.type, given, view, offset, where);
      continue;
    }
    const elements = given as ArrayLike<unknown>;
    if (field.count !== undefined && elements.length !== field.count)
      throw new RangeError(`${where}: ${elements.length} elements given, ${field.count} expected`);
    const size = elementBytes(field);
    for (let i = 0; i < elements.length; i++)
      encodeElement(field.type, elements[i], view, offset + i * size, where);
  }
}

function encodeElement(
  type: Scalar | Struct,
  value: unknown,
  view: DataView,
  offset: number,
  where: string,
): void {
  if (typeof type !== "string") {
    encodeAt(type, value as Loose, view, offset);
    return;
  }
  if (type === "u64" || type === "uptr") {
    if (typeof value !== "bigint" || BigInt.asUintN(64, value) !== value)
      throw new RangeError(`${where}: ${String(value)} is no 64-bit unsigned bigint`);
    view.setBigUint64(offset, value, true);
    return;
  }
  const [min, max] = limits[type];
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max)
    throw new RangeError(`${where}: ${String(value)} is no ${type}`);
  if (type === "u8") view.setUint8(offset, value);
  else if (type === "u16") view.setUint16(offset, value, true);
  else if (type === "u32") view.setUint32(offset, value, true);
  else view.setInt32(offset, value, true);
}

/** A value with every field zero and every flexible tail empty: fill in what matters with a spread. */
export function zeroed<S extends Struct>(struct: S): ValueOf<S> {
  return decode(struct, new Uint8Array(struct.sizeBytes));
}
