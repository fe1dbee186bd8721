import { describe, expect, it } from "vitest";
import { Geometry } from "../../src/check/entries/geometry.ts";
import { check, type Finding, inputOf, outcomesOf, printCounterexample } from "../../src/check/index.ts";
import { CACHES_ALL, parseScript, type Step } from "../../src/edit-script/index.ts";
import { CORRECT_SCRIPTS } from "./correct-scripts.ts";
import { randomCase } from "./random-script.ts";

const scriptNamed = (name: string) => CORRECT_SCRIPTS.find((s) => s.name === name)!;
const inputFor = (name: string, change: (steps: string[]) => string[], head = (text: string) => text) => {
  const { head: before, steps } = scriptNamed(name);
  return inputOf(parseScript(head(before) + change([...steps]).join("\n")));
};
const found = (...args: Parameters<typeof inputFor>): readonly Finding[] => check(inputFor(...args)).findings;
const summary = (findings: readonly Finding[]): string[] =>
  findings.map((f) => `${f.class} ${f.cause} ${f.pages}`);
const replacing = (part: string, by: string) => (steps: string[]) => steps.map((s) => s.replace(part, by));
const without = (start: string) => (steps: string[]) => steps.filter((s) => !s.startsWith(start));
const moved = (start: string, to: number) => (steps: string[]) => {
  const step = steps.find((s) => s.startsWith(start))!;
  return steps.filter((s) => s !== step).toSpliced(to, 0, step);
};

describe("the page that stands for a finding", () => {
  it("is one of its pages, and meets what the loads of the counterexample lead it to", () => {
    let [shown, moved] = [0, 0];
    for (let seed = 1; seed <= 600; seed++) {
      const { input } = randomCase(seed);
      const { entries } = new Geometry(input.capability);
      for (const { page, ranges, met, events } of check(input, { causes: false }).findings) {
        const [, frame, rights] = /^frame (0x[0-9a-f]+) \((.*)\)$/.exec(met) ?? [];
        const leaf = events.findLast((e) => e.text.startsWith("loads level"));
        if (page === null || frame === undefined || leaf === undefined) continue;
        expect(page, `seed ${seed}`).toBe(ranges[0]!.start);
        const [, level, entry] = /^loads level (\d).*?: (0x[0-9a-f]+)/.exec(leaf.text)!;
        const offset = page % entries ** Number(level);
        const base = BigInt(entry!) & 0xf_ffff_ffff_f000n;
        expect(frame, `seed ${seed}, page ${page}`).toBe(`0x${(base + BigInt(offset * 4096)).toString(16)}`);
        const loaded = events.map((e) => /^loads level \d.*?: (0x[0-9a-f]+)/.exec(e.text)?.[1]);
        const left = loaded.reduce((all, e) => (e === undefined ? all : all & Number(BigInt(e) & 3n)), 3);
        const NAMES = ["no rights", "read only", "write only", "read and write"];
        if (input.capability.rightsAnded) expect(rights, `seed ${seed}, page ${page}`).toBe(NAMES[left]);
        shown++;
        if (offset > 0) moved++;
      }
    }
    expect(shown).toBeGreaterThan(400);
    expect(moved).toBeGreaterThan(20);
  });
});

