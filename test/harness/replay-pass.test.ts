import { describe, expect, it } from "vitest";
import type { DeviceResult, ViolationSample } from "../../src/device/index.ts";
import {
  type CheckCase,
  decideChanges,
  decodeToken,
  encodeToken,
  replayChange,
  sequenceHash,
} from "../../src/harness/index.ts";
import { violations } from "../../src/harness/stress/violations.ts";
import { hexPage } from "../../src/units/index.ts";
import { SCENARIOS, STRATEGIES } from "../../src/vmm/index.ts";
import { callCli } from "../cli/call-cli.ts";

const vmmDiff = STRATEGIES.get("vmm-diff")!;
const caseOf = (scenario: string): CheckCase => {
  const { sequence, backing } = SCENARIOS.get(scenario)!;
  return { sequence, backing, format: "vtd-ss-48", seed: 1, mutant: null };
};
const rangesOf = (ranges: readonly { start: number; end: number }[]) =>
  ranges.map((r) => ({ iova: hexPage(r.start), bytes: (r.end - r.start) * 4096 }));

describe("a finding of a strategy that does something else the second time round", () => {
  it.each(["two-callers", "boundary-2m"])("shows again in the pass it is from: %s", (scenario) => {
    const how = caseOf(scenario);
    const steps = { cyclic: true, untilSettled: true };
    const found = [...decideChanges(how, vmmDiff, ["weak"], steps)].flatMap((change) =>
      change.findings.map((finding) => ({ change, finding })),
    );
    expect(Math.max(...found.map(({ change }) => change.pass))).toBeGreaterThan(1);
    const perPass = new Map<string, Set<string>>();
    for (const { change, finding } of found) {
      const { step, pass } = change;
      const target = { step, pass, class: finding.class, iovaPfn: finding.page!, modes: ["weak"] as const };
      const again = replayChange(how, vmmDiff, target, "").finding!;
      expect(again, `pass ${pass}, change ${step}`).toMatchObject({
        class: finding.class,
        ranges: rangesOf(finding.ranges),
        met: finding.met,
        changes: [{ step }],
      });
      expect(again.events).toEqual(finding.events);
      const key = `${step} ${finding.class}`;
      perPass.set(key, (perPass.get(key) ?? new Set()).add(JSON.stringify(again.ranges)));
    }
    expect(Math.max(...[...perPass.values()].map((seen) => seen.size))).toBeGreaterThan(1);
  });

  it("shows in no pass in which it is not, however late", () => {
    const target = { step: 1, class: "V01", iovaPfn: 1290, modes: ["weak"] as const };
    const shown = (pass: number) => replayChange(caseOf("two-callers"), vmmDiff, { ...target, pass }, "");
    expect(shown(2).finding).toMatchObject({ ranges: rangesOf([{ start: 1281, end: 1296 }]) });
    for (const pass of [3, 4, 1_000_000_000])
      expect(shown(pass)).toMatchObject({ finding: null, classes: ["V01b"] });
  });

  it("is looked for in every pass where nobody knows which", () => {
    const how = caseOf("boundary-2m");
    const target = { step: null, pass: 1, class: "V01", iovaPfn: 0, modes: ["weak"] as const };
    const { finding, changes } = replayChange(how, vmmDiff, { ...target, class: "V18" }, "");
    expect(finding).toBeNull();
    expect(changes).toBe(3 * how.sequence.steps.length);
    expect(replayChange(how, vmmDiff, target, "").finding).toMatchObject({ changes: [{ step: 1 }] });
  });

  it("is told from its token by the command line", async () => {
    const how = caseOf("two-callers");
    const token = {
      ...{ command: "stress" as const, inputs: ["two-callers"], addressSpace: null, strategy: "vmm-diff" },
      ...{ hash: sequenceHash(how.sequence), format: how.format, backing: how.backing, mode: "weak" },
      ...{ inject: null, seed: 1, step: 1, class: "V01", iovaPfn: 1290 },
    };
    const text = encodeToken({ ...token, pass: 2 });
    expect(text.length).toBeLessThanOrEqual(44);
    expect(decodeToken(text)).toEqual({ ...token, pass: 2 });
    const second = await callCli(["replay", encodeToken({ ...token, pass: 2 })]);
    const third = await callCli(["replay", encodeToken({ ...token, pass: 3 })]);
    expect(second.code).toBe(1);
    expect(second.stdout).toMatch(/^V01 in vmm-diff at 0x501000, for 15 pages/m);
    expect(third.code).toBe(0);
    expect(third.stdout).toMatch(/V01 does not show in change 1 in pass 3 of vmm-diff: it shows V01b\n$/);
  });
});

describe("the change that a device's sample is from", () => {
  const at = (epochAfter: number) => {
    const answer = { state: "hit", pfn: 9, rights: 3, level: 0, source: "walk", pinned: true };
    const sample = { ...answer, outcome: "V01", iovaPfn: 7, epochBefore: epochAfter, epochAfter };
    let seen: unknown;
    violations(
      [{ id: "V01", grade: "FORBIDDEN", class: "V01", samples: 1, description: "" }],
      [{ samples: [sample as unknown as ViolationSample], backToOldPage: null } as unknown as DeviceResult],
      { firstLostPage: null, keptBytesLost: 0 } as Parameters<typeof violations>[2],
      { replay: "", maps: 4, decide: (where) => void (seen = where) as undefined, isPredicted: null },
      false,
    );
    return seen;
  };

  it("is counted from the metered pass, which is the first, and the way back to the first map ends a pass", () => {
    const where = { class: "V01", iovaPfn: 7 };
    expect(at(0)).toEqual({ ...where, step: null, pass: 1 });
    expect(at(1)).toEqual({ ...where, step: 1, pass: 2 });
    expect(at(2)).toEqual({ ...where, step: 1, pass: 2 });
    expect(at(6)).toEqual({ ...where, step: 3, pass: 2 });
    expect(at(7)).toEqual({ ...where, step: 0, pass: 2 });
    expect(at(8)).toEqual({ ...where, step: 0, pass: 2 });
    expect(at(9)).toEqual({ ...where, step: 1, pass: 3 });
  });
});
