import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  type ConformanceResult,
  formatRow,
  parseScript,
  readRecordings,
  replayRecordings,
  runScript,
} from "../../src/harness/conformance/index.ts";

const RECORDED = join(import.meta.dirname, "../data/conformance");
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder with the given scripts and results. */
function folder(scripts: Record<string, string>, results: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "conformance-"));
  folders.push(root);
  for (const [path, text] of [
    ...Object.entries(scripts).map(([name, text]) => [`scripts/${name}.txt`, text] as const),
    ...Object.entries(results).map(([path, text]) => [`results/${path}.tsv`, text] as const),
  ]) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** The same result for both versions of one kernel. */
const both = (kernel: string, name: string, text: string): Record<string, string> => ({
  [`${kernel}/v1/${name}`]: text,
  [`${kernel}/v2/${name}`]: text,
});

const row = (line: number, operation: string, answer: string): string =>
  `L${String(line).padStart(3, "0")}\t${operation}\t${answer}\n`;

describe("the recordings of real kernels", () => {
  it("agree in every line but those that are bugs of the recorded kernels", () => {
    const result = replayRecordings(RECORDED);
    expect(result.missing).toEqual([]);
    expect(result.compared).toBe(4 * 2 * 1993);
    expect(result.differences.filter((difference) => difference.deliberate === null)).toEqual([]);
    expect(result.compared - result.equal).toBe(result.differences.length);
    const places = new Set(result.differences.map(({ script, line }) => `${script}:${line}`));
    expect([...places].sort()).toEqual([
      "r08-dirty:76",
      "t11-wrap:97",
      ...[19, 21, 22, 23, 24, 25].map((line) => `t23-dirty-basic:${line}`),
    ]);
  });

  it("are printed byte for byte as recorded where nothing was informative", () => {
    for (const { kernel, iommu, script, machine } of readRecordings(RECORDED).recordings) {
      if (script.name !== "t01-container-state" && script.name !== "t06-argsz-getinfo") continue;
      const recorded = readFileSync(join(RECORDED, "results", kernel, iommu, `${script.name}.tsv`), "utf8");
      expect(
        runScript(script, iommu, machine)
          .map((answer) => `${formatRow(answer)}\n`)
          .join(""),
      ).toBe(recorded);
    }
  });

  it("disagree with another kernel's behaviour", () => {
    const root = mkdtempSync(join(tmpdir(), "conformance-"));
    folders.push(root);
    for (const name of ["t06-argsz-getinfo", "t19-memlock-user"]) {
      cpSync(join(RECORDED, `scripts/${name}.txt`), join(root, `scripts/${name}.txt`));
      for (const iommu of ["v1", "v2"])
        cpSync(
          join(RECORDED, `results/6.1.0-56-amd64/${iommu}/${name}.tsv`),
          join(root, `results/6.12.0/${iommu}/${name}.tsv`),
        );
    }
    const { differences } = replayRecordings(root);
    const unexplained = differences.filter((difference) => difference.deliberate === null);
    expect(unexplained.length).toBeGreaterThan(80);
    expect(new Set(unexplained.map(({ script }) => script)).size).toBe(2);
  });
});

describe("a deliberate difference", () => {
  const replayOne = (kernel: string, script: string, rows: string): ConformanceResult =>
    replayRecordings(folder({ s: script }, both(kernel, "s", rows)));
  const explained = (result: ConformanceResult): boolean[] =>
    result.differences.filter(({ iommu }) => iommu === "v2").map(({ deliberate }) => deliberate !== null);

  const dirtyScript = "setup\ndirty flags=START\nmem a 4M pop\nmap vaddr=a size=16K\ndirty-get size=64K\n";
  const dirtyRows = (answer: string): string =>
    row(1, "setup", "0\t-\ttop=0x7fffffffff") +
    row(2, "dirty flags=START", "0\t-\t") +
    row(3, "mem a 4M pop", "0\t-\t") +
    row(4, "map vaddr=a size=16K", "0\t-\tlck=4") +
    row(5, "dirty-get size=64K", answer);

  it("explains stale bits behind a mapping in its word, and nothing else about a bitmap", () => {
    const verdict = (answer: string): boolean[] =>
      explained(replayOne("7.3.0", dirtyScript, dirtyRows(answer)));
    expect(verdict("0\t-\tdirty=4 bits=0-3")).toEqual([]);
    expect(verdict("0\t-\tdirty=6 bits=0-4,63-63")).toEqual([true]);
    expect(verdict("0\t-\tdirty=3 bits=0-2")).toEqual([false]);
    expect(verdict("0\t-\tdirty=4 bits=1-4")).toEqual([false]);
    expect(verdict("0\t-\tdirty=5 bits=0-3,64-64")).toEqual([false]);
    expect(verdict("0\t-\tdirty=9 bits=0-3")).toEqual([true]);
    expect(verdict("-1\tEINVAL\t")).toEqual([false]);
  });

  const topScript =
    "setup\nmem a 4M pop\nmap vaddr=a iova=4K size=16K\nunmap iova=0 size=0\nunmap iova=0x1000 size=0xfffffffffffff000\n" +
    "map vaddr=a iova=4K size=16K\nunmap iova=4K size=16K\nlocked\n";
  const topRows = (unmap: string, map: string, after: string): string =>
    row(1, "setup", "0\t-\ttop=0x7fffffffff") +
    row(2, "mem a 4M pop", "0\t-\t") +
    row(3, "map vaddr=a iova=4K size=16K", "0\t-\tlck=4") +
    row(4, "unmap iova=0 size=0", "-1\tEINVAL\tsize=0x0 lck=4") +
    row(5, "unmap iova=0x1000 size=0xfffffffffffff000", unmap) +
    row(6, "map vaddr=a iova=4K size=16K", map) +
    row(7, "unmap iova=4K size=16K", after) +
    row(8, "locked", "0\t-\tlck=0");

  it("explains an old kernel's unmap to the top, and what follows is compared in the state it left", () => {
    const kept = topRows("0\t-\tsize=0x0 lck=4", "-1\tEEXIST\tlck=4", "0\t-\tsize=0x4000 lck=0");
    const gone = topRows("0\t-\tsize=0x4000 lck=0", "0\t-\tlck=4", "0\t-\tsize=0x4000 lck=0");
    expect(explained(replayOne("6.12.0", topScript, kept))).toEqual([true]);
    expect(explained(replayOne("7.3.0", topScript, gone))).toEqual([]);
    expect(explained(replayOne("7.3.0", topScript, kept))).toContain(false);
    const odd = topRows("0\t-\tsize=0x0 lck=0", "0\t-\tlck=4", "0\t-\tsize=0x4000 lck=0");
    expect(explained(replayOne("6.12.0", topScript, odd))).toEqual([false]);
  });
});