describe("the loads of a counterexample", () => {
  it("read what memory holds then, or what a missing barrier still lets them read, table by table", () => {
    const seen = { loads: 0, late: 0, written: 0 };
    for (let seed = 1; seed <= 900; seed++) {
      const { input, before } = randomCase(seed);
      const steps = [...input.script];
      /* What every entry holds after each step. */
      const memory = [before];
      for (const step of steps) memory.push(written(memory.at(-1)!, step));
      const isCoherent = input.capability.coherentWalk;
      const { entries } = new Geometry(input.capability);
      for (const { page, events, shows } of check(input, { causes: false }).findings) {
        const where = `seed ${seed}, ${shows} at page ${page}`;
        const { root } = input.domains[0]!;
        let [table, level, last] = [root as number, 1, 0];
        for (const { step, text } of events) {
          if (text === "begins another access") [table, level] = [root, 1];
          const load = /^loads level (\d) (0x[0-9a-f]+)\[(\d+)\]: (0x[0-9a-f]+) \((.*)\)$/.exec(text);
          if (load === null) continue;
          const [, at, from, index, value, age] = load;
          expect([Number(at), Number(from) / 4096], where).toEqual([level, table]);
          expect(Number(index), where).toBe(Math.floor(page! / entries ** level) % entries);
          expect(step, where).toBeGreaterThanOrEqual(last);
          const key = `${table} ${index}`;
          const entry = BigInt(value!);
          if (!age!.includes("still readable")) expect(memory[step]!.get(key) ?? 0n, where).toBe(entry);
          else {
            seen.late++;
            const held = memory.findLastIndex((m, k) => k < step && (m.get(key) ?? 0n) === entry);
            expect(held, where).toBeGreaterThanOrEqual(0);
            // Steps are numbered from 1: the one that overwrites it is at position `held` of the list.
            const between = steps.slice(held + 1, step);
            if (isCoherent) expect(between.map(({ op }) => op)).not.toContain("barrier");
          }
          seen.loads++;
          if (age!.startsWith("stored")) seen.written++;
          [table, level, last] = [Number((entry >> 12n) & 0xff_ffff_ffffn), level - 1, step];
        }
      }
    }
    expect(seen.loads).toBeGreaterThan(2000);
    expect(seen.late).toBeGreaterThan(50);
    expect(seen.written).toBeGreaterThan(300);
  });
});

/** What entries hold after one more step. */
function written(memory: ReadonlyMap<string, bigint>, step: Step): ReadonlyMap<string, bigint> {
  if (step.op !== "store" && step.op !== "fill") return memory;
  const result = new Map(memory);
  if (step.op === "store") result.set(`${step.table} ${step.index}`, step.entry);
  else
    for (let i = 0; i < step.count; i++)
      result.set(`${step.table} ${step.index + i}`, step.first + BigInt(i) * step.stride);
  return result;
}

describe("a counterexample of a leaf that outlives what gave it", () => {
  /** The step behind which nothing of a leaf loaded at `from` is left, 0 where there is none: all caches dropped it. */
  function goneAt(
    steps: readonly Step[],
    from: number,
    first: number,
    span: number,
    drains: boolean,
  ): number {
    const dropped = steps.findIndex(
      (step, k) =>
        k + 1 > from &&
        step.op === "invalidate" &&
        step.domain === 1 &&
        step.caches === CACHES_ALL &&
        step.iovaPfn <= first &&
        first + span <= step.iovaPfn + step.pages,
    );
    if (dropped < 0) return 0;
    return 1 + steps.findIndex((step, k) => k > dropped && step.op === "wait" && (step.drain || !drains));
  }

  it("has no invalidation behind the load that is over before the leaf does harm", () => {
    const seen = { stale: 0, unpinned: 0, late: 0 };
    for (let seed = 1; seed <= 2000; seed++) {
      const { input } = randomCase(seed);
      const steps = [...input.script];
      const { entries } = new Geometry(input.capability);
      for (const { class: kind, shows, page, events } of check(input, { causes: false }).findings) {
        const kept = events.find((e) => e.text.startsWith("IOTLB keeps the leaf"));
        if (page === null || kept === undefined) continue;
        const level = Number(/level (\d)/.exec(events.findLast((e) => e.text.startsWith("loads"))!.text)![1]);
        const span = input.capability.invalidateCoversLeaf ? entries ** level : 1;
        const where = `seed ${seed}, ${kind} at page ${page}`;
        const gone = goneAt(steps, kept.step, page - (page % span), span, shows === "V06");
        if (shows === "V04" || shows === "V04b") {
          expect(gone, where).toBe(0);
          seen.stale++;
        } else if (shows === "V06") {
          const meets = events.find((e) => e.text.startsWith("meets"))!;
          expect(gone === 0 || gone > meets.step, where).toBe(true);
          seen.unpinned++;
        } else continue;
        if (events.some((e) => e.who === "kernel" && e.text.startsWith("invalidate") && e.step <= kept.step))
          seen.late++;
      }
    }
    expect(seen.stale).toBeGreaterThan(300);
    expect(seen.unpinned).toBeGreaterThan(100);
    expect(seen.late).toBeGreaterThan(20);
  });
});

