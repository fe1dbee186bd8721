import type { DecideOptions, Decision } from "./decide.ts";
import type { InterleavingEvent } from "./finding.ts";
import type { Group } from "./groups.ts";

export function explain(_decision: Decision, _group: Group, _how: DecideOptions): InterleavingEvent[] {
  return [];
}
