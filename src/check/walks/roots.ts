import { CACHE_CONTEXT, type ScriptDomain } from "../../edit-script/index.ts";
import type { CheckedCapability } from "../entries/geometry.ts";
import type { MemoryMode } from "../input.ts";
import { firstAtOrAfter, NEVER } from "../script/positions.ts";
import type { ScriptLog } from "../script/script-log.ts";

/** One value of an address space's context entry. */
export interface RootVersion {
  readonly table: number;
  readonly levels: number;
  /** Tag of what is cached through it. */
  readonly tag: number;
  /** Step that stores it, 0 for what was there before, and the logical update that step belongs to. */
  readonly step: number;
  readonly update: number;
  /** Step that overwrites it, or NEVER. */
  readonly until: number;
  /** Walks can begin with it at positions [step, beginsUntil): as long as it can be loaded, or is cached. */
  readonly beginsUntil: number;
  /** It says what the one says that stays: a root may come back. */
  readonly isCurrent: boolean;
}

/** The versions of an address space's context entry, in the order of their stores; the last one stays in force. */
export function rootVersions(
  log: ScriptLog,
  { id, root, levels }: ScriptDomain,
  capability: CheckedCapability,
  mode: MemoryMode,
): RootVersion[] {
  const versions: RootVersion[] = [];
  let version: RootVersion = {
    table: root,
    levels,
    tag: id,
    step: 0,
    update: 0,
    until: NEVER,
    beginsUntil: NEVER,
    isCurrent: true,
  };
  for (const { domain, root: table, levels: depth, tag, step, update } of log.roots) {
    if (domain !== version.tag) continue;
    // What says the same again changes nothing.
    if (table === version.table && depth === version.levels && tag === version.tag) continue;
    const readableUntil = mode === "strong" ? step : firstAtOrAfter(log.barriers, step + 1);
    const beginsUntil = capability.cachesContext
      ? contextGone(log, version.tag, readableUntil)
      : readableUntil;
    versions.push({
      ...version,
      until: step,
      beginsUntil,
    });
    version = { ...version, table, levels: depth, tag, step, update };
  }
  const last = version;
  const isLike = (own: RootVersion): boolean =>
    own.table === last.table && own.levels === last.levels && own.tag === last.tag;
  return [...versions.map((own) => ({ ...own, isCurrent: isLike(own) })), last];
}

/**
 * Position at which no device caches the context any more, if it could be loaded until `readableUntil`. Hardware may carry
 * out in any order what one wait completes: until then accesses can begin with it and fill other caches.
 */
function contextGone(log: ScriptLog, tag: number, readableUntil: number): number {
  const { invalidations } = log;
  for (let at = 0; at < invalidations.length; at++)
    if (
      invalidations.domains[at] === tag &&
      invalidations.caches(at) & CACHE_CONTEXT &&
      invalidations.step(at) >= readableUntil
    )
      return invalidations.completes(at);
  return NEVER;
}

/** The versions that share a tag, and so what is cached: those of one tag, in order of its first use. */
export function byTag(versions: readonly RootVersion[]): RootVersion[][] {
  const tags = new Map<number, RootVersion[]>();
  for (const version of versions) {
    const own = tags.get(version.tag);
    if (own === undefined) tags.set(version.tag, [version]);
    else own.push(version);
  }
  return [...tags.values()];
}

/** True iff no access that begins after the call can use what is cached under the tag of these versions. */
export const isRetired = (versions: readonly RootVersion[]): boolean =>
  versions.every((version) => version.beginsUntil !== NEVER);

/** The context entry that stays, of an address space named by its first tag. */
export function lastRoot(log: ScriptLog, domain: ScriptDomain): ScriptDomain {
  let { id: tag, root, levels } = domain;
  for (const step of log.roots)
    if (step.domain === tag) {
      tag = step.tag;
      root = step.root;
      levels = step.levels;
    }
  return { id: tag, root, levels };
}