describe("one cause, one report", () => {
  it.each([
    ["split", moved("store", 0), "V01 order 504"],
    ["split", replacing("size=0x200000", "size=0x8000"), "V06 under-range 8"],
    ["split", replacing("wait drain", "wait"), "V06 no-drain 8"],
    ["split", without("wait"), "V06 no-wait 8"],
    ["split", without("invalidate"), "V06 missing-inv 8"],
    ["split", moved("unpin", 5), "V06 early-unpin 8"],
    ["split", without("fill 0x100002000[0]"), "V01 plan 100"],
    ["split", replacing("iova=0 size", "caches=iotlb+walk iova=0 size"), "V06 no-ATC 8"],
    ["merge that fills a hole", moved("freeTable", 1), "V07 early-free 512"],
    ["merge that fills a hole", replacing("invalidate", "invalidate scope=leaf"), "V07 wrong-scope 512"],
    ["merge that fills a hole", without("freeTable"), "V12 leak 512"],
    ["take rights away", without("invalidate"), "V04 missing-inv 1"],
    ["take rights away", moved("invalidate", 0), "V04 order 1"],
    ["split, settle, then change one page", (s: string[]) => s.toSpliced(3, 3), "V06 missing-inv 1"],
    ["map into a new table with caching mode", without("invalidate"), "V05 missing-inv 3"],
    ["unmap", replacing("= 0", "= 0x2000000003"), "V02 plan 1"],
    ["unmap", (s: string[]) => [...s, s[s.length - 1]!], "V12 double 0"],
  ] as const)("%s, changed (%#)", (name, change, expected) => {
    expect(summary(found(name, change as (steps: string[]) => string[]))).toEqual([expected]);
  });

  it("names the cause as well where a recorder gave a line to each of hundreds of entries", () => {
    const lines = Array.from(
      { length: 300 },
      (_, i) => `store 0x100001000[${i}] = ${0x1000000003 + i * 4096}`,
    );
    const text = `hitless-edit-script 1 vtd-ss-39-cm
      domain 1 root=0x100000000
      table 0x100000000[0] = 0x100002003
      table 0x100002000[0] = 0x100001003
      map new iova=0 size=0x12c000 frame=0x1000000000
      ${lines.join("\n")}
      barrier`;
    const { findings } = check(inputOf(parseScript(text)));
    expect(new Set(findings.map((f) => `${f.class} ${f.cause}`))).toContain("V05 missing-inv");
    expect(summary(findings)).not.toContain("V05 plan");
  });

  it("names the domain tag where the invalidation went to another domain", () => {
    const head = (text: string) => `${text}domain 2 root=0x100009000\n`;
    const tagged = (id: number) => replacing("invalidate", `invalidate domain=${id}`);
    expect(found("unmap", tagged(1), head)).toEqual([]);
    expect(summary(found("unmap", tagged(2), head))).toEqual(["V06 wrong-tag 1"]);
  });

  it("reports a latent stale path only where nothing is visible", () => {
    const merge = (steps: string[]) => [steps[0]!, "barrier"];
    const kept = (text: string) => `${text}keep 0x100002000\n`;
    expect(summary(found("merge that fills a hole", merge, kept))).toEqual(["V05 missing-inv 8"]);
    const full = (text: string) =>
      kept(text)
        .replace("count=100", "count=512")
        .replace(/table 0x100002000.108.*\n/, "")
        .replace(
          /map old iova=0 size=0x64000.*\nmap old.*\n/,
          "map old iova=0 size=0x200000 frame=0x1000000000\n",
        );
    expect(summary(found("merge that fills a hole", merge, full))).toEqual(["V04b missing-inv 512"]);
  });

  it("finds a half-written entry where both stores belong to one update, and faults where they do not", () => {
    const halves = (u: string) => (steps: string[]) =>
      steps.toSpliced(
        0,
        1,
        "store 0x100002000[5] = 0x1000000003 u=1",
        `store 0x100002000[5] = 0x2000000003 u=${u}`,
      );
    expect(summary(found("replace a frame in place", halves("1")))).toContain("V08 split-store 1");
    expect(found("replace a frame in place", halves("2")).map((f) => f.class)).toContain("V02");
  });

  it("takes faults in a declared window as meant, and outside of it not", () => {
    const broken = (steps: string[]) => [
      "window open iova=0x5000 size=0x1000",
      "store 0x100002000[5] = 0",
      "barrier",
      steps[2]!,
      steps[3]!,
      ...steps.slice(0, 2),
      "window close iova=0x5000 size=0x1000",
      ...steps.slice(2),
    ];
    expect(found("replace a frame in place", broken)).toEqual([]);
    const undeclared = (steps: string[]) => broken(steps).filter((s) => !s.startsWith("window"));
    expect(found("replace a frame in place", undeclared).map((f) => f.class)).toEqual(["V01b"]);
  });

  it("finds a malformed entry and a link to a page that is no table", () => {
    const bad = (entry: string) => replacing("= 0x1000000083", `= ${entry}`);
    expect(found("merge that fills a hole", bad("0x1000001083")).map((f) => f.class)).toEqual(["V13"]);
    expect(found("merge that fills a hole", bad("0x1000000003")).map((f) => f.class)).toEqual(["V13"]);
  });
});

