import * as caches from "./faults-of-caches.ts";
import * as invalidations from "./faults-of-invalidations.ts";
import * as pins from "./faults-of-pins.ts";
import * as stores from "./faults-of-stores.ts";
import * as switches from "./faults-of-switches.ts";
import * as tables from "./faults-of-tables.ts";
import * as waits from "./faults-of-waits.ts";
import * as words from "./faults-of-words.ts";
import type { Fault } from "./planted.ts";

/** Every kind of fault, by name. */
export const FAULTS: ReadonlyMap<string, Fault> = new Map(
  [caches, invalidations, pins, stores, switches, tables, waits, words].flatMap((kinds) =>
    Object.entries<Fault>(kinds),
  ),
);
