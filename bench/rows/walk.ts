import { createEngine } from "../../src/engine/index.ts";
import { expectOutcome, type Row } from "../row.ts";
import { repeating } from "../sampling.ts";
import { buildWalkTables, DELTA_PAGES } from "../shapes.ts";

const WALKS = 1 << 16;

/** Random checked walks through four levels, one regions in eight a 2 MiB leaf, batched inside the engine. */
function walkRow(size: string, tableBytes: number): Row {
  return {
    group: "walk",
    yardstick: `walk ${tableBytes}`,
    figures: [
      {
        name: `checked walk, ${size} of tables`,
        unit: "ns/walk",
        yardstickAnswer: 0,
        goal: { kind: "ratio", atMost: 1.5 },
      },
    ],
    prepare() {
      const tablePages = tableBytes / 4096;
      const engine = createEngine({ tablePages, ramFrames: 1 << 20 });
      const { root, pages } = buildWalkTables(engine, tablePages);
      let seed = 1;
      let wrong = 0;
      const take = repeating(() => {
        const batch = engine.checkedWalks(root, pages, WALKS, DELTA_PAGES, seed);
        seed = batch.seed;
        wrong += batch.wrong;
      }, WALKS);
      return {
        sample() {
          const ns = take();
          expectOutcome(wrong === 0, `walk: ${wrong} walks ended in the wrong frame`);
          return [ns];
        },
      };
    },
  };
}

export const walkRows: readonly Row[] = [
  walkRow("64 KiB", 64 << 10),
  walkRow("4 MiB", 4 << 20),
  walkRow("64 MiB", 64 << 20),
  walkRow("512 MiB", 512 << 20),
];