describe("result", () => {
  it("says how many pages and schedules its classes stand for", () => {
    const result = check(inputFor("split", (s) => s));
    expect(result).toMatchObject({ verdict: "clean", pages: 512, stats: { stores: 505, events: 510 } });
    expect(result.classes).toBeLessThan(20);
    expect(result.schedules).toBeCloseTo((512 * 511 * 512 * 513) / 6, -3);
  });

  it("says where the tables before the script are not what the old map says", () => {
    const head = (text: string) =>
      text.replace(
        "map old iova=0 size=0x200000 frame=0x1000000000",
        "map old iova=0 size=0x200000 frame=0x3000000000",
      );
    const result = check(inputFor("split", (s) => s, head));
    expect(result.mismatch).toContain("before the first step IOVA 0x");
  });

  it("lists every outcome an observation may have", () => {
    const outcomes = outcomesOf(
      inputFor("unmap", (s) => s),
      1,
      5,
    );
    const kinds = outcomes.map(
      (o) => `${o.leaf === null ? "fault" : o.leaf.frame.toString(16)} ${o.afterReturn}`,
    );
    expect(kinds.sort()).toEqual(["1000005 false", "fault true"]);
  });
});

describe("counterexample", () => {
  const [finding] = found("split", without("invalidate"));

  it("shows kernel, device and caches in columns, in the order of the interleaving", () => {
    const text = printCounterexample(finding!, { replay: { token: () => "H1-abc" } });
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(110);
    expect(text).toContain("V06 at IOVA 0x64000 to 0x6c000");
    expect(text).toContain("cause  missing-inv");
    expect(text).toContain("kernel");
    expect(text).toContain("IOTLB keeps the leaf");
    expect(text).toContain("it stands for 8 pages");
    expect(text.trimEnd().endsWith("replay: hitless replay H1-abc")).toBe(true);
    const at = (part: string): number => text.indexOf(part);
    expect(at("0x0000001000000083")).toBeLessThan(at("0x0000000100002003"));
    expect(at("unpin")).toBeLessThan(at("meets a frame"));
  });
});

describe("two tables that are unlinked one after the other", () => {
  it("are looked at apart when the cause on a page of the first is looked for", () => {
    const script = parseScript(
      `
      hitless-edit-script 1 vtd-ss-39
      domain 1 root=0x100000000
      table 0x100000000[0] = 0x100001003
      table 0x100001000[0] = 0x100002003 0x100003003
      table 0x100002000[0] = 0x1000000003 0x1000007003
      table 0x100003000[0] = 0x1000003003
      map old iova=0 size=4K frame=0x1000000000
      map old iova=0x1000 size=4K frame=0x1000007000
      map old iova=2M size=4K frame=0x1000003000
      map new none
      store 0x100001000[0] = 0
      store 0x100001000[1] = 0
      barrier
      invalidate scope=leaf iova=0 size=4K
      wait drain`.trim(),
    );
    const { findings } = check(inputOf(script), { mode: "strong" });
    expect(findings.length).toBeGreaterThan(0);
    for (const { cause } of findings) expect(cause).not.toBeNull();
  });
});
