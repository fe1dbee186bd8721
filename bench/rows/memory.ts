import { runChild } from "../child.ts";
import type { Row } from "../row.ts";

/** What bench/memory-child prints. */
interface MemoryResult {
  readonly mapSeconds: number;
  readonly unmapSeconds: number;
  readonly peakGiB: number;
}

/** One huge map in a process of its own: how long it takes, and the most memory that process ever had. */
function memoryRow(name: string, kind: string, gib: number): Row {
  const noTimeGoal = {
    kind: "none",
    why: "it is stated for its size alone",
  } as const;
  return {
    group: "memory",
    yardstick: null,
    rounds: 1,
    figures: [
      { name: `${name}: one set-map`, unit: "s", yardstickAnswer: null, goal: noTimeGoal },
      { name: `${name}: set-map to nothing`, unit: "s", yardstickAnswer: null, goal: noTimeGoal },
      {
        name: `${name}: peak memory`,
        unit: "GiB",
        yardstickAnswer: null,
        goal: { kind: "value", atMost: 8 },
      },
    ],
    prepare: () => ({
      sample() {
        const output = runChild("memory-child", [kind, String(gib)]);
        const { mapSeconds, unmapSeconds, peakGiB } = JSON.parse(output) as MemoryResult;
        return [mapSeconds, unmapSeconds, peakGiB];
      },
    }),
  };
}

export const memoryRows: readonly Row[] = [
  memoryRow("1 TiB in 1 GiB leaves", "huge1g", 1024),
  memoryRow("64 GiB in scattered 4 KiB leaves", "scattered", 64),
];
