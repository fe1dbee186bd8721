import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  decideVerdict,
  EXIT_OF_VERDICT,
  formatBytes,
  formatShare,
  groupDigits,
  isBaseline,
  runHeading,
  runResultJsonSchema,
  toJson,
  toTerminal,
} from "../../src/report/index.ts";
import { cleanStrategy, faultyStrategy, result } from "./sample-result.ts";

describe("figures", () => {
  it("groups digits and never calls a rare thing nothing or everything", () => {
    expect([0, 999, 1000, 1234567].map(groupDigits)).toEqual(["0", "999", "1,000", "1,234,567"]);
    expect(formatShare(0, 10)).toBe("0.00%");
    expect(formatShare(1, 1_000_000)).toBe("<0.01%");
    expect(formatShare(1, 3)).toBe("33.33%");
    expect(formatShare(999_999, 1_000_000)).toBe(">99.99%");
    expect(formatShare(5, 5)).toBe("100.00%");
    expect([5, 4096, 3221225472].map(formatBytes)).toEqual(["5 B", "4.00 KiB", "3.00 GiB"]);
  });
});

describe("verdict", () => {
  it("leaves the baseline out in a run with other strategies", () => {
    expect(isBaseline("legacy", ["legacy", "set-map"])).toBe(true);
    expect(isBaseline("legacy", ["legacy"])).toBe(false);
    expect(isBaseline("set-map", ["legacy", "set-map"])).toBe(false);
    expect(decideVerdict([faultyStrategy("legacy"), cleanStrategy("set-map")])).toBe("clean");
  });

  it("is a violation when legacy is alone, and when any other strategy shows one", () => {
    expect(decideVerdict([faultyStrategy("legacy", true)])).toBe("violation");
    expect(decideVerdict([faultyStrategy("legacy"), faultyStrategy("set-map", true)])).toBe("violation");
  });

  it("is a violation when the tables lost kept memory although no device happened to look", () => {
    expect(decideVerdict([{ ...cleanStrategy("set-map"), keptBytesLost: 4096 }])).toBe("violation");
  });

  it("is inconclusive when a strategy was not seen through one pass", () => {
    expect(decideVerdict([cleanStrategy("set-map"), { ...cleanStrategy("legacy"), passes: 0 }])).toBe(
      "inconclusive",
    );
    expect(decideVerdict([{ ...cleanStrategy("set-map"), accesses: 0 }])).toBe("inconclusive");
    expect(decideVerdict([])).toBe("inconclusive");
  });

  it("has exit codes 0, 1 and 4", () => {
    expect(EXIT_OF_VERDICT).toEqual({ clean: 0, violation: 1, inconclusive: 4 });
  });
});

describe("terminal report", () => {
  const main = result([faultyStrategy("legacy"), cleanStrategy("set-map")]);

  it("prints tables, findings and verdict in words", () => {
    expect(`${runHeading(main)}\n\n${toTerminal(main)}`).toBe(
      readFileSync(new URL("main-job.expected.txt", import.meta.url), "utf8"),
    );
  });

  it("keeps every line within the width", () => {
    for (const width of [90, 80]) {
      const narrow = toTerminal(main, { width }).split("\n");
      expect(narrow.filter((line) => line.length > width && !line.startsWith("Next: "))).toEqual([]);
    }
  });

  it("marks what the checker predicts and no device has met", () => {
    const proved = {
      ...{ mode: "weak" as const, changes: 29, classes: 5, pages: 9, schedules: 100, elapsedMs: 1 },
      violations: [{ class: "V01", pages: 3, changes: 1 }],
    };
    const rowOf = (s: Parameters<typeof toTerminal>[0]["strategies"][number]): string =>
      /^ +kept-fault .*$/m.exec(toTerminal(result([s])))![0];
    expect(rowOf({ ...cleanStrategy("legacy"), proved })).toMatch(/ FORBIDDEN +predicted, not seen: a fault/);
    for (const s of [cleanStrategy("legacy"), { ...faultyStrategy("legacy"), proved }])
      expect(rowOf(s)).not.toContain("predicted");
  });

  it("quiet leaves findings and verdict", () => {
    const text = toTerminal(main, { quiet: true });
    expect(text).not.toContain("SAMPLES");
    expect(text).toContain("legacy: devices faulted 321 times on RAM that both maps contain");
    expect(text).toMatch(/Verdict: clean: set-map disturbed no device .*\n$/);
  });

  it("prints the line that replays a violation", () => {
    const bad = faultyStrategy("set-map", true);
    const text = toTerminal(result([bad], { verdict: "violation" }));
    expect(text).toContain("V01 in set-map at 0x62a0000: a read faulted although both maps contain the page");
    expect(text).toContain("Next: hitless stress pc-seabios-boot --strategy set-map --seed 7   # runs");
    expect(text).toMatch(/Verdict: violation: V01 in set-map\n$/);
  });

  it("says that a run was cut short", () => {
    const cut = { ...cleanStrategy("set-map"), passes: 0 };
    const text = toTerminal(result([cut], { verdict: "inconclusive", partial: true }));
    expect(text).toContain("Interrupted: the figures are those of the run so far.");
    expect(text).toContain("Devices did not see one whole pass.");
    expect(text).toMatch(/Verdict: inconclusive: .*\n$/);
  });
});

describe("JSON report", () => {
  it("carries the fields of the published schema and survives a round trip", () => {
    const run = result([faultyStrategy("legacy"), cleanStrategy("set-map")]);
    expect(JSON.parse(toJson(run))).toEqual(run);
  });

  it("refuses a result that breaks the schema", () => {
    const run = result([{ ...cleanStrategy("set-map"), ioctls: -1 }]);
    expect(() => toJson(run)).toThrow(/ioctls/);
  });

  it("has a published JSON Schema that is current (npm run build && node scripts/write-schema.mjs)", () => {
    const published = readFileSync(new URL("../../docs/schema/run-result.json", import.meta.url), "utf8");
    expect(JSON.parse(published)).toEqual(JSON.parse(JSON.stringify(runResultJsonSchema())));
  });
});
