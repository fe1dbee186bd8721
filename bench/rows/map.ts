import { EditScript } from "../../src/edit-script/index.ts";
import { createEngine } from "../../src/engine/index.ts";
import { iovaPfn } from "../../src/units/index.ts";
import { expectOutcome, type Row } from "../row.ts";
import { phases } from "../sampling.ts";
import {
  DELTA_PAGES,
  ENTRIES,
  entryHigh,
  entryLow,
  fillAbsent,
  fillRising,
  holdsRising,
  PAGE_STRIDE,
  TableSupply,
} from "../shapes.ts";

/**
 * 1 GiB in 4 KiB leaves: 512 tables and the one above them built aside, linked with one store; then detached with one
 * store and the 513 tables freed. The engine executes ready scripts: what planning adds shows in the set-map rows.
 */
export const mapRow: Row = {
  group: "map",
  yardstick: "map",
  figures: [
    {
      name: "1 GiB in 4 KiB leaves, built aside and linked",
      unit: "ns/PTE",
      yardstickAnswer: 0,
      goal: { kind: "ratio", atMost: 1.7 },
    },
    {
      name: "the same, detached and freed",
      unit: "ns/PTE",
      yardstickAnswer: 1,
      goal: { kind: "ratio", atMost: 1.4 },
    },
  ],
  prepare() {
    const engine = createEngine({ tablePages: 1024, ramFrames: 1 << 20 });
    const supply = new TableSupply(engine);
    const root = supply.take();
    const top = supply.take();
    const children = Array.from({ length: ENTRIES }, () => supply.take());
    const start = new EditScript();
    fillAbsent(start, root);
    start.barrier();
    engine.execute(start.words);

    const build = new EditScript();
    for (const [i, table] of children.entries()) fillRising(build, table, i * ENTRIES + DELTA_PAGES);
    const firstChild = children[0]!;
    build.fill(
      build.newUpdate(),
      top,
      0,
      ENTRIES,
      entryLow(firstChild),
      entryHigh(firstChild),
      PAGE_STRIDE,
      0,
    );
    build.barrier();
    build.store(build.newUpdate(), root, 0, entryLow(top), entryHigh(top));
    const detach = new EditScript();
    detach.store(detach.newUpdate(), root, 0, 0, 0);
    for (const table of [...children, top]) detach.freeTable(table);

    const take = phases(
      [
        () => {
          for (const table of children) engine.claimTable(table);
          engine.claimTable(top);
          engine.execute(build.words);
        },
        () => engine.execute(detach.words),
      ],
      ENTRIES * ENTRIES,
      (phase) => {
        if (phase === 0)
          for (const [i, table] of children.entries())
            expectOutcome(holdsRising(engine, table, i * ENTRIES + DELTA_PAGES), `map: table ${i} is wrong`);
        const reachable = engine.walk(root, 3, iovaPfn(0))?.pfn === DELTA_PAGES;
        expectOutcome(
          reachable === (phase === 0),
          `map: the gigabyte is ${reachable ? "still" : "not"} linked`,
        );
        expectOutcome(
          engine.counters.tablesFreed === (phase === 0 ? 0 : children.length + 1),
          `map: ${engine.counters.tablesFreed} tables freed`,
        );
        if (phase === 1) engine.resetCounters();
      },
    );
    return { sample: take };
  },
};
