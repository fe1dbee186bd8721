import { describe, expect, it } from "vitest";
import { parseRecording, parseScript, type Step } from "../../src/edit-script/index.ts";

const HEAD = "hitless-edit-script 1 vtd-ss-48\ndomain 1 root=0x100000000\n";
const stepsOf = (lines: string): Step[] => [...parseScript(HEAD + lines).script];
const stepOf = (line: string): Step => {
  const steps = stepsOf(line);
  expect(steps).toHaveLength(1);
  return steps[0]!;
};
const everything = { iovaPfn: 0, pages: 2 ** 36 };

describe("what recorders write", () => {
  it("may group digits and end sizes in K, M, G and T", () => {
    expect(stepOf("unpin 0x10_0000_0000 size=2M")).toEqual({ op: "unpin", pfn: 0x1000000, pages: 512 });
    expect(stepOf("unpin 1_024K size=1G")).toEqual({ op: "unpin", pfn: 256, pages: 2 ** 18 });
    for (const wrong of ["1_", "_1", "1__0", "K", "2MB", "0x", "1.5M", "1e3", "+1", "0b1"])
      expect(() => stepsOf(`unpin 0 size=${wrong}`), wrong).toThrow(`"${wrong}" is no number`);
    expect(() => stepsOf("unpin 0 size=99999999T")).toThrow("does not fit into 64 bits");
  });

  it("may end lines like any system, and begin with a byte order mark", () => {
    const lines = [...HEAD.trim().split("\n"), "", "barrier", "wait"];
    for (const end of ["\n", "\r\n", "\r"])
      expect([...parseScript(`\ufeff${lines.join(end)}${end}`).script]).toHaveLength(2);
  });

  it("may stand behind what a trace puts in front", () => {
    const text = `# tracer: nop
      hitless-edit-script 1 vtd-ss-48
      hitless: domain 1 root=0x100000000
          qemu-kvm-4711  [003] d..1.  1034.000321: bprint: dma_set_pte: hitless: store 0x100000000 = 0x3
      [ 1034.000400] hitless: call iommu_unmap   # hitless: not this
      [ 1034.000401] hitless: wait drain
      # [ 1034.000402] hitless: wait drain`;
    expect(() => parseRecording(text)).toThrow('script:4: what a call does stands below its "call" line');
    const { calls } = parseRecording(text.replace("store 0x100000000 = 0x3", "keep 0x100000000"));
    expect(calls.map((call) => [call.label, [...call.script]])).toEqual([
      ["iommu_unmap", [{ op: "wait", drain: true }]],
    ]);
  });

  it("may come from a task with the sign of a comment in its name", () => {
    const traced = (task: string, said: string): string =>
      `${task.padStart(16)}-813     [000] .....   100.000004: x: hitless: ${said}`;
    const steps = (...lines: readonly string[]): string[] => stepsOf(lines.join("\n")).map(({ op }) => op);
    expect(steps(traced("#flush", "barrier"), traced("pool#1", "wait drain"))).toEqual(["barrier", "wait"]);
    expect(steps(`${traced("#a", "wait")} # why`)).toEqual(["wait"]);
    expect(() => steps(traced("pool #1", "barrier"))).toThrow('"pool" is no statement');
    // A line that begins with the sign is a comment, whatever it holds, and so is what stands behind a statement.
    expect(steps(`#${traced("flush", "barrier").trim()}`, "wait")).toEqual(["wait"]);
    expect(steps(`barrier # ${traced("flush", "wait")}`)).toEqual(["barrier"]);
  });

  it("may name entries by their address in the kernel's direct map", () => {
    const lines = "directMap 0xffff888000000000\nstore 0xffff888100001018 = 3\nfreeTable 0xffff888100002000";
    expect(stepsOf(lines)).toMatchObject([
      { table: 0x100001, index: 3 },
      { op: "freeTable", table: 0x100002 },
    ]);
    expect(stepOf("directMap 0xffff888000000000\nstore 0x100001018 = 3")).toMatchObject({ table: 0x100001 });
    expect(() => stepsOf("store 0xffff888100001018 = 3")).toThrow("lies above the first 16 TiB");
  });

  it("may dump a table entry by entry", () => {
    const { tables } = parseScript(
      `${HEAD}table 0x100001000[510] = 0x1003 0\ntable 0x100002000[0]=1 count=2`,
    );
    expect(tables.map((t) => [t.table, t.index, t.count, t.first])).toEqual([
      [0x100001, 510, 1, 0x1003n],
      [0x100001, 511, 1, 0n],
      [0x100002, 0, 2, 1n],
    ]);
    expect(() => parseScript(`${HEAD}table 0x100001000[510] = 1 2 3`)).toThrow("leave the table");
  });

  it("may give an entry twice where it is the same twice, also where a run descends from one word into another", () => {
    const run = "table 0x100001000[0] = 0x100000001 count=3 stride=0xffffffffffffffff";
    const listed = "table 0x100001000[0] = 0x100000001 0x100000000";
    for (const lines of [
      [run, listed],
      [listed, run],
      [run.replace(" = ", "\t=  "), listed],
    ])
      expect(parseScript(`${HEAD}${lines.join("\n")}\n\n`).tables).toHaveLength(3);
    const third = (entry: string): string => `${HEAD}${run}\ntable 0x100001000[2] = ${entry}\n\n`;
    expect(parseScript(third("0xffffffff")).tables).toHaveLength(2);
    expect(() => parseScript(third("0x1ffffffff"))).toThrow(
      "script:4: entry 2 of this table is 0xffffffff above, and another here",
    );
  });

  it("may invalidate without a range", () => {
    const step = { op: "invalidate", scope: "nonLeaf", caches: 7, ...everything };
    expect(stepOf("invalidate all")).toEqual({ ...step, domain: 1 });
    expect(stepOf("invalidate all domain=1 caches=atc")).toEqual({ ...step, domain: 1, caches: 4 });
    expect(stepsOf("domain 7 root=0x100009000\ninvalidate global")).toEqual([
      { ...step, domain: 1 },
      { ...step, domain: 7 },
    ]);
    expect(() => stepsOf("domain 7 root=0x100009000\ninvalidate all")).toThrow("domain= is needed");
    expect(() => stepsOf("invalidate")).toThrow("invalidate needs iova=");
    expect(() => stepsOf("invalidate every")).toThrow('not "every"');
    expect(() => stepsOf("invalidate all iova=0 size=4K")).toThrow('takes no option "iova"');
  });

  it("may invalidate by address mask, whose low address bits do not count", () => {
    const step = { op: "invalidate", domain: 1, scope: "nonLeaf", caches: 7 };
    expect(stepOf("invalidate iova=0x5000 am=2")).toEqual({ ...step, iovaPfn: 4, pages: 4 });
    expect(stepOf("invalidate iova=0x5000 am=0")).toEqual({ ...step, iovaPfn: 5, pages: 1 });
    expect(() => stepsOf("invalidate iova=0 am=46")).toThrow("am 46 is over 45");
    expect(() => stepsOf("invalidate iova=0 size=4K am=1")).toThrow("takes size= or am=, not both");
  });

  it("may give the descriptors of the invalidation queue as they are", () => {
    const step = { op: "invalidate", domain: 1, scope: "nonLeaf", caches: 3 };
    const page = "qi 0x100f2";
    expect(stepOf(`${page} 0x2005_0000_0000_0`)).toMatchObject({ scope: "nonLeaf", pages: 1 });
    expect(stepOf(`${page} 0x605049 0 0`)).toEqual({ ...step, scope: "leaf", iovaPfn: 0x600, pages: 512 });
    expect(stepOf("qi 0x100e2 0")).toEqual({ ...step, ...everything });
    expect(stepsOf("domain 7 root=0x100009000\nqi 0xd2 0")).toEqual([
      { ...step, ...everything },
      { ...step, ...everything, domain: 7 },
    ]);
    expect(stepOf("qi 0x10000000003 0x5000")).toEqual({ ...step, caches: 4, iovaPfn: 5, pages: 1 });
    expect(stepOf("qi 0x3 0x5001")).toEqual({ ...step, caches: 4, iovaPfn: 4, pages: 4 });
    expect(stepOf("qi 0x3 0x7ffffffffffff001")).toEqual({ ...step, caches: 4, ...everything });
    expect(stepOf("qi 0x10021 0")).toEqual({ ...step, caches: 8, ...everything });
    expect(stepsOf("qi 0x4 0\nqi 0x900f2 0")).toEqual([]);
    expect(stepsOf("qi 0x10017 0")).toEqual([{ ...step, caches: 8, ...everything }]);
    expect(stepsOf("qi 0x37 0")).toEqual([{ ...step, caches: 8, ...everything }]);
    expect(stepsOf("qi 0x100f6 0\nqi 0x100f8 0\nqi 0x9 0x12\nqi 0xa 0x12")).toEqual([]);
    expect(stepsOf("tag 9\nqi 0x900f2 0")).toMatchObject([{ op: "invalidate", domain: 9, caches: 3 }]);
    expect(() => stepsOf("qi 0xf 0")).toThrow("type 15 does not concern second-stage tables");
    expect(() => stepsOf("qi 0x2 0")).toThrow("without granularity");
    expect(() => stepsOf("qi 0x100f2")).toThrow("two low words");
    expect(() => stepsOf("qi 0x100f2 0 1 0")).toThrow("qi word 1 belongs to no descriptor");
  });

  it("may name pages behind the IOVA space, as hardware takes it", () => {
    const beyond = { op: "invalidate", domain: 1, scope: "nonLeaf", caches: 3, iovaPfn: 2 ** 36, pages: 1 };
    expect(stepOf("qi 0x100f2 0x1000000000000")).toEqual(beyond);
  });

  it("may queue a wait, which is over when the driver has seen its status and says so", () => {
    expect(stepsOf("qi 0x25 0x1000")).toEqual([]);
    expect(stepsOf("qi 0x25 0x1000\nwait drain")).toEqual([{ op: "wait", drain: true }]);
  });

  it("is drained only where its descriptors ask for that", () => {
    const waits = (lines: string): boolean[] =>
      stepsOf(lines).flatMap((step) => (step.op === "wait" ? [step.drain] : []));
    expect(waits("qi 0x100f2 0\nwait drain")).toEqual([true]);
    for (const half of ["0x10032", "0x10072", "0x100b2"])
      expect(waits(`qi ${half} 0\nwait drain\nqi 0x100f2 0\nwait drain`), half).toEqual([false, true]);
    const second = "domain 2 root=0x100000000 iommu=1 did=1\n";
    expect(
      waits(`${second}qi 0x10032 0 iommu=1\nwait drain iommu=0\nwait drain iommu=1\nwait drain`),
    ).toEqual([true, false, false, true]);
  });

  it("is not drained by another wait, only by one for a descriptor that asks", () => {
    const waits = (lines: string): boolean[] =>
      parseRecording(HEAD + lines).calls.flatMap(({ script }) =>
        [...script].flatMap((step) => (step.op === "wait" ? [step.drain] : [])),
      );
    const undrained = "qi 0x10032 0\nwait drain\n";
    expect(waits(`${undrained}wait drain\nwait drain`)).toEqual([false, false, false]);
    expect(waits(`${undrained}qi 0x100f2 0\nwait\nwait drain`)).toEqual([false, false, true]);
    expect(waits(`${undrained}invalidate iova=0 size=4K\nwait drain`)).toEqual([false, true]);
    expect(waits(`${undrained}invalidate  iova=0 size=4K\nwait  drain`)).toEqual([false, true]);
    const foreign = (lines: string): boolean[] => waits(`tag 9\n${lines}`);
    for (const others of ["qi 0x900f2 0", "invalidate domain=9 iova=0 size=4K", "invalidate  domain=9 all"])
      expect(foreign(`${undrained}${others}\nwait drain`), others).toEqual([false, false]);
    expect(foreign("qi 0x100f2 0\nqi 0x90032 0\nwait drain")).toEqual([true]);
    for (const other of [
      "invalidate caches=atc all",
      "invalidate caches=context",
      "qi 0x3 0",
      "qi 0x10021 0",
    ])
      expect(waits(`${undrained}${other}\nwait drain`), other).toEqual([false, false]);
    expect(waits(`${undrained}qi 0x100f2 0\nqi 0x10032 0\nwait drain\nwait drain`)).toEqual([
      false,
      false,
      false,
    ]);
    expect(waits(`call\n${undrained}call\nwait drain`)).toEqual([false, true]);
  });

  it("drains behind the IOMMUs that can where it is for all", () => {
    const lines =
      "domain 2 root=0x100000000 iommu=1 did=1\nqi 0x10032 0 iommu=1\nqi 0x100f2 0 iommu=0\nwait drain";
    expect(stepsOf(lines).filter(({ op }) => op === "wait")).toEqual([
      { op: "wait", drain: false },
      { op: "wait", drain: true, iommu: 0 },
    ]);
  });

  describe("of several IOMMUs", () => {
    const second = "domain 2 root=0x100000000 iommu=1 did=1\n";
    const whole = { op: "invalidate", scope: "nonLeaf", caches: 3, ...everything };

    it("may name domains by the numbers that each IOMMU has for them", () => {
      const lines = `${second}qi 0x100e2 0 iommu=0\nqi 0x100e2 0 iommu=1\nqi 0x200e2 0 iommu=1`;
      expect(stepsOf(lines)).toEqual([
        { ...whole, domain: 1 },
        { ...whole, domain: 2 },
      ]);
      expect(() => stepsOf(`${second}qi 0x100e2 0`)).toThrow(
        "iommu= is needed: 1 is the number of domain 1 and, elsewhere, of domain 2",
      );
    });

    it("may give a root a new number as well", () => {
      const lines = `${second}setRoot domain=2 root=0x100005000 tag=9 did=3\nqi 0x300e2 0 iommu=1`;
      expect(stepsOf(lines).at(-1)).toEqual({ ...whole, domain: 9 });
    });

    it("may reach everything in one of them, and wait for one", () => {
      const lines = `${second}invalidate global iommu=1\nqi 0xd2 0 iommu=0\nqi 0x3 0x5000 iommu=1\ninvalidate all iommu=0`;
      expect(stepsOf(lines)).toEqual([
        { ...whole, domain: 2, caches: 7 },
        { ...whole, domain: 1 },
        { ...whole, domain: 2, caches: 4, iovaPfn: 5, pages: 1 },
        { ...whole, domain: 1, caches: 7 },
      ]);
      expect(stepsOf(`${second}invalidate global\nwait`)).toEqual([
        { ...whole, domain: 1, caches: 7 },
        { ...whole, domain: 2, caches: 7 },
        { op: "wait", drain: false },
      ]);
    });
  });
});
