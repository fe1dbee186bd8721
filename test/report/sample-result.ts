import {
  isBaseline,
  RUN_RESULT_SCHEMA_ID,
  type RunResult,
  type StrategyResult,
} from "../../src/report/index.ts";

const quiet: StrategyResult["outcomes"] = [
  {
    id: "kept",
    grade: "ACCEPTABLE",
    class: null,
    samples: 12_345_678,
    description: "both maps agree and so did the access",
  },
  {
    id: "kept-fault",
    grade: "FORBIDDEN",
    class: "V01",
    samples: 0,
    description: "a fault on memory that the map before and the map after both contain",
  },
];

export const cleanStrategy = (name: string): StrategyResult => ({
  name,
  baseline: false,
  changes: 29,
  passes: 7,
  ioctls: 29,
  entryStores: 96,
  invalidations: 14,
  pagesPinned: 148,
  pagesUnpinned: 148,
  keptBytesLost: 0,
  accesses: 12_345_678,
  elapsedMs: 4123.4,
  outcomes: quiet,
  violations: [],
});

export const faultyStrategy = (name: string, alone = false): StrategyResult => ({
  ...cleanStrategy(name),
  baseline: !alone && isBaseline(name, [name, "set-map"]),
  ioctls: 236,
  entryStores: 65_536,
  keptBytesLost: 32_212_254_720,
  outcomes: [quiet[0]!, { ...quiet[1]!, samples: 321 }],
  violations: [
    {
      class: "V01",
      iova: "0x62a0000",
      samples: 321,
      detail: "a read faulted although both maps contain the page",
      replay: `hitless stress pc-seabios-boot --strategy ${name} --seed 7`,
    },
  ],
});

export const result = (strategies: StrategyResult[], over: Partial<RunResult> = {}): RunResult => ({
  schema: RUN_RESULT_SCHEMA_ID,
  command: "stress",
  verdict: "clean",
  seed: 7,
  format: "vtd-ss-48",
  backing: "thp",
  input: "pc-seabios-boot",
  maps: 30,
  devices: 2,
  inject: null,
  partial: false,
  host: { node: "v20.20.2", cpus: 2 },
  strategies,
  violations: strategies
    .filter((s) => !s.baseline)
    .flatMap((s) => s.violations.map((v) => ({ ...v, strategy: s.name }))),
  ...over,
});
