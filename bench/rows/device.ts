import {
  BARE_DEVICE,
  configureDevice,
  OUTCOMES,
  publishMap,
  publishPattern,
  readResult,
  runAlone,
} from "../../src/device/index.ts";
import { createEngine } from "../../src/engine/index.ts";
import { iovaPfn, pfn, READ, WRITE } from "../../src/units/index.ts";
import { expectOutcome, type Row } from "../row.ts";
import { repeating } from "../sampling.ts";
import { buildWalkTables, DELTA_PAGES } from "../shapes.ts";

const ACCESSES = 1 << 16;
const DEVICE = 0;
const LEVELS = 4;

/** One device without caches: every access picks a page, walks four levels, performs DMA on the frame and is judged. */
function deviceRow(size: string, tablePages: number): Row {
  return {
    group: "device",
    yardstick: null,
    figures: [
      {
        name: `judged accesses of one device, no caches, ${size} of tables`,
        unit: "M/s",
        yardstickAnswer: null,
        goal: { kind: "value", atLeast: 10 },
      },
    ],
    prepare() {
      const engine = createEngine({ tablePages: tablePages + 16, ramFrames: 1 << 25 });
      const { root, pages } = buildWalkTables(engine, tablePages);
      engine.pinFrames(pfn(DELTA_PAGES), pages);
      engine.setContext(DEVICE, { domain: 1, root, levels: LEVELS });
      publishMap(engine, 0, [
        { iovaPfn: iovaPfn(0), pages, rights: READ | WRITE, frames: { base: pfn(DELTA_PAGES) } },
      ]);
      publishPattern(engine, [{ iovaPfn: iovaPfn(0), pages, weight: 1 }]);
      configureDevice(engine, DEVICE, BARE_DEVICE);
      const take = repeating(() => runAlone(engine, DEVICE, ACCESSES), ACCESSES);
      return {
        sample() {
          const ns = take();
          const { accesses, outcomes, statistics } = readResult(engine, DEVICE);
          const kept = OUTCOMES.filter((o) => o.grade === "ACCEPTABLE").reduce(
            (sum, o) => sum + outcomes[o.id],
            0,
          );
          expectOutcome(
            accesses === ACCESSES && kept === accesses && statistics.faults === 0,
            `device: ${kept} of ${accesses} accesses were as they must be`,
          );
          return [1000 / ns];
        },
      };
    },
  };
}

export const deviceRows: readonly Row[] = [
  deviceRow("64 KiB", 16),
  deviceRow("4 MiB", 1024),
  deviceRow("64 MiB", 16384),
];
