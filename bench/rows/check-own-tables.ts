import { check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";
import { expectOutcome, type Row } from "../row.ts";
import { repeating } from "../sampling.ts";
import { grouped } from "./check-scattered.ts";

const ENTRIES = 512;
const PAGE_BYTES = 4096;
const TABLE_SPAN = ENTRIES * PAGE_BYTES;
const [ROOT, ABOVE, DIRECTORIES, TABLES] = [0x1_0000_0000, 0x1_0001_0000, 0x1_0010_0000, 0x2_0000_0000];
const [OLD, NEW] = [0x10_0000_0000, 0x20_0000_0000];
const PAGES = 60_000;

const hex = (value: number): string => `0x${value.toString(16)}`;
const entry = (address: number): string => hex(address + 3);

/** What is written for one page of 2 MiB, the only one in its table: the state before, the maps, and the steps. */
type PageText = (place: {
  readonly at: string;
  readonly slot: string;
  readonly table: number;
  readonly old: number;
  readonly new: number;
}) => { readonly before?: string; readonly maps: string; readonly steps: string };

/** Each page gets another frame. */
const remapped: PageText = ({ at, slot, table, old, new: next }) => ({
  before: `table ${slot} = ${entry(table)}\ntable ${hex(table)}[0] = ${entry(old)}`,
  maps: `map old ${at} frame=${hex(old)}\nmap new ${at} frame=${hex(next)}`,
  steps: `store ${hex(table)}[0] = ${entry(next)}\nbarrier\ninvalidate scope=leaf ${at}\nwait drain\nunpin ${hex(old)} size=4K`,
});

/** Each page comes in a table that is filled and linked. */
const mapped: PageText = ({ at, slot, table, new: next }) => ({
  maps: `map new ${at} frame=${hex(next)}`,
  steps: `fill ${hex(table)}[0] = ${entry(next)}\nbarrier\nstore ${slot} = ${entry(table)}\nbarrier`,
});

function ownTablesRow(name: string, storesOfPage: number, text: PageText): Row {
  return {
    group: "check",
    yardstick: null,
    isApart: true,
    figures: [
      {
        name,
        unit: "M stores/s",
        yardstickAnswer: null,
        goal: {
          kind: "none",
          why: "one or two stores a table: to look up a table costs more than to decide its entry",
        },
      },
    ],
    prepare() {
      const head = ["hitless-edit-script 1 vtd-ss-48", `domain 1 root=${hex(ROOT)}`];
      head.push(`table ${hex(ROOT)}[0] = ${entry(ABOVE)}`);
      for (let d = 0; d * ENTRIES < PAGES; d++)
        head.push(`table ${hex(ABOVE)}[${d}] = ${entry(DIRECTORIES + d * PAGE_BYTES)}`);
      const texts = Array.from({ length: PAGES }, (_, i) =>
        text({
          at: `iova=${hex(i * TABLE_SPAN)} size=4K`,
          slot: `${hex(DIRECTORIES + Math.floor(i / ENTRIES) * PAGE_BYTES)}[${i % ENTRIES}]`,
          table: TABLES + i * PAGE_BYTES,
          old: OLD + 2 * i * PAGE_BYTES,
          new: NEW + 2 * i * PAGE_BYTES,
        }),
      );
      const lines = [...head, ...texts.map(({ before = "", maps }) => `${before}\n${maps}`)];
      const input = inputOf(parseScript([...lines, ...texts.map(({ steps }) => steps)].join("\n")));
      let findings = 0;
      let stores = 0;
      const take = repeating(() => {
        const result = check(input);
        findings += result.findings.length;
        stores = result.stats.stores;
      }, 1);
      return {
        sample() {
          const ns = take();
          expectOutcome(findings === 0, `check: ${findings} findings in a recording that is right`);
          expectOutcome(stores === storesOfPage * PAGES, `check: looked at ${stores} stores`);
          return [(stores / ns) * 1000];
        },
      };
    },
  };
}

export const ownTablesCheckRows: readonly Row[] = [
  ownTablesRow(`decide ${grouped(PAGES)} pages mapped, each in a table of its own`, 2, mapped),
  ownTablesRow(`decide ${grouped(PAGES)} pages remapped one by one, each in a table of its own`, 1, remapped),
];
