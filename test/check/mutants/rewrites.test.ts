import { describe, expect, it } from "vitest";
import { MUTANTS } from "../../../src/check/mutants/index.ts";
import {
  CACHE_ATC,
  CACHE_CONTEXT,
  CACHES_ALL,
  CAPABILITIES,
  EditScript,
  parseScript,
  printScript,
  type Step,
} from "../../../src/edit-script/index.ts";
import { difference, type Rewritten, rewriteScenario } from "./planned.ts";

const mutants = [...MUTANTS.values()];
const changed = (id: string): Rewritten[] => rewriteScenario(MUTANTS.get(id)!).filter((r) => r.isChanged);
const ops = (steps: readonly Step[]): string[] => steps.map((step) => step.op);
const writesOf = (steps: readonly Step[]) => steps.filter((s) => s.op === "store" || s.op === "storeRun");

/** Kinds of steps a rewrite may take out and put in, by mutant; everything else must stay. */
const TOUCHES: Readonly<Record<string, { gone: string; come: string }>> = {
  M01: { gone: "fill gather", come: "fill store storeRun" },
  M02: { gone: "", come: "store" },
  M03: { gone: "", come: "store" },
  M04: { gone: "", come: "store barrier invalidate wait" },
  M05: { gone: "fill", come: "fill" },
  M06: { gone: "", come: "store barrier invalidate wait freeTable" },
  M07: { gone: "", come: "store" },
  M08: { gone: "store", come: "store" },
  M10: { gone: "fill gather", come: "fill gather" },
  M11: { gone: "fill gather store invalidate", come: "fill gather store storeRun invalidate" },
  M12: { gone: "", come: "store barrier invalidate wait freeTable" },
  M13: { gone: "invalidate", come: "" },
  M14: { gone: "invalidate", come: "invalidate" },
  M15: { gone: "invalidate", come: "invalidate" },
  M15b: { gone: "invalidate", come: "" },
  M16: { gone: "", come: "" },
  M17: { gone: "wait", come: "" },
  M17b: { gone: "wait", come: "wait" },
  M18: { gone: "", come: "" },
  M19: { gone: "invalidate", come: "invalidate" },
  M19b: { gone: "wait", come: "wait" },
  M20: { gone: "invalidate", come: "" },
  M20b: { gone: "store storeRun", come: "storeRun" },
  M21: { gone: "", come: "" },
  M22: { gone: "invalidate", come: "invalidate" },
  M23: { gone: "", come: "fill" },
  M24: { gone: "store storeRun", come: "store" },
  M25: { gone: "store storeRun", come: "store" },
  M26: { gone: "", come: "setRoot" },
  M27: { gone: "store storeRun", come: "fill" },
  M28: { gone: "exchange", come: "store" },
  M29: { gone: "fill gather store", come: "fill gather store" },
  M30: { gone: "invalidate", come: "" },
  M31: { gone: "barrier clean", come: "" },
  M32: { gone: "", come: "store" },
  M33: { gone: "freeTable", come: "" },
  M34: { gone: "", come: "unpin" },
  M36: { gone: "", come: "setRoot" },
  M40: { gone: "store", come: "store" },
  M41: { gone: "setRoot", come: "setRoot" },
  M42: { gone: "invalidate", come: "invalidate" },
};

