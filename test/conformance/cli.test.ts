import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createProgram } from "../../src/cli/program.ts";

const RECORDED = join(import.meta.dirname, "../data/conformance");
const KERNEL = "7.3.4+deb13-amd64";
let root = "";

/** A folder with one recorded script of one kernel. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "conformance-cli-"));
  cpSync(join(RECORDED, "scripts/t23-dirty-basic.txt"), join(root, "scripts/t23-dirty-basic.txt"));
  for (const iommu of ["v1", "v2"])
    cpSync(
      join(RECORDED, `results/${KERNEL}/${iommu}/t23-dirty-basic.tsv`),
      join(root, `results/${KERNEL}/${iommu}/t23-dirty-basic.tsv`),
    );
});
afterEach(() => rmSync(root, { recursive: true }));

async function hitless(...args: string[]): Promise<{ code: number; out: string }> {
  let out = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await createProgram().parseAsync(["node", "hitless", "conformance", ...args]);
    return { code: Number(process.exitCode), out };
  } finally {
    write.mockRestore();
    process.exitCode = before;
  }
}

/** Changes one recorded answer. */
function falsify(): void {
  const file = join(root, `results/${KERNEL}/v2/t23-dirty-basic.tsv`);
  const text = readFileSync(file, "utf8");
  const changed = text.replace("size=0x4000\t0\t-\tlck=4", "size=0x4000\t0\t-\tlck=5");
  expect(changed).not.toBe(text);
  writeFileSync(file, changed);
}

describe("hitless conformance", () => {
  it("exits 0 when every difference is deliberate, and says why it is", async () => {
    const { code, out } = await hitless(root);
    expect(code).toBe(0);
    expect(out).toMatch(/7\.3\.4\+deb13-amd64 +v2 +1 +39 +33 +6 +0/);
    expect(out).toMatch(/deliberate, 6 lines: the recorded kernel reports stale bits/);
    expect(out).toMatch(/78 lines compared, 72 equal, 6 deliberately different, 0 unexplained/);
  });

  it("exits 1 and shows what was expected when a line differs", async () => {
    falsify();
    const { code, out } = await hitless(root, "--quiet");
    expect(code).toBe(1);
    expect(out).toContain(`${KERNEL} v2 t23-dirty-basic line 10: map vaddr=a iova=0x10000000 size=0x4000`);
    expect(out).toMatch(/expected +0 - lck=5\n +got +0 - lck=4/);
    expect(out).toMatch(/1 unexplained/);
  });

  it("writes every difference as JSON, to standard output alone or to a file", async () => {
    falsify();
    const { code, out } = await hitless(root, "--json", "-");
    const result = JSON.parse(out);
    expect(code).toBe(1);
    expect(result).toMatchObject({ schema: "hitless-conformance/1", compared: 78, equal: 71, missing: [] });
    expect(result.differences).toHaveLength(7);
    expect(result.differences.filter((d: { deliberate: unknown }) => d.deliberate === null)).toEqual([
      {
        kernel: KERNEL,
        iommu: "v2",
        script: "t23-dirty-basic",
        line: 10,
        operation: "map vaddr=a iova=0x10000000 size=0x4000",
        expected: "0 - lck=5",
        got: "0 - lck=4",
        deliberate: null,
      },
    ]);
    const file = join(root, "out.json");
    await hitless(root, "--json", file);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(result);
  });

  it("exits 2 when a result file is missing, and compares the others all the same", async () => {
    mkdirSync(join(root, "scripts"), { recursive: true });
    writeFileSync(join(root, "scripts/extra.txt"), "locked\n");
    const { code, out } = await hitless(root);
    expect(code).toBe(2);
    expect(out).toContain(`missing: ${join(root, `results/${KERNEL}/v1/extra.tsv`)}`);
    expect(out).toMatch(/78 lines compared.*2 result files missing/);
  });

  it("rejects a folder that is none, naming the path", async () => {
    await expect(hitless(join(root, "nothing"))).rejects.toThrow(/nothing\/scripts: expected a folder/);
    await expect(hitless(root, "--kernel", "6.1")).rejects.toThrow(
      /expected results of one of the kernels 7\.3/,
    );
  });
});
