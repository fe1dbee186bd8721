import { EditScript } from "../../src/edit-script/index.ts";
import { createEngine, type Engine, RAM_BASE_PFN, TABLE_WINDOW_PFN } from "../../src/engine/index.ts";
import { iovaPfn, type Pfn, pfn } from "../../src/units/index.ts";

/**
 * A machine with three-level tables made by hand: root, one level-1 table under its entry 0, and a level-0 table under
 * entry 0 of that, so that pages 0 to 511 are small and the rest is for each test to fill.
 */
export const ROOT = TABLE_WINDOW_PFN;
export const MIDDLE = pfn(TABLE_WINDOW_PFN + 1);
export const LOW = pfn(TABLE_WINDOW_PFN + 2);
export const SPARE = pfn(TABLE_WINDOW_PFN + 3);
export const DOMAIN = 7;
/** Frames that differ in the low and in the high half of an entry. */
export const FRAME_A = pfn(RAM_BASE_PFN + 0x200);
export const FRAME_B = pfn(RAM_BASE_PFN + 0x10_0400);
export const PAGE = iovaPfn(5);
export const READ_WRITE = 3;

export const link = (table: number): bigint => (BigInt(table) << 12n) | 3n;
export const small = (frame: number, rights = READ_WRITE): bigint => (BigInt(frame) << 12n) | BigInt(rights);
export const large = (frame: number, rights = READ_WRITE): bigint => small(frame, rights) | 0x80n;

export function machine(): Engine {
  const engine = createEngine({ tablePages: 16, ramFrames: 1 << 21 });
  for (const table of [ROOT, MIDDLE, LOW, SPARE]) engine.claimTable(table);
  put(engine, ROOT, 0, link(MIDDLE));
  put(engine, MIDDLE, 0, link(LOW));
  engine.setContext(0, { domain: DOMAIN, root: ROOT, levels: 3 });
  engine.pinFrames(FRAME_A, 512);
  engine.pinFrames(FRAME_B, 512);
  return engine;
}

export function put(engine: Engine, table: Pfn, index: number, entry: bigint): void {
  const script = new EditScript();
  script.push({ op: "store", update: script.newUpdate(), table, index, entry });
  engine.execute(script.words);
}