describe.each(mutants)("$id", (mutant) => {
  it("bites in its scenario, touches only what it says and leaves a well-formed script", () => {
    let bites = 0;
    const touches = TOUCHES[mutant.id]!;
    rewriteScenario(mutant, ({ change, planned, broken, isChanged, domain, context }) => {
      if (!isChanged) {
        expect(broken, change).toEqual(planned);
        return;
      }
      bites++;
      expect(broken, change).not.toEqual(planned);
      const { gone, come } = difference(planned, broken);
      for (const op of gone) expect(touches.gone.split(" "), `${change}: ${op} gone`).toContain(op);
      for (const op of come) expect(touches.come.split(" "), `${change}: ${op} come`).toContain(op);
      for (const step of broken)
        if ("table" in step) {
          expect(context.placeOf(step.table), `${change}: ${step.op} of no table`).not.toBeNull();
          const count = "count" in step ? step.count : step.op === "gather" ? step.entries.length : 1;
          if ("index" in step) expect(step.index + count).toBeLessThanOrEqual(512);
        }
      const script = EditScript.from(broken);
      const file = {
        capability: context.capability,
        // Another domain for mutants that name a wrong one; a root switch takes its number as the new tag.
        domains: (mutant.strategy === "epoch" ? [domain] : [domain, domain + 1]).map((id) => ({
          id,
          root: 0x10_0000 as never,
          levels: 4,
        })),
        tables: [],
        oldMap: [],
        newMap: [],
        pins: null,
        keptTables: [],
        deviceCaches: 7,
        isEpoch: false,
        ioctls: [],
        script,
        stepLines: [],
      };
      expect([...parseScript(printScript(file), mutant.id).script]).toEqual(broken);
    });
    expect(bites).toBeGreaterThan(0);
  });

  it("gives the same script whenever it is asked", () => {
    rewriteScenario(mutant, ({ planned, broken, context }) => {
      expect([...mutant.rewrite(EditScript.from(planned), context)]).toEqual(broken);
    });
  });

  it("leaves an empty script alone", () => {
    const [first] = rewriteScenario(mutant);
    const empty = new EditScript();
    expect(mutant.rewrite(empty, first!.context)).toBe(empty);
  });
});

