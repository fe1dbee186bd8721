import { describe, expect, it } from "vitest";
import { type CheckCase, decideChanges } from "../../src/harness/index.ts";
import { compareMaps, importText, parseMapFile, printMapFile, STRATEGIES } from "../../src/vmm/index.ts";

/* RAM beside registers that take the rest of its last page, less of it in the second snapshot. */
const view = (last: string): string =>
  [
    "FlatView #3",
    ' AS "memory", root: system',
    " Root memory region: system",
    `  000000000c000000-${last} (prio 0, ram): board.sram`,
    "  0000000040000000-000000007fffffff (prio 0, ram): mach-virt.ram",
    "",
    "",
  ].join("\n");
const CAPTURE = importText(view("000000000c00363f") + view("000000000c0035ff"), "capture.txt");
const SAVED = parseMapFile(printMapFile(CAPTURE), "saved.map");

const decided = (sequence: CheckCase["sequence"], strategy: string) => {
  const how: CheckCase = { sequence, format: "vtd-ss-48", seed: 1, backing: "thp", mutant: null };
  const [change] = [...decideChanges(how, STRATEGIES.get(strategy)!, ["strong", "weak"])];
  return {
    ioctls: change!.ioctls,
    findings: change!.findings.map((f) => [f.class, ...f.ranges.map((r) => [r.start, r.end])]),
  };
};

describe("a change inside the last page of a range, which no page shows", () => {
  it.each([
    ["as captured", CAPTURE],
    ["as a map file keeps it", SAVED],
  ])("keeps every page, and QEMU's listener takes the range away all the same: %s", (_, sequence) => {
    const [old, next] = sequence.steps.map((step) => step.map);
    expect(compareMaps(old!, next!)).toMatchObject({ added: [], removed: [], changed: [] });
    expect(decided(sequence, "legacy")).toEqual({ ioctls: 2, findings: [["V01", [0xc000, 0xc003]]] });
  });

  it.each(["vmm-diff", "set-map"])("does not concern a strategy that compares pages: %s", (strategy) => {
    expect(decided(CAPTURE, strategy).findings).toEqual([]);
  });
});
