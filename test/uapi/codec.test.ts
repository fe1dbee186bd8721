import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decode,
  defineStruct,
  elementBytes,
  encode,
  encodedBytes,
  type Field,
  SET_MAP_STRUCTS,
  type Struct,
  UPSTREAM_STRUCTS,
  type ValueOf,
  vfio_info_cap_header,
  vfio_iommu_type1_dma_map,
  vfio_iommu_type1_info_cap_iova_range,
  vfio_iommu_type1_map_region,
  zeroed,
} from "../../src/uapi/index.ts";

/** Every kind of field that no struct of the ABI happens to use. */
const odd = defineStruct("odd", "fixed arrays and narrow integers", [
  { name: "bytes", type: "u8", count: 3, doc: "a fixed array of bytes" },
  { name: "one", type: "u8", doc: "one byte" },
  { name: "fd", type: "s32", doc: "a file descriptor" },
  { name: "headers", type: vfio_info_cap_header, count: 2, doc: "a fixed array of structs" },
  { name: "wide", type: "u64", count: 2, doc: "a fixed array of numbers" },
]);

const ALL: readonly Struct[] = [...UPSTREAM_STRUCTS, ...SET_MAP_STRUCTS, odd];

const element = (type: Field["type"]): fc.Arbitrary<unknown> => {
  switch (type) {
    case "u8":
      return fc.integer({ min: 0, max: 0xff });
    case "u16":
      return fc.integer({ min: 0, max: 0xffff });
    case "u32":
      return fc.integer({ min: 0, max: 0xffff_ffff });
    case "s32":
      return fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
    case "u64":
    case "uptr":
      return fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    default:
      return anyValue(type);
  }
};

/** Any value of a struct; a counter field says what its tail holds. */
function anyValue(struct: Struct): fc.Arbitrary<Record<string, unknown>> {
  const fields = struct.fields.map((f) => {
    if (f.countedBy === undefined && f.count === undefined) return element(f.type);
    const [minLength, most] = f.count === undefined ? [0, 5] : [f.count, f.count];
    if (f.type === "u8") return fc.uint8Array({ minLength, maxLength: f.count ?? 40 });
    return fc.array(element(f.type), { minLength, maxLength: most });
  });
  return fc.tuple(...fields).map((values) => {
    const value = Object.fromEntries(struct.fields.map((f, i) => [f.name, values[i]]));
    for (const f of struct.fields)
      if (f.countedBy !== undefined && f.countedBy !== "argsz")
        value[f.countedBy] = (value[f.name] as unknown[]).length;
    return value;
  });
}

describe("codec", () => {
  it.each(ALL.map((s) => [s.name, s] as const))("%s survives encode and decode", (_, struct) => {
    fc.assert(
      fc.property(anyValue(struct), fc.integer({ min: 0, max: 24 }), (value, at) => {
        const bytes = encode(struct, value as ValueOf<Struct>, undefined, at);
        expect(bytes.length).toBe(at + encodedBytes(struct, value as ValueOf<Struct>));
        expect(decode(struct, bytes, at)).toEqual(value);
      }),
      { numRuns: 60 },
    );
  });

  it.each(ALL.map((s) => [s.name, s] as const))(
    "%s: bytes without padding survive decode and encode",
    (_, struct) => {
      const holes = holeMask(struct);
      fc.assert(
        fc.property(fc.uint8Array({ minLength: struct.sizeBytes, maxLength: struct.sizeBytes }), (bytes) => {
          if (struct.fields.some((f) => f.countedBy === "nr_iovas")) bytes.fill(0, 8, 12);
          const expected = bytes.map((b, i) => (holes[i] ? 0 : b));
          expect(encode(struct, decode(struct, bytes))).toEqual(expected);
        }),
        { numRuns: 30 },
      );
    },
  );

  it("stores little endian at the exported offsets", () => {
    const { offsets } = vfio_iommu_type1_map_region;
    const bytes = encode(vfio_iommu_type1_map_region, {
      ...zeroed(vfio_iommu_type1_map_region),
      size: 0x1122_3344_5566_7788n,
      flags: 0xa1b2_c3d4,
    });
    expect([...bytes.subarray(offsets.size, offsets.size + 8)]).toEqual([
      0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
    ]);
    expect([...bytes.subarray(offsets.flags, offsets.flags + 4)]).toEqual([0xd4, 0xc3, 0xb2, 0xa1]);
  });

  it("refuses a number that does not fit and writes nothing", () => {
    const into = new Uint8Array(32).fill(0xee);
    const value = { ...zeroed(vfio_iommu_type1_dma_map), argsz: 2 ** 32 };
    expect(() => encode(vfio_iommu_type1_dma_map, value, into)).toThrow(
      "vfio_iommu_type1_dma_map.argsz: 4294967296 is no u32",
    );
    const wide = { ...zeroed(vfio_iommu_type1_dma_map), iova: 1n << 64n };
    expect(() => encode(vfio_iommu_type1_dma_map, wide, into)).toThrow(RangeError);
    const negative = { ...zeroed(vfio_iommu_type1_dma_map), size: -1n };
    expect(() => encode(vfio_iommu_type1_dma_map, negative, into)).toThrow(RangeError);
    expect(into).toEqual(new Uint8Array(32).fill(0xee));
  });

  it("refuses a fixed array of another length", () => {
    expect(() => encode(odd, { ...zeroed(odd), wide: [1n] })).toThrow(
      "odd.wide: 1 elements given, 2 expected",
    );
  });

  it("refuses bytes that end inside the struct", () => {
    expect(() => decode(vfio_iommu_type1_dma_map, new Uint8Array(31))).toThrow(RangeError);
    expect(() =>
      encode(vfio_iommu_type1_dma_map, zeroed(vfio_iommu_type1_dma_map), new Uint8Array(31)),
    ).toThrow(RangeError);
  });

  it("refuses a counter that promises more elements than there are bytes", () => {
    const bytes = encode(vfio_iommu_type1_info_cap_iova_range, {
      ...zeroed(vfio_iommu_type1_info_cap_iova_range),
      nr_iovas: 2,
      iova_ranges: [{ start: 0n, end: 0xfffn }],
    });
    expect(bytes.length).toBe(32);
    expect(() => decode(vfio_iommu_type1_info_cap_iova_range, bytes)).toThrow("holds 2 elements");
  });

  it("reads inside a larger buffer without touching its neighbours", () => {
    const memory = new Uint8Array(96).fill(0xee);
    const region = memory.subarray(32, 64);
    encode(vfio_iommu_type1_map_region, zeroed(vfio_iommu_type1_map_region), region);
    expect(memory.subarray(0, 32).every((b) => b === 0xee)).toBe(true);
    expect(memory.subarray(64).every((b) => b === 0xee)).toBe(true);
    expect(decode(vfio_iommu_type1_map_region, region).iova).toBe(0n);
  });
});

/** True for each byte of a struct that no field covers. */
function holeMask(struct: Struct, mask = new Array<boolean>(struct.sizeBytes).fill(true), at = 0): boolean[] {
  for (const f of struct.fields) {
    const offset = at + struct.offsets[f.name]!;
    if (f.countedBy !== undefined) continue;
    const size = elementBytes(f);
    for (let i = 0; i < (f.count ?? 1); i++) {
      if (typeof f.type === "object") holeMask(f.type, mask, offset + i * size);
      else mask.fill(false, offset + i * size, offset + (i + 1) * size);
    }
  }
  return mask;
}
