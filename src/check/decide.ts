import { CACHE_ATC, CACHES_ALL } from "../edit-script/index.ts";
import { type Coverage, coverages } from "./coverage.ts";
import { DECODERS } from "./decoder.ts";
import type { Ranges } from "./entry-facts.ts";
import type { Decoder } from "./entry-kind.ts";
import type { FactSink } from "./facts.ts";
import { FrameDrops } from "./frame-drops.ts";
import { Geometry } from "./geometry.ts";
import { type CheckInput, CheckInputError, type MemoryMode } from "./input.ts";
import { Interest, joined, type PageRange } from "./interest.ts";
import { JointMap } from "./joint-map.ts";
import { Judge, type RawViolation } from "./judge.ts";
import { OverlapSink } from "./overlap.ts";
import { NEVER } from "./positions.ts";
import { ScriptLog } from "./script-log.ts";
import { VersionReader } from "./versions.ts";
import { type RootVersion, WalkReach } from "./walk-reach.ts";

/** How to decide; all given. */
export interface DecideOptions {
  readonly mode: MemoryMode;
  readonly collapse: boolean;
  readonly skipUntouched: boolean;
  readonly journalRules: boolean;
  /** Look at these pages of this domain only. */
  readonly only: { readonly domain: number; readonly start: number; readonly end: number } | null;
}

/** What was looked at. */
export interface Effort {
  histories: number;
  pages: number;
}

/** A script read and ready to be decided, perhaps several times. */
export class Decision {
  readonly input: CheckInput;
  readonly log: ScriptLog;
  readonly geometry: Geometry;
  readonly decoder: Decoder;
  readonly maps: JointMap;
  readonly drops: FrameDrops;
  readonly effort: Effort = { histories: 0, pages: 0 };
  readonly interests = new Map<number, Interest>();
  readonly #ranges = new Map<number, readonly PageRange[]>();

  /** Errors: CheckInputError when no decoder knows the format or a map leaves the IOVA space. */
  constructor(input: CheckInput, log = new ScriptLog(input.script)) {
    const { capability } = input;
    const factory = DECODERS.get(capability.format);
    if (factory === undefined)
      throw new CheckInputError(`format ${capability.format} of ${capability.name} has no decoder`);
    this.input = input;
    this.log = log;
    this.geometry = new Geometry(capability);
    this.decoder = factory(capability);
    this.maps = new JointMap(input.oldMap, input.newMap);
    this.drops = new FrameDrops(log.unpins, input.pins ?? null, this.maps, input.newMap);
  }

  /** Violations that walks and caches can show. */
  violations(options: DecideOptions): RawViolation[] {
    const found: RawViolation[] = [];
    for (const domain of this.input.domains) {
      if (options.only !== null && options.only.domain !== domain.id) continue;
      const judge = new Judge(this.maps, this.drops, this.log.windows, this.log.steps, domain.id);
      const sink = new OverlapSink(judge, this.maps, this.input.capability);
      this.walk(domain.id, options, sink, (coverage) => {
        judge.coverage = coverage;
      });
      if (options.only === null) this.#keptFrames(judge);
      for (const violation of judge.violations) found.push(violation);
    }
    return found;
  }

