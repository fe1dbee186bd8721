import { describe, expect, it } from "vitest";
import { aftermath, joinedRuns, type MachineState, pinSums } from "../../src/check/calls/aftermath.ts";
import { judgeConcurrentCalls, judgeFailedCall } from "../../src/check/calls/whole-calls.ts";
import { CALL_MUTANTS } from "../../src/check/mutants/index.ts";
import { EditScript, type PinRun, type Step } from "../../src/edit-script/index.ts";
import { PlannedCalls } from "../../src/harness/mutants/planned-calls.ts";
import { pfn } from "../../src/units/index.ts";
import { SCENARIOS } from "../../src/vmm/index.ts";
import { callsOf } from "./mutants/planned.ts";

const nothing = new EditScript();
const planned = (name: string) => {
  const { sequence, backing } = SCENARIOS.get(name)!;
  return new PlannedCalls({ sequence, backing, format: "vtd-ss-48", seed: 1 });
};
const pins = (...runs: [number, number, number][]): PinRun[] =>
  runs.map(([first, pages, count]) => ({ pfn: pfn(first), pages, count }));

describe("what a script leaves behind", () => {
  it.each([...SCENARIOS.keys()])("is the new map with its pins after each change of %s", (name) => {
    planned(name).cycle(({ call, before }) => {
      const left = aftermath({ ...before, pins: [...before.pins, ...call.pinned] }, call.script);
      expect([...left.maps.values()]).toEqual([joinedRuns(call.newMap)]);
      expect(left.pins).toEqual(
        pinSums(call.newMap.map((run) => ({ pfn: run.pfn, pages: run.pages, count: 1 }))),
      );
      expect(left.lost).toEqual([]);
      expect(left.misused).toEqual([]);
      expect([...aftermath(before, nothing).maps.values()]).toEqual([joinedRuns(call.oldMap)]);
    });
  });

  it("adds pin runs up", () => {
    expect(pinSums(pins([10, 4, 1], [12, 4, 1], [11, 1, -1]))).toEqual(
      pins([10, 1, 1], [12, 2, 2], [14, 2, 1]),
    );
    expect(pinSums(pins([10, 4, 1], [10, 4, -1]))).toEqual([]);
  });

  it("names tables that are freed twice and tables that nobody can reach", () => {
    planned("split-rejoin").cycle(({ call, before }) => {
      const steps = [...call.script];
      const frees = steps.filter((step) => step.op === "freeTable");
      if (frees.length === 0) return;
      const [{ table }] = frees as [Step & { op: "freeTable" }];
      expect(aftermath(before, EditScript.from([...steps, ...frees])).misused).toEqual([table]);
      const kept = EditScript.from(steps.filter((step) => step.op !== "freeTable"));
      expect(aftermath(before, kept).lost).toEqual([table]);
    });
  });
});

describe("a call that failed", () => {
  it("is a no-op when it ran nothing and kept nothing", () => {
    planned("remap").cycle(({ before }) => expect(judgeFailedCall(before, [], nothing)).toBeNull());
  });

  it("is a no-op when it gave back what it took", () => {
    planned("remap").cycle(({ call, before }) => {
      const aside = [...call.script].filter((step) => step.op === "fill" || step.op === "gather");
      const tables = [...new Set(aside.map((step) => step.table))];
      const undo: Step[] = [
        ...aside,
        ...tables.map((table): Step => ({ op: "freeTable", table })),
        ...call.pinned.map((run): Step => ({ op: "unpin", pfn: run.pfn, pages: run.pages })),
      ];
      expect(judgeFailedCall(before, call.pinned, EditScript.from(undo))).toBeNull();
    });
  });

  it("breaks V14 when it keeps a pin, a table or a store", () => {
    const seen = new Set<string>();
    planned("remap").cycle(({ call, before }) => {
      const kept = judgeFailedCall(before, call.pinned, nothing);
      expect(kept?.class).toBe("V14");
      seen.add(kept!.met);
      seen.add(judgeFailedCall(before, [], call.script)!.met);
    });
    expect(seen.size).toBeGreaterThan(1);
  });
});

describe("calls at the same time", () => {
  it("fit an order when one runs after the other", () => {
    const { to, from } = CALL_MUTANTS.get("M38")!.calls!;
    const machine = planned("two-callers");
    for (let i = 0; i <= from; i++) machine.go(i);
    let first: { before: MachineState; script: EditScript; pinned: readonly PinRun[] } | null = null;
    let verdict: unknown = "not judged";
    const other = planned("two-callers");
    for (let i = 0; i <= from; i++) other.go(i);
    machine.go(to[0]!, ({ call, before }) => {
      first = { before, script: call.script, pinned: call.pinned };
      other.go(to[0]!);
      // The second call is planned on what the first has left, as a lock makes sure.
      other.go(to[1]!, (second) => {
        const { script, pinned, newMap } = second.call;
        const both = EditScript.from([...first!.script, ...script]);
        const targets = [call.newMap, newMap];
        verdict = judgeConcurrentCalls(before, [...call.pinned, ...pinned], both, targets);
      });
    });
    expect(verdict).toBeNull();
  });

  it.each([...CALL_MUTANTS.values()].filter((mutant) => mutant.calls === undefined))(
    "$id alters a call of its scenario and leaves what was asked for",
    (mutant) => {
      let bites = 0;
      for (const { call, context } of callsOf(mutant)) {
        const broken = mutant.rewriteCalls([call], context);
        if (broken === null) continue;
        bites++;
        expect(broken).not.toEqual(call);
        expect(broken.oldMap).toBe(call.oldMap);
        expect(broken.newMap).toBe(call.newMap);
      }
      expect(bites).toBeGreaterThan(0);
    },
  );
});
