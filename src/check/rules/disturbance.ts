import { OP } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";

/**
 * Live stores to entries below which no page changes (V18): legal, but every one of them makes caches drop, or walkers
 * miss, what nobody asked to touch. A metric, no violation.
 */
export function unneededStores(decision: Decision): number {
  const { log, maps, geometry } = decision;
  if (maps.isAllChanged) return 0;
  const changes = (start: number, end: number): boolean => {
    for (let piece = maps.find(start), page = start; page < end; page = maps.end(piece++))
      if (maps.isChanged(piece)) return true;
    return false;
  };
  let count = 0;
  for (const interest of decision.interests.values())
    for (const { log: own, level, base } of interest.located) {
      const span = geometry.span(level);
      for (let k = 0; k < own.writes; k++) {
        const op = log.words[own.record(k)]! & 0xff;
        if (op === OP.fill || op === OP.gather) continue;
        const index = own.index(k);
        const entries = Math.min(own.count(k), geometry.entries - index);
        const start = base + index * span;
        const end = start + entries * span;
        const piece = maps.find(start);
        if (maps.isChanged(piece) && maps.end(piece) >= end) continue;
        for (let i = 0; i < entries; i++) if (!changes(start + i * span, start + (i + 1) * span)) count++;
      }
    }
  return count;
}