describe("a folder that cannot be replayed", () => {
  const good = row(1, "api-version", "-1\tEBADF\t");
  const replay = (scripts: Record<string, string>, results: Record<string, string>) => () =>
    replayRecordings(folder(scripts, results));

  it("is named with what was expected there", () => {
    expect(() => replayRecordings("/nowhere")).toThrow(
      /\/nowhere\/scripts: expected a folder of \.txt scripts/,
    );
    expect(replay({ s: "api-version" }, {})).toThrow(/results: expected a folder of results/);
    expect(replay({}, both("7.3.0", "s", good))).toThrow(/scripts: expected a folder/);
    expect(replay({ s: "api-version" }, { "7.3.0/v1/s": good })).toThrow(
      /7\.3\.0\/v2: expected a folder of \.tsv/,
    );
    expect(replay({ s: "api-version" }, both("5.10.0", "s", good))).toThrow(
      /5\.10\.0: expected a folder name that starts/,
    );
    expect(replay({ s: "api-version" }, both("7.3.0.aw40", "s", good))).toThrow(
      /expected an address width of 39, 48, 57/,
    );
    expect(replay({ s: "api-version" }, both("7.3.0", "t", good))).toThrow(
      /t\.tsv: expected a script of the same name/,
    );
    expect(() => replayRecordings(RECORDED, { kernel: "6.1" })).toThrow(
      /expected results of one of the kernels/,
    );
  });

  it("is refused when a result line is not the answer to its script", () => {
    const wrong = (rows: string): (() => unknown) =>
      replay({ s: "api-version\nlocked" }, both("7.3.0", "s", rows));
    expect(wrong(good)).toThrow(/s\.tsv:2: expected the answer to line 2 of .*'locked'/);
    expect(wrong(good + row(3, "locked", "0\t-\tlck=0"))).toThrow(/s\.tsv:2: expected the answer to line 2/);
    expect(wrong(good + row(2, "locked x", "0\t-\tlck=0"))).toThrow(/s\.tsv:2/);
    expect(wrong(good + row(2, "locked", "0\t-\tlck=0") + row(3, "drop", "0\t-\t"))).toThrow(
      /no further line/,
    );
    expect(wrong("L001 api-version 0\n")).toThrow(/s\.tsv:1: expected id, operation, return value/);
  });

  it("says which results scripts lack, and compares the rest", () => {
    const result = replayRecordings(folder({ s: "api-version", t: "locked" }, both("7.3.0", "s", good)));
    expect(result.compared).toBe(2);
    expect(result.missing.map((file) => file.split("/").slice(-2).join("/"))).toEqual([
      "v1/t.tsv",
      "v2/t.tsv",
    ]);
  });

  it("may hold scripts the copy in this project does not know", () => {
    const script = parseScript("x", "x.txt", "setup\nmem a 64K pop\nmap vaddr=a size=64K\nunmap-all");
    const rows = runScript(script, "v1", { capability: "vtd-ss-48" });
    const text = rows.map((answer) => `${formatRow(answer)}\n`).join("");
    const result = replayRecordings(
      folder({ x: "setup\nmem a 64K pop\nmap vaddr=a size=64K\nunmap-all" }, both("6.18.15.aw48", "x", text)),
    );
    expect(result).toMatchObject({ compared: 8, equal: 8, differences: [] });
  });
});
