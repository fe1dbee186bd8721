import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { MUTANTS, type Mutant } from "../../src/check/mutants/index.ts";
import { parseRecording, parseScript, printScript } from "../../src/edit-script/index.ts";
import {
  type CheckCase,
  type DecidedChange,
  decideChanges,
  runScriptCheck,
  scriptFileOf,
  shrinkScript,
} from "../../src/harness/index.ts";
import { loadInput, SCENARIOS, STRATEGIES } from "../../src/vmm/index.ts";

const HOW: CheckCase = {
  sequence: loadInput(new URL("../../data/qemu/pc-seabios-boot", import.meta.url).pathname),
  format: "vtd-ss-48",
  seed: 1,
  backing: "thp",
  mutant: null,
};

const MOST_SAVED = 8;

/** The changes of a recorded boot that lose pages. */
function* losing(strategy: string): Generator<DecidedChange> {
  for (const change of decideChanges(HOW, STRATEGIES.get(strategy)!, ["weak"], { causes: false }))
    if (change.findings.length > 0) yield change;
}

describe("a change of several ioctls that is saved as a script", () => {
  it.each(["legacy", "vmm-diff"])("shows the same findings, causes and calls again: %s", (strategy) => {
    let saved = 0;
    for (const change of losing(strategy)) {
      const text = printScript(scriptFileOf(change));
      const again = inputOf(parseScript(text));
      expect(again.calls).toEqual(change.input.calls);
      expect(text.match(/^ioctl (UN)?MAP_DMA iova=0x[0-9a-f]+ size=0x[0-9a-f]+$/gm)).toHaveLength(
        change.ioctls,
      );
      const { findings } = check(again);
      expect(findings).toEqual(check(change.input).findings);
      for (const f of findings) {
        expect(f.cause).toBe("plan");
        expect(f.causeText).toMatch(/made of \d+ calls; call \d+ \(UNMAP_DMA .* call \d+ \(MAP_DMA /);
      }
      if (++saved === MOST_SAVED) break;
    }
    expect(saved).toBeGreaterThan(0);
  });

  it("is judged the same where nothing is said of pins", () => {
    const [change] = losing("legacy");
    const { findings } = check(change!.input);
    const text = printScript({ ...scriptFileOf(change!), pins: null });
    expect(check(inputOf(parseScript(text))).findings).toEqual(findings);
  });

  it("is one change in reports, with the ioctl of each step of the kernel", () => {
    const [change] = losing("legacy");
    const recording = parseRecording(printScript(scriptFileOf(change!)));
    const { report } = runScriptCheck(recording, "saved", ["weak"], "line");
    expect(report.calls).toHaveLength(1);
    for (const { events } of report.violations) {
      const kernel = events.filter((e) => e.who === "kernel").map((e) => e.call);
      expect(kernel[0]).toMatch(/^call \d+ of \d+: UNMAP_DMA iova=/);
      expect(kernel.at(-1)).toMatch(/^call \d+ of \d+: MAP_DMA iova=/);
    }
    expect(report.violations.length).toBeGreaterThan(0);
  });

  it("keeps the ioctls that still run a step when it is made smaller", () => {
    const file = parseScript(`hitless-edit-script 1 vtd-ss-39
      domain 1 root=0x100000000
      table 0x100000000[0] = 0x100001003
      table 0x100001000[0] = 0x100002003
      table 0x100002000[5] = 0x1000005003
      map old iova=0x5000 size=0x1000 frame=0x1000005000
      map new iova=0x5000 size=0x1000 frame=0x1000005000
      ioctl MAP_DMA another
      barrier
      ioctl UNMAP_DMA
      store 0x100002000[5] = 0
      barrier
      invalidate iova=0x5000 size=0x1000
      wait drain
      ioctl MAP_DMA
      store 0x100002000[5] = 0x1000005003
      barrier`);
    const { file: shrunk } = shrinkScript(file, "V01", { mode: "weak" }, { timeMs: 60_000, trials: 400 });
    expect(shrunk.ioctls).toEqual([{ label: "UNMAP_DMA", step: 1 }]);
    expect(printScript(shrunk)).toMatch(/\nioctl UNMAP_DMA\nstore 0x100002000\[5\] = 0x0+ u=1\n$/);
    expect(check(inputOf(shrunk)).findings).toMatchObject([{ class: "V01" }]);
  });
});

/** The first change that a kernel with a fault gets wrong in its scenario; undefined where there is none on ordinary hardware. */
function firstWrong(mutant: Mutant): DecidedChange | undefined {
  const { sequence, backing } = SCENARIOS.get(mutant.scenario)!;
  const how: CheckCase = { sequence, backing, format: mutant.format ?? "vtd-ss-48", seed: 1, mutant };
  const strategy = STRATEGIES.get(mutant.strategy ?? "set-map")!;
  for (const change of decideChanges(how, strategy, ["weak"], { cyclic: true }))
    if (change.findings.length > 0) return change;
  return undefined;
}

describe("a change that a broken kernel makes, saved as a script", () => {
  let saved = 0;
  it.each([...MUTANTS.values()])("shows the same again: $id, a kernel that $title", (mutant) => {
    const change = firstWrong(mutant);
    if (change === undefined) return;
    const { findings } = check(inputOf(parseScript(printScript(scriptFileOf(change)))));
    expect(findings.map((f) => [f.class, f.cause, f.ranges])).toEqual(
      change.findings.map((f) => [f.class, f.cause, f.ranges]),
    );
    saved++;
  });

  it("is looked at for most of the catalogue", () => {
    expect(saved).toBeGreaterThan(30);
  });
});
