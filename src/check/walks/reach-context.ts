import type { Decoder } from "../entries/entry-kind.ts";
import type { CheckedCapability, Geometry } from "../entries/geometry.ts";
import type { VersionReader } from "../entries/versions.ts";
import type { TablesBefore } from "../input.ts";
import type { ScriptLog } from "../script/script-log.ts";
import type { Lingering } from "./lingering.ts";
import type { TablePlaces } from "./table-places.ts";

/** Everything the analysis of one domain reads. */
export interface ReachContext {
  readonly log: ScriptLog;
  readonly capability: CheckedCapability;
  readonly geometry: Geometry;
  readonly decoder: Decoder;
  readonly versions: VersionReader;
  readonly lingering: Lingering;
  readonly tables: TablesBefore;
  readonly collapse: boolean;
  readonly skipUntouched: boolean;
  /** Report values that a missing barrier keeps readable in a table linked later, instead of walking into them. */
  readonly journalRules: boolean;
  /** Let the sink accept entries without their facts. */
  readonly acceptPlain: boolean;
  /** Called with each table that a walk can pass through, and its level. */
  visit(table: number, level: number): void;
  readonly places: TablePlaces;
  /** A tag may be left behind, and what devices keep in caches of their own goes on without it. */
  readonly leavesTags: boolean;
  /** Until when no table in this range of pages is written or freed, as the tables were before the script. */
  untouchedUntil(start: number, end: number): number;
}
