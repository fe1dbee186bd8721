import { afterAll, describe, expect, it } from "vitest";
import {
  type Abi,
  cHeader,
  cHeaderUpstream,
  SET_MAP_STRUCTS,
  type Struct,
  UPSTREAM_STRUCTS,
  vfio_info_cap_header,
  vfio_iommu_type1_info,
} from "../../src/uapi/index.ts";
import {
  newConstantAssertions,
  program,
  structAssertions,
  upstreamConstantAssertions,
} from "./c-assertions.ts";
import { Compiler, type Language, SKIP_VARIABLE, type Width } from "./compiler.ts";

const compiler = new Compiler();
afterAll(() => compiler.remove());
compiler.header("hitless.h", cHeader());
compiler.header("hitless-type1.h", cHeaderUpstream());

const skip = process.env[SKIP_VARIABLE] === "1";
if (skip) console.warn(`${SKIP_VARIABLE}=1: the C headers are NOT checked with a compiler`);

const abiOf = (width: Width): Abi => (width === "-m64" ? "lp64" : "i386");
const targets: readonly (readonly [Language, Width])[] = [
  ["c", "-m64"],
  ["c++", "-m64"],
  ["c", "-m32"],
  ["c++", "-m32"],
];

const NEW = '"hitless.h"';
const UPSTREAM = '"hitless-type1.h"';
const INSTALLED = "<linux/vfio.h>";
const newStructs = [vfio_info_cap_header, ...SET_MAP_STRUCTS];

const newAssertions = (width: Width): string[] => [
  ...structAssertions(newStructs, abiOf(width)),
  ...newConstantAssertions(),
];
const upstreamAssertions = (width: Width): string[] => [
  ...structAssertions(UPSTREAM_STRUCTS, abiOf(width)),
  ...upstreamConstantAssertions(),
];

describe.skipIf(skip)("the generated C headers", () => {
  it("meet a compiler on this machine", () => {
    expect(compiler.missing(), compiler.missing() ?? "").toBeNull();
    expect(newAssertions("-m64").length).toBeGreaterThan(60);
    expect(upstreamAssertions("-m64").length).toBeGreaterThan(100);
  });

  it("use the machine's own <linux/types.h> in the 64-bit compilations", () => {
    expect(compiler.usesShim("c", "-m64")).toBe(false);
    expect(compiler.usesShim("c++", "-m64")).toBe(false);
  });

  it.each(targets)("new structs have no padding and the codec's layout: %s %s", (language, width) => {
    const source = program([NEW], newAssertions(width));
    expect(compiler.compile(language, width, source, ["-Wpadded"])).toEqual({ ok: true, output: "" });
  });

  it.each(targets)("upstream structs have the codec's layout: %s %s", (language, width) => {
    const source = program([UPSTREAM], upstreamAssertions(width));
    expect(compiler.compile(language, width, source)).toEqual({ ok: true, output: "" });
  });

  it.each(targets)("the two headers go together, also twice: %s %s", (language, width) => {
    const assertions = [...newAssertions(width), ...upstreamAssertions(width)];
    const source = program([UPSTREAM, NEW, UPSTREAM, NEW], assertions);
    expect(compiler.compile(language, width, source)).toEqual({ ok: true, output: "" });
  });

  it.each(targets)("the installed <linux/vfio.h> agrees with the descriptors: %s %s", (language, width) => {
    // Linux 6.6 named the tail padding of this struct; older headers leave it to the compiler, which adds none on i386.
    const probe = "int pad = sizeof(((struct vfio_iommu_type1_info *)0)->pad);\n";
    const named = compiler.compile(language, width, program([INSTALLED], [probe])).ok;
    const structs: Struct[] = UPSTREAM_STRUCTS.filter(
      (s) => named || width === "-m64" || s !== vfio_iommu_type1_info,
    );
    const assertions = [
      ...structAssertions(structs, abiOf(width), (_, field) => named || field !== "pad"),
      ...upstreamConstantAssertions(),
      ...newAssertions(width),
    ];
    expect(compiler.compile(language, width, program([INSTALLED, NEW], assertions))).toEqual({
      ok: true,
      output: "",
    });
  });

  it.each(targets)("a wrong offset does not compile: %s %s", (language, width) => {
    const source = program(
      [NEW],
      ["CHECK(__builtin_offsetof(struct vfio_iommu_type1_set_map, report) == 36);\n"],
    );
    const result = compiler.compile(language, width, source);
    expect(result.ok).toBe(false);
    expect(result.output).toContain("static assertion failed");
  });

  it("padding in a new struct does not compile", () => {
    const source = program([NEW], ["struct holey { __u32 a; __aligned_u64 b; };\n"]);
    expect(compiler.compile("c", "-m32", source, ["-Wpadded"]).output).toContain("padding struct");
  });
});
