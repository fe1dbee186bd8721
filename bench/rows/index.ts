import type { Row } from "../row.ts";
import { checkRows } from "./check.ts";
import { recordedCallsRow } from "./check-calls.ts";
import { dirtyCheckRows } from "./check-dirty.ts";
import { orderCheckRows } from "./check-orders.ts";
import { ownTablesCheckRows } from "./check-own-tables.ts";
import { scatteredCheckRows } from "./check-scattered.ts";
import { sparseCheckRows } from "./check-sparse.ts";
import { wrongCheckRows } from "./check-wrong.ts";
import { deviceRows } from "./device.ts";
import { mapRow } from "./map.ts";
import { memoryRows } from "./memory.ts";
import { readRecordingRow } from "./read-recording.ts";
import { setMapRows } from "./set-map.ts";
import { splitRow } from "./split.ts";
import { storeRow } from "./store.ts";
import { threadsRow } from "./threads.ts";
import { walkRows } from "./walk.ts";

/** Every row, in the order of the printed table. */
export const allRows = (): Row[] => [
  ...walkRows,
  mapRow,
  splitRow,
  storeRow,
  threadsRow,
  ...setMapRows,
  ...checkRows,
  ...scatteredCheckRows,
  ...orderCheckRows,
  ...wrongCheckRows,
  ...dirtyCheckRows,
  readRecordingRow,
  recordedCallsRow,
  ...sparseCheckRows,
  ...ownTablesCheckRows,
  ...deviceRows,
  ...memoryRows,
];
