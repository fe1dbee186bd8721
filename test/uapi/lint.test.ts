import { describe, expect, it } from "vitest";
import {
  type AbiUnderReview,
  bit,
  defineStruct,
  type Field,
  LINT_RULES,
  lint,
  NEW_ABI,
  type Struct,
  type StructOptions,
  UPSTREAM_ABI,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_SET_MAP,
} from "../../src/uapi/index.ts";

const u32 = (name: string, more: Partial<Field> = {}): Field => ({
  name,
  type: "u32",
  doc: "a number",
  ...more,
});
const u64 = (name: string, more: Partial<Field> = {}): Field => ({
  name,
  type: "u64",
  doc: "bytes",
  ...more,
});
const reserved = (name: string, more: Partial<Field> = {}): Field =>
  u32(name, { role: "reserved", doc: "must be zero", ...more });

const make = (fields: readonly Field[], options: StructOptions = {}): Struct =>
  defineStruct("t", "a test", fields, { alignedU64: true, ...options });

const withStruct = (struct: Struct): AbiUnderReview => ({ ...NEW_ABI, structs: [struct] });
const withIoctl = (value: number): AbiUnderReview => ({
  ...NEW_ABI,
  ioctls: [{ name: "VFIO_T", value, fd: "container" }],
});
const withCapability = (value: number): AbiUnderReview => ({
  ...NEW_ABI,
  capabilities: [{ name: "VFIO_CAP_T", value, doc: "" }],
});

/** One broken ABI a rule, and what the finding must name. */
const broken: readonly (readonly [rule: string, why: string, abi: AbiUnderReview, names: string])[] = [
  [
    "natural-alignment",
    "a plain u64 behind one u32",
    withStruct(make([u32("a"), u64("b")], { alignedU64: false })),
    "b",
  ],
  ["no-holes", "a u64 behind one u32", withStruct(make([u32("a"), u64("b")])), "4 bytes"],
  ["no-holes", "a u32 behind the last u64", withStruct(make([u64("a"), u32("b")])), "at the end"],
  [
    "compat-layout",
    "a pointer",
    withStruct(make([{ name: "p", type: "uptr", doc: "bytes" }])),
    "8 bytes on 64-bit, 4",
  ],
  ["aligned-u64", "a plain u64", withStruct(make([u64("a")], { alignedU64: false })), "a is a plain"],
  [
    "u64-pointers",
    "a pointer",
    withStruct(make([{ name: "p", type: "uptr", doc: "bytes" }])),
    "p is a C pointer",
  ],
  [
    "u64-pointers",
    "a pointer in a u32",
    withStruct(make([u32("p", { role: "user-pointer" })])),
    "p is a pointer",
  ],
  [
    "argsz-first",
    "flags in front of argsz",
    withStruct(make([u32("flags"), u32("argsz")], { argument: true })),
    "argsz",
  ],
  [
    "flag-bits",
    "a flag of two bits",
    withStruct(make([u32("flags", { bits: [bit({ BOTH: 3 }, "both")] })])),
    "BOTH = 3",
  ],
  [
    "flag-bits",
    "two flags that share a bit",
    withStruct(make([u32("flags", { bits: [bit({ ONE: 1 }, "one"), bit({ TWO: 1 }, "two")] })])),
    "TWO shares",
  ],
  ["reserved", "reserved in the middle", withStruct(make([reserved("reserved"), u32("b")])), "neither last"],
  [
    "reserved",
    "a reserved field nobody marked",
    withStruct(make([u32("a"), u32("reserved2")])),
    "not marked",
  ],
  [
    "reserved",
    "reserved that may hold anything",
    withStruct(make([reserved("r", { doc: "later" })])),
    "to be zero",
  ],
  [
    "flexible-tail",
    "a flexible array in the middle",
    withStruct(make([u32("n"), u32("a", { countedBy: "n" }), u32("b")])),
    "not last",
  ],
  [
    "flexible-tail",
    "a tail nobody counts",
    withStruct(make([u32("a"), u32("b", { countedBy: "n" })])),
    "counted by n",
  ],
  ["size", "more than 14 bits of size", withStruct(make([u64("a", { count: 2048 })])), "16384 bytes"],
  ["documented", "a field without description", withStruct(make([u32("a", { doc: "" })])), "a has no"],
  [
    "documented",
    "a description that ends the comment",
    withStruct(make([u32("a", { doc: "x */ y" })])),
    "a has no",
  ],
  ["unique-ioctl", "the number of MAP_DMA", withIoctl(VFIO_IOMMU_MAP_DMA), "VFIO_IOMMU_MAP_DMA"],
  ["unique-ioctl", "a number of a device file", withIoctl(0x3b6b), "device"],
  ["unique-ioctl", "a number of iommufd", withIoctl(0x3b85), "iommufd"],
  ["ioctl-type", "a number with a size", withIoctl(0xc030_3b7c), "no _IO"],
  ["capability-id", "an id of upstream", withCapability(1), "CAP_IOVA_RANGE"],
  ["capability-id", "an id upstream may give away next", withCapability(4), "0x8000"],
  ["capability-id", "an id over 16 bits", withCapability(0x1_0000), "0x8000"],
];

describe("lint", () => {
  it("finds nothing in the new ABI", () => {
    expect(NEW_ABI.structs.length).toBe(4);
    expect(NEW_ABI.ioctls.map((i) => i.value)).toEqual([VFIO_IOMMU_SET_MAP]);
    expect(lint()).toEqual([]);
  });

  it.each(broken)("%s: refuses %s", (rule, _why, abi, names) => {
    const hits = lint(abi).filter((f) => f.rule === rule);
    expect(hits.map((f) => f.message).join("; ")).toContain(names);
    for (const f of hits) expect(f.source).not.toBe("");
  });

  it("has a broken example for each of its rules", () => {
    expect(new Set(broken.map(([rule]) => rule))).toEqual(new Set(LINT_RULES.map((r) => r.id)));
  });

  it("accepts reserved space in front of an aligned field", () => {
    expect(lint(withStruct(make([u32("a"), reserved("reserved"), u64("b")])))).toEqual([]);
  });

  it("finds the known warts of the upstream ABI: a hole in cap_migration, a C pointer in vfio_bitmap", () => {
    const found = new Set(lint(UPSTREAM_ABI).map((f) => `${f.rule} ${f.subject}`));
    expect(found).toContain("no-holes struct vfio_iommu_type1_info_cap_migration");
    expect(found).toContain("u64-pointers struct vfio_bitmap");
    expect(found).not.toContain("no-holes struct vfio_iommu_type1_dma_map");
  });

  it("refuses to look at nothing", () => {
    expect(() => lint({ ...NEW_ABI, structs: [] })).toThrow("no struct");
  });
});
