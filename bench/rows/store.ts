import { EditScript } from "../../src/edit-script/index.ts";
import { createEngine } from "../../src/engine/index.ts";
import { expectOutcome, type Row } from "../row.ts";
import { repeating } from "../sampling.ts";
import {
  DELTA_PAGES,
  ENTRIES,
  entryHigh,
  entryLow,
  holdsRising,
  PAGE_STRIDE,
  TableSupply,
} from "../shapes.ts";

/** 1 GiB of live 4 KiB leaves overwritten one by one, to and fro between two runs of frames. */
export const storeRow: Row = {
  group: "store",
  yardstick: "store",
  figures: [
    {
      name: "live 4 KiB stores, against seq-cst C",
      unit: "ns/store",
      yardstickAnswer: 0,
      goal: { kind: "ratio", atMost: 1.2 },
    },
    {
      name: "the same, against release C",
      unit: "ns/store",
      yardstickAnswer: 1,
      goal: {
        kind: "none",
        why: "WebAssembly has no release store; every atomic store is sequentially consistent",
      },
    },
  ],
  prepare() {
    const engine = createEngine({ tablePages: 1024, ramFrames: 1 << 20 });
    const supply = new TableSupply(engine);
    const tables = Array.from({ length: ENTRIES }, () => supply.take());
    const scripts = [DELTA_PAGES, 2 * DELTA_PAGES].map((delta) => {
      const script = new EditScript();
      for (const [t, table] of tables.entries()) {
        const frame = t * ENTRIES + delta;
        script.storeRun(
          script.newUpdate(),
          table,
          0,
          ENTRIES,
          entryLow(frame),
          entryHigh(frame),
          PAGE_STRIDE,
          0,
        );
      }
      return script.words;
    });
    let generation = 0;
    const take = repeating(() => engine.execute(scripts[++generation & 1]!), ENTRIES * ENTRIES);
    return {
      sample() {
        const before = generation;
        engine.resetCounters();
        const ns = take();
        const delta = generation & 1 ? 2 * DELTA_PAGES : DELTA_PAGES;
        for (const [t, table] of tables.entries())
          expectOutcome(holdsRising(engine, table, t * ENTRIES + delta), `store: table ${t} is wrong`);
        expectOutcome(
          engine.counters.entryStores === (generation - before) * ENTRIES * ENTRIES,
          `store: ${engine.counters.entryStores} stores counted`,
        );
        return [ns, ns];
      },
    };
  },
};