  /** Frames that lose their last pin although a page nobody touches keeps them reachable. */
  #keptFrames(judge: Judge): void {
    if (this.drops.isEmpty) return;
    const known = joined(
      judge.violations.filter((v) => v.class === "V06"),
      Infinity,
    );
    for (let piece = 0; piece + 1 < this.maps.length; piece++) {
      if (!this.maps.isKept(piece)) continue;
      const first = this.maps.start(piece);
      const frame = this.maps.oldFrames[piece]!;
      this.drops.each(frame, frame + this.maps.end(piece) - first, (from, to, step) => {
        const page = first + from - frame;
        if (known.some((r) => r.start <= page && page < r.end)) return;
        judge.unpinned(page, first + to - frame, step);
      });
    }
  }

  /** Tables that walks of one page can pass through. */
  tablesOn(page: NonNullable<DecideOptions["only"]>, options: DecideOptions): Set<number> {
    const tables = new Set<number>();
    const nothing = (): void => {};
    const sink: FactSink = {
      leaf: nothing,
      fault: nothing,
      subtree: nothing,
      pointer: nothing,
      badEntry: nothing,
      open: nothing,
      close: () => true,
    };
    const how = { ...options, only: page, skipUntouched: false };
    this.walk(page.domain, how, sink, nothing, (table) => tables.add(table));
    return tables;
  }

  /** Feeds a sink with every fact of one domain. */
  walk(
    id: number,
    options: DecideOptions,
    sink: FactSink,
    enter: (coverage: Coverage) => void,
    visit: (table: number) => void = () => {},
  ): void {
    const { capability, deviceCaches } = this.input;
    const roots = this.rootsOf(id);
    const levels = Math.max(...roots.map((r) => r.levels));
    const end = this.geometry.tableSpan(levels - 1);
    const mapped = this.maps.start(this.maps.length - 1);
    if (mapped > end)
      throw new CheckInputError(
        `a map reaches page 0x${(mapped - 1).toString(16)}, past the tables of domain ${id}`,
      );
    const ranges = options.only === null ? this.#rangesOf(id) : [options.only];
    const near = options.only === null ? this.interests.get(id)! : null;
    const hasAtc = ((deviceCaches ?? CACHES_ALL) & CACHE_ATC) !== 0;
    const reach = new WalkReach(
      {
        log: this.log,
        capability,
        geometry: this.geometry,
        decoder: this.decoder,
        versions: new VersionReader(this.log, this.decoder, options.mode, capability.coherentWalk),
        tables: this.input.tables,
        collapse: options.collapse,
        skipUntouched: options.skipUntouched,
        journalRules: options.journalRules,
        visit,
        untouchedUntil: (start, until) => near?.untouchedUntil(start, until) ?? 0,
      },
      sink,
    );
    const stretches = coverages(this.log, id, end, hasAtc, capability.invalidateCoversLeaf);
    let next = 0;
    for (const coverage of stretches) {
      enter(coverage);
      while (next < ranges.length && ranges[next]!.end <= coverage.start) next++;
      const inside = clipped(ranges, next, coverage);
      if (inside.starts.length === 0) continue;
      for (let r = 0; r < inside.starts.length; r++) this.effort.pages += inside.ends[r]! - inside.starts[r]!;
      reach.run(coverage, inside, roots);
    }
    this.effort.histories += reach.histories;
  }

  /** Pages of a domain that have to be looked at. */
  #rangesOf(id: number): readonly PageRange[] {
    const { domains, tables } = this.input;
    if (this.interests.size === 0) {
      const wanted = new Set<number>();
      for (const log of this.log.logs()) if (log.life === 0) wanted.add(log.table);
      for (const domain of domains) {
        const interest = new Interest(this.log, this.geometry, this.decoder, tables, wanted);
        this.interests.set(domain.id, interest);
        interest.locateNear(domain.id, domain.root, domain.levels, this.maps);
      }
      for (const domain of domains)
        this.interests.get(domain.id)!.locateEverywhere(domain.root, domain.levels);
    }
    let ranges = this.#ranges.get(id);
    if (ranges === undefined) {
      const { levels } = domains.find((d) => d.id === id)!;
      this.#ranges.set(id, (ranges = this.interests.get(id)!.ranges(levels, this.maps)));
    }
    return ranges;
  }

  /** Versions of a domain's root pointer. */
  rootsOf(id: number): RootVersion[] {
    const { root, levels } = this.input.domains.find((d) => d.id === id)!;
    const versions: RootVersion[] = [{ table: root, levels, step: 0, until: NEVER }];
    for (const switched of this.log.roots) {
      if (switched.domain !== id) continue;
      const last = versions[versions.length - 1]!;
      versions[versions.length - 1] = { ...last, until: switched.step };
      versions.push({ table: switched.root, levels: switched.levels, step: switched.step, until: NEVER });
    }
    return versions;
  }
}

function clipped(ranges: readonly PageRange[], from: number, coverage: Coverage): Ranges {
  const starts: number[] = [];
  const ends: number[] = [];
  for (let i = from; i < ranges.length && ranges[i]!.start < coverage.end; i++) {
    starts.push(Math.max(ranges[i]!.start, coverage.start));
    ends.push(Math.min(ranges[i]!.end, coverage.end));
  }
  return { starts, ends };
}
