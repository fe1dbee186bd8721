import {
  type Abi,
  EMULATED_IOCTLS,
  FREE_CONSTANTS,
  NEW_IOCTLS,
  place,
  type Struct,
  VFIO_IOMMU_TYPE1_INFO_CAP_SET_MAP,
} from "../../src/uapi/index.ts";

const PREAMBLE = `#ifdef __cplusplus
#define CHECK(condition) static_assert(condition, #condition)
#else
#define CHECK(condition) _Static_assert(condition, #condition)
#endif
`;

const check = (condition: string): string => `CHECK(${condition});\n`;

/** Fields that the header at hand may lack. */
export type FieldFilter = (struct: Struct, field: string) => boolean;

/** C that compiles iff sizeof and every offsetof of the structs, and their flags, are what the descriptors say. */
export function structAssertions(
  structs: readonly Struct[],
  abi: Abi,
  filter: FieldFilter = () => true,
): string[] {
  return structs.flatMap((struct) => {
    const placed = place(struct, abi);
    const tag = `struct ${struct.name}`;
    return [
      check(`sizeof(${tag}) == ${placed.sizeBytes}`),
      check(`__alignof__(${tag}) == ${placed.alignBytes}`),
      ...placed.fields
        .filter((p) => filter(struct, p.field.name))
        .flatMap(({ field, offsetBytes, sizeBytes }) => [
          check(`__builtin_offsetof(${tag}, ${field.name}) == ${offsetBytes}`),
          ...(field.countedBy === undefined
            ? [check(`sizeof(((${tag} *)0)->${field.name}) == ${sizeBytes}`)]
            : []),
          ...(field.bits ?? []).map((b) => check(`${b.name} == ${b.value}LL`)),
        ]),
    ];
  });
}

export const newConstantAssertions = (): string[] => [
  ...NEW_IOCTLS.map((i) => check(`${i.name} == ${i.value}`)),
  check(`VFIO_IOMMU_TYPE1_INFO_CAP_SET_MAP == ${VFIO_IOMMU_TYPE1_INFO_CAP_SET_MAP}`),
];

export const upstreamConstantAssertions = (): string[] => [
  ...EMULATED_IOCTLS.map((i) => check(`${i.name} == ${i.value}`)),
  ...Object.values(FREE_CONSTANTS).flatMap((group) =>
    Object.entries(group).map(([name, value]) => check(`${name} == ${value}`)),
  ),
];

export const program = (includes: readonly string[], assertions: readonly string[]): string =>
  includes.map((i) => `#include ${i}\n`).join("") + PREAMBLE + assertions.join("");
