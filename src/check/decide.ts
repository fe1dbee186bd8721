import { CACHE_ATC, CACHES_ALL } from "../edit-script/index.ts";
import { type Coverage, coverages } from "./coverage.ts";
import { DECODERS } from "./decoder.ts";
import type { Ranges } from "./entry-facts.ts";
import { type Decoder, TABLE } from "./entry-kind.ts";
import type { FactSink } from "./facts.ts";
import { FrameDrops } from "./frame-drops.ts";
import { Geometry } from "./geometry.ts";
import { type CheckInput, CheckInputError, type MemoryMode } from "./input.ts";
import { Interest, joined, type PageRange } from "./interest.ts";
import { JointMap } from "./joint-map.ts";
import { Judge, type RawViolation } from "./judge.ts";
import { OverlapSink } from "./overlap.ts";
import { byTag, isRetired, type RootVersion, rootVersions } from "./roots.ts";
import { ScriptLog } from "./script-log.ts";
import { VersionReader } from "./versions.ts";
import { WalkReach } from "./walk-reach.ts";
import { WholeMapSink } from "./whole-map.ts";

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
    this.drops = new FrameDrops(log.unpins, input, this.maps);
  }

  /** Violations that walks and caches can show. */
  violations(options: DecideOptions): RawViolation[] {
    const found: RawViolation[] = [];
    for (const domain of this.input.domains) {
      if (options.only !== null && options.only.domain !== domain.id) continue;
      const tags = new Set(this.rootsOf(domain.id).map((root) => root.tag));
      const windows = this.log.windows.filter((w) => tags.has(w.domain));
      const judge = new Judge(this.maps, this.drops, windows, this.log.steps, domain.id, this.#hasAtc);
      const sink = new OverlapSink(judge, this.maps, this.input.capability);
      const watch = this.input.isEpoch ? new WholeMapSink(sink, this.maps, this.#hasAtc) : null;
      this.walk(domain.id, options, watch ?? sink, (coverage, roots) => {
        judge.coverage = coverage;
        judge.isRetired = isRetired(roots);
        watch?.enter(roots);
      });
      const relapse = watch?.relapse();
      if (relapse) judge.relapse(relapse);
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

  /** Feeds a sink with every fact of one domain, tag by tag. `enter` is told what the facts to come share. */
  walk(
    id: number,
    options: DecideOptions,
    sink: FactSink,
    enter: (coverage: Coverage, roots: readonly RootVersion[]) => void,
    visit: (table: number) => void = () => {},
  ): void {
    const { capability } = this.input;
    const roots = this.rootsOf(id, options.mode);
    const levels = Math.max(...roots.map((r) => r.levels));
    const end = this.geometry.tableSpan(levels - 1);
    const mapped = this.maps.start(this.maps.length - 1);
    if (mapped > end)
      throw new CheckInputError(
        `a map reaches page 0x${(mapped - 1).toString(16)}, past the tables of domain ${id}`,
      );
    const ranges = options.only === null ? this.#rangesOf(id) : [options.only];
    const near = options.only === null ? this.interests.get(id)! : null;
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
        // Only a new root can lead to a table that stood in the same place under the old one.
        stoodBefore: (table, level, base) =>
          roots.length > 1 && this.#stoodBefore(roots[0]!, table, level, base),
        untouchedUntil: (start, until) => near?.untouchedUntil(start, until) ?? 0,
      },
      sink,
    );
    for (const sharing of byTag(roots)) {
      const { tag } = sharing[0]!;
      let next = 0;
      for (const coverage of coverages(this.log, tag, end, this.#hasAtc, capability.invalidateCoversLeaf)) {
        enter(coverage, sharing);
        while (next < ranges.length && ranges[next]!.end <= coverage.start) next++;
        const inside = clipped(ranges, next, coverage);
        if (inside.starts.length === 0) continue;
        if (tag === id)
          for (let r = 0; r < inside.starts.length; r++)
            this.effort.pages += inside.ends[r]! - inside.starts[r]!;
        reach.run(coverage, inside, sharing);
      }
    }
    this.effort.histories += reach.histories;
  }

  #stoodBefore(root: RootVersion, table: number, level: number, base: number): boolean {
    let at = root.table;
    for (let above = root.levels - 1; above > level; above--) {
      const index = Math.floor(base / this.geometry.span(above)) % this.geometry.entries;
      const entry = this.input.tables.entry(at as never, index);
      const lo = Number(entry & 0xffff_ffffn);
      const hi = Number(entry >> 32n);
      if (this.decoder.kind(above, lo, hi) !== TABLE || this.decoder.rights(lo, hi) !== 3) return false;
      at = this.decoder.frame(lo, hi);
    }
    return at === table;
  }

  get #hasAtc(): boolean {
    return ((this.input.deviceCaches ?? CACHES_ALL) & CACHE_ATC) !== 0;
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
      // A new root says everything anew.
      const everything = [{ start: 0, end: this.geometry.tableSpan(levels - 1) }];
      ranges = this.rootsOf(id).length > 1 ? everything : this.interests.get(id)!.ranges(levels, this.maps);
      this.#ranges.set(id, ranges);
    }
    return ranges;
  }

  /** Versions of the context entry of a domain, which is named by its first tag. */
  rootsOf(id: number, mode: MemoryMode = "strong"): RootVersion[] {
    const domain = this.input.domains.find((d) => d.id === id)!;
    return rootVersions(this.log, domain, this.input.capability, mode);
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
