import { Command, CommanderError } from "commander";
import { afterEach, describe, expect, it } from "vitest";
import { registerUapi } from "../../src/cli/uapi.ts";
import { cHeader, cHeaderUpstream, LINT_RULES } from "../../src/uapi/index.ts";

interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `hitless uapi …` in process. */
function run(...args: string[]): Outcome {
  let out = "";
  let err = "";
  const program = new Command("hitless")
    .exitOverride()
    .configureOutput({ writeOut: (text) => (out += text), writeErr: (text) => (err += text) });
  registerUapi(program);
  process.exitCode = 0;
  try {
    program.parse(["uapi", ...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { exitCode: error.exitCode, out, err };
  }
  return { exitCode: Number(process.exitCode), out, err };
}

afterEach(() => {
  process.exitCode = 0;
});

describe("hitless uapi", () => {
  it("prints the new header, or the upstream part", () => {
    expect(run("header")).toEqual({ exitCode: 0, out: cHeader(), err: "" });
    expect(run("header", "--upstream")).toEqual({ exitCode: 0, out: cHeaderUpstream(), err: "" });
  });

  it("shows the layout of one struct by name", () => {
    const { exitCode, out } = run("layout", "vfio_iommu_type1_dma_map");
    expect(exitCode).toBe(0);
    expect(out).toContain("struct vfio_iommu_type1_dma_map {");
    expect(out).toContain("size: 32, cachelines: 1, members: 5, holes: 0");
    expect(out.match(/^struct /gm)).toHaveLength(1);
  });

  it("exits 0 when the lint finds nothing and says how much it looked at", () => {
    const { exitCode, out } = run("lint");
    expect(exitCode).toBe(0);
    expect(out).toBe(`uapi lint: 4 structs, 1 ioctls, ${LINT_RULES.length} rules, 0 findings\n`);
  });

  it("exits 1 on findings and cites the rule", () => {
    const { exitCode, out } = run("lint", "--upstream");
    expect(exitCode).toBe(1);
    expect(out).toContain("[no-holes]");
    expect(out).toContain("Documentation/driver-api/ioctl.rst");
  });

  it("shows what one kernel answers", () => {
    const old = run("errno", "--kernel", "6.1", "VFIO_IOMMU_MAP_DMA");
    expect(old.exitCode).toBe(0);
    expect(old.out).not.toContain("EOVERFLOW");
    expect(run("errno", "--kernel", "7.3", "VFIO_IOMMU_MAP_DMA").out).toContain("EOVERFLOW");
  });

  it.each([
    ["layout", "nothing"],
    ["errno", "VFIO_NOTHING"],
  ])("exits 2 on an unknown name: %s %s", (command, name) => {
    const { exitCode, out, err } = run(command, name);
    expect(exitCode).toBe(2);
    expect(out).toBe("");
    expect(err).toContain(`'${name}'`);
  });

  it("names the kernels it knows when given another", () => {
    const { out, err } = run("errno", "--kernel", "5.4");
    expect(out).toBe("");
    expect(err).toContain("6.1, 6.12, 7.3");
  });
});
