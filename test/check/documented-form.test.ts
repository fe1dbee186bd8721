import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { callScripts, parseRecording, parseScript, printScript } from "../../src/edit-script/index.ts";

const page = readFileSync(new URL("../../docs/edit-script.md", import.meta.url), "utf8");
const [example, calls, ioctls, iommus] = [...page.matchAll(/```edit-script\n([\s\S]*?)```/g)].map(
  (m) => m[1]!,
) as [string, string, string, string];
const filter = /```awk\n([\s\S]*?)```/.exec(page)![1]!;

describe("docs/edit-script.md", () => {
  it("has a worked example that is clean and survives printing", () => {
    const file = parseScript(example, "docs/edit-script.md");
    expect(check(inputOf(file))).toMatchObject({ verdict: "clean", findings: [], mismatch: null });
    expect([...parseScript(printScript(file)).script]).toEqual([...file.script]);
  });

  it("says truly what a narrower invalidation leads to", () => {
    const narrow = "invalidate iova=0x64000 size=0x8000";
    expect(page).toContain(narrow);
    const text = example.replace("invalidate iova=0 size=0x200000", narrow);
    const { findings } = check(inputOf(parseScript(text)));
    expect(findings.map((f) => [f.class, f.cause, f.pages])).toContainEqual(["V06", "under-range", 8]);
  });

  it("names every step the parser knows", () => {
    for (const op of "store storeRun exchange fill gather barrier clean invalidate qi wait freeTable unpin window setRoot".split(
      " ",
    ))
      expect(page).toContain(`| \`${op}`);
  });

  it("has an example of several calls that is clean throughout", () => {
    const files = [...callScripts(parseRecording(calls, "docs/edit-script.md"))];
    expect(files).toHaveLength(2);
    for (const file of files)
      expect(check(inputOf(file))).toMatchObject({ verdict: "clean", findings: [], mismatch: null });
    const late = calls
      .replace(/^(unpin .*)$/m, "")
      .replace("invalidate", `${/^unpin .*$/m.exec(calls)![0]}\ninvalidate`);
    const [, second] = [...callScripts(parseRecording(late))].map((file) => check(inputOf(file)).findings);
    expect(second!.map((f) => `${f.class} ${f.cause}`)).toEqual(["V06 early-unpin"]);
  });

  it("has an example of two IOMMUs, and says truly what a wait for one of them leads to", () => {
    const verdict = (text: string) =>
      check(inputOf(parseScript(text))).findings.map((f) => [f.class, f.cause, f.domain]);
    expect(verdict(iommus)).toEqual([]);
    expect(verdict(iommus.replace("wait drain iommu=1", ""))).toEqual([["V06", "no-wait", 2]]);
    expect(verdict(iommus.replace("wait drain iommu=1", "wait iommu=1"))).toEqual([["V06", "no-drain", 2]]);
  });

  it("has an example of one change of several ioctls, and says truly how it and its parts are judged", () => {
    const [kept, ...others] = check(inputOf(parseScript(ioctls, "docs/edit-script.md"))).findings;
    expect(others).toEqual([]);
    expect(kept).toMatchObject({ class: "V01", cause: "plan", pages: 1, page: 3 });
    expect(kept!.causeText).toContain("call 1 (UNMAP_DMA iova=0x3000 size=0x2000) takes the page away");
    const apart = ioctls
      .replace(/^map new .*$/m, "")
      .replace(/^ioctl (UNMAP.*)$/m, "call $1\nmap new none")
      .replace(/^ioctl (MAP.*)$/m, "call $1\nmap add iova=0x3000 size=0x1000 frame=0x1000003000");
    const files = [...callScripts(parseRecording(apart))];
    expect(files).toHaveLength(2);
    for (const file of files)
      expect(check(inputOf(file))).toMatchObject({ verdict: "clean", mismatch: null });
  });

  it("has a filter that makes a recording of what tracepoints print", () => {
    const trace = [
      "qemu-1  [003] ..... 8.100001: call_unmap: (iommu_unmap+0x0/0x60)",
      "qemu-1  [003] ..... 8.100002: bprint: clear: hitless: store 0xffff888100002020 = 0x0",
      "qemu-1  [003] ..... 8.100003: bprint: clear: hitless: barrier",
      "qemu-1  [003] ..... 8.100004: qi_submit: iotlb_inv dmar0: 0x100f2 0x4040 0x0 0x0",
      "qemu-1  [003] ..... 8.100005: qi_submit: dev_tlb_inv dmar0: 0x1000000003 0x4000 0x0 0x0",
      "qemu-1  [003] ..... 8.100006: qi_done: (qi_flush_iotlb+0x9/0x10 <- qi_submit_sync)",
      "qemu-1  [003] ..... 8.100007: unmap: IOMMU: iova=0x0000000000004000 - 0x0000000000005000 size=4096 unmapped_size=4096",
      "qemu-1  [003] ..... 8.100008: call_map: (iommu_map+0x0/0x60)",
      "qemu-1  [003] ..... 8.100009: bprint: set: hitless: store 0xffff888100002028 = 0x1000005003",
      "qemu-1  [003] ..... 8.100010: bprint: set: hitless: barrier",
      "qemu-1  [003] ..... 8.100011: map: IOMMU: iova=0x0000000000005000 - 0x0000000000006000 paddr=0x0000001000005000 size=4096",
    ];
    const run = spawnSync("awk", [filter], { input: `${trace.join("\n")}\n`, encoding: "utf8" });
    expect(run.stderr).toBe("");
    const before = `${calls.slice(0, calls.indexOf("pins none"))}table 0x100002000[4] = 0x1000001003
      map old iova=0x4000 size=0x1000 frame=0x1000001000\ndirectMap 0xffff888000000000\n`;
    const recording = parseRecording(before + run.stdout);
    expect(recording.calls.map((c) => [c.label, c.newMap])).toEqual([
      ["iommu_unmap", []],
      ["iommu_map", [{ iovaPfn: 5, pages: 1, pfn: 0x1000005, rights: 3 }]],
    ]);
    for (const file of callScripts(recording))
      expect(check(inputOf(file))).toMatchObject({ verdict: "clean", mismatch: null });
  });
});