describe("mutants of the edit script, step by step", () => {
  it("M03 clears exactly the entry behind the range and puts the same value back", () => {
    for (const { planned, broken } of changed("M03")) {
      const extra = writesOf(broken).filter(
        (s) => !planned.some((p) => JSON.stringify(p, big) === JSON.stringify(s, big)),
      );
      expect(extra).toHaveLength(2);
      const [clear, restore] = extra as (Step & { op: "store" })[];
      expect(clear).toMatchObject({ entry: 0n, table: restore!.table, index: restore!.index });
      expect(restore!.entry).not.toBe(0n);
      const cleared = planned.find((s) => s.op === "storeRun" && s.first === 0n) as Step & { op: "storeRun" };
      expect(clear!.index).toBe(cleared.index + cleared.count);
    }
  });

  it("M05 gives one page more and no page less than the planner", () => {
    for (const { planned, broken } of changed("M05")) {
      const entries = (steps: readonly Step[]) =>
        steps.reduce((n, s) => n + (s.op === "fill" ? s.count : 0), 0);
      expect(entries(broken)).toBe(entries(planned));
      const alone = broken.find((s) => s.op === "fill" && s.count === 1) as Step & { op: "fill" };
      const before = broken[broken.indexOf(alone) - 1] as Step & { op: "fill" };
      expect(alone.first).toBe(before.first + BigInt(before.count + 1) * before.stride);
    }
  });

  it("M06 and M12 merge one table each, in correct order", () => {
    for (const id of ["M06", "M12"])
      for (const { broken } of changed(id))
        expect(ops(broken).join(" ")).toMatch(/wait store barrier invalidate wait freeTable( unpin)*$/);
  });

  it("M11 opens the table entry before it narrows, and narrows before the page is widened", () => {
    for (const { broken } of changed("M11"))
      expect(ops(writesOf(broken)).join(" ")).toBe("store store storeRun store");
  });

  it("M16 posts every invalidation before the first store of its phase", () => {
    for (const { broken } of changed("M16"))
      expect(ops(broken).indexOf("invalidate")).toBeLessThan(broken.indexOf(writesOf(broken)[0]!));
  });

  it("M17 waits nowhere, M19 leaves the device caches out, M19b drains nowhere", () => {
    for (const { broken } of changed("M17")) expect(ops(broken)).not.toContain("wait");
    for (const { broken } of changed("M19"))
      for (const step of broken) if (step.op === "invalidate") expect(step.caches & CACHE_ATC).toBe(0);
    for (const { broken } of changed("M19b"))
      for (const step of broken) if (step.op === "wait") expect(step.drain).toBe(false);
  });

  it("M20 alters nothing where absent entries are never cached", () => {
    const here = rewriteScenario(MUTANTS.get("M20")!, () => {}, "vtd-ss-48");
    expect(here.some((r) => r.isChanged)).toBe(false);
  });

  it.each([
    ["reports of dirty pages", { scenario: "large-rights", reports: true, format: "vtd-ss-48-ad" }],
    ["switches of the root", { scenario: "split-rejoin", strategy: "epoch", format: "vtd-ss-48-cm" }],
  ] as const)("M20 leaves the invalidations of %s", (_, where) => {
    for (const { planned, broken } of rewriteScenario({ ...MUTANTS.get("M20")!, ...where }))
      expect(broken).toEqual(planned);
  });

  it("M20b writes one entry less", () => {
    const written = (steps: readonly Step[]) =>
      steps.reduce((n, s) => n + (s.op === "store" ? 1 : s.op === "storeRun" ? s.count : 0), 0);
    for (const { planned, broken } of changed("M20b")) expect(written(broken)).toBe(written(planned) - 1);
  });

  it("M22 leaves a split alone, whose old entry was no table", () => {
    expect(changed("M22").map((r) => r.change)).toEqual(["a hole again -> whole"]);
  });

  it("M23 frees each table before the first invalidation and fills it right away", () => {
    for (const { broken } of changed("M23")) {
      const free = ops(broken).indexOf("freeTable");
      expect(free).toBeLessThan(ops(broken).indexOf("invalidate"));
      expect(broken[free + 1]).toMatchObject({ op: "fill", count: 512 });
    }
  });

  it("M24 goes through an entry without rights, under one update id", () => {
    for (const { broken, context } of changed("M24")) {
      const stores = writesOf(broken) as (Step & { op: "store" })[];
      for (let i = 0; i < stores.length; i += 2) {
        expect(context.entries.isPresent(stores[i]!.entry)).toBe(false);
        expect(stores[i]!).toMatchObject({ update: stores[i + 1]!.update, index: stores[i + 1]!.index });
      }
    }
  });

  it("M27 stores each slot once where the planner splits first", () => {
    for (const { planned, broken } of changed("M27"))
      expect(writesOf(broken).length).toBeLessThan(writesOf(planned).length);
  });

  it("M31 also drops the cleans of new tables where walkers do not snoop", () => {
    const there = rewriteScenario(MUTANTS.get("M31")!, () => {}, "vtd-ss-48-nc").filter((r) => r.isChanged);
    expect(there.length).toBeGreaterThan(0);
    for (const { planned, broken } of there) {
      const { gone } = difference(planned, broken);
      expect(gone).toContain("clean");
      expect(gone).toContain("barrier");
    }
  });

  it("M34 unpins one page twice for each run", () => {
    for (const { planned, broken } of changed("M34"))
      expect(difference(planned, broken).come).toEqual(
        planned.filter((s) => s.op === "unpin").map((s) => s.op),
      );
  });

  it("M42 invalidates the whole address space of the profile", () => {
    const pages = 2 ** (CAPABILITIES.get("vtd-ss-48")!.inputBits - 12);
    for (const { broken } of changed("M42"))
      for (const step of broken)
        if (step.op === "invalidate") expect(step).toMatchObject({ iovaPfn: 0, pages, scope: "nonLeaf" });
  });

  it("M42 reaches every cache that the planner does, the context cache as well", () => {
    const invalidations = (steps: readonly Step[]) => steps.filter((step) => step.op === "invalidate");
    const cachesOf = (steps: readonly Step[]) => invalidations(steps).map(({ caches }) => caches);
    for (const { planned, broken } of rewriteScenario({ ...MUTANTS.get("M42")!, strategy: "epoch" })) {
      const [least, most] = [cachesOf(planned), cachesOf(broken)];
      expect(least.some((caches) => (caches & CACHE_CONTEXT) !== 0)).toBe(true);
      expect(most).toEqual(least.map((caches) => caches | CACHES_ALL));
    }
  });
});

const big = (_: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString(16) : value);
