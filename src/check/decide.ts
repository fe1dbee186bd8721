import { CACHE_ATC, CACHES_ALL, type EditScript, type Splice } from "../edit-script/index.ts";
import type { Pfn } from "../units/index.ts";
import type { DecideOptions } from "./decide-options.ts";
import { addLostBits } from "./dirty/lost-bits.ts";
import { DECODERS } from "./entries/decoder.ts";
import type { Decoder } from "./entries/entry-kind.ts";
import { Geometry } from "./entries/geometry.ts";
import { VersionReader } from "./entries/versions.ts";
import {
  type ChangeCalls,
  type CheckInput,
  CheckInputError,
  type MemoryMode,
  type ReaderInput,
} from "./input.ts";
import {
  firstEndingAfter,
  NO_RANGES,
  oneRange,
  RangeList,
  type Ranges,
  touches,
  union,
} from "./lists/ranges.ts";
import { UnpinnedFrames } from "./maps/frame-drops.ts";
import { type Interest, interestsOf, sharing } from "./maps/interest.ts";
import { JointMap } from "./maps/joint-map.ts";
import { ListedMaps, type MapReader } from "./maps/map-reader.ts";
import { type OnlyPages, pagesOf, rangesOf } from "./maps/only-pages.ts";
import { Pins } from "./maps/pins.ts";
import { alwaysHides } from "./rules/dominance.ts";
import { Judge } from "./rules/judge.ts";
import { OverlapSink } from "./rules/overlap.ts";
import { pagesByClass } from "./rules/pages-by-class.ts";
import { CleanDomains, type Effort } from "./rules/twins.ts";
import type { ViolationClass } from "./rules/violation-class.ts";
import { Violations } from "./rules/violations.ts";
import { WholeMapSink } from "./rules/whole-map.ts";
import { ScriptLog } from "./script/script-log.ts";
import { onlyOrder } from "./script/script-steps.ts";
import { Windows } from "./script/windows.ts";
import type { Coverage } from "./walks/coverage.ts";
import { Coverages } from "./walks/coverages.ts";
import type { FactSink } from "./walks/facts.ts";
import { Lingering } from "./walks/lingering.ts";
import { byTag, type RootVersion, rootVersions } from "./walks/roots.ts";
import { TablePlaces } from "./walks/table-places.ts";
import { WalkReach } from "./walks/walk-reach.ts";

/** A script read and ready to be decided, perhaps several times. Of the maps only what the script touches is read. */
export class Decision {
  readonly input: CheckInput | ReaderInput;
  readonly log: ScriptLog;
  readonly geometry: Geometry;
  readonly decoder: Decoder;
  readonly reader: MapReader;
  readonly pins: Pins;
  readonly #lingering: Lingering;
  /** The same for all scripts that are tried on these tables. */
  readonly #isShared: (table: Pfn) => boolean;
  readonly effort: Effort = { histories: 0, pages: 0 };
  /** Stale leaves were left out where a frame without a pin hides them. */
  hasSkipped = false;
  /** By domain, pages that were seen to lose a dirty bit in strong memory order too when violations were found last. */
  readonly lostInStrong = new Map<number, Ranges>();
  interests: ReadonlyMap<number, Interest> = new Map();
  readonly #ranges = new Map<number, Ranges>();
  #maps: JointMap | null = null;
  #frames: UnpinnedFrames | null = null;
  #pages: Ranges | null = null;
  #aliases: JointMap | null = null;

  /** Errors: CheckInputError when no decoder knows the format. */
  constructor(
    input: CheckInput | ReaderInput,
    reader: MapReader = readerOf(input),
    isShared: ((table: Pfn) => boolean) | null = null,
  ) {
    const { capability } = input;
    const factory = DECODERS.get(capability.format);
    if (factory === undefined)
      throw new CheckInputError(`format ${capability.format} of ${capability.name} has no decoder`);
    this.input = input;
    this.log = new ScriptLog(input.script, input.domains, capability.hardwareDirty);
    this.geometry = new Geometry(capability);
    this.decoder = factory(capability);
    this.#isShared = isShared ?? sharing(input, this.geometry, this.decoder);
    this.reader = reader;
    this.pins = new Pins(input, reader, this.log.unpins);
    this.#lingering = new Lingering(this.log);
  }

  /**
   * True iff what was `found` in weak memory order could be other in strong order. What weak order does not lose of dirty bits
   * strong order does not either.
   */
  dependsOnOrder(found: Violations): boolean {
    if (this.walksDependOnOrder) return true;
    if (!this.input.capability.hardwareDirty) return false;
    for (let i = 0; i < found.length; i++) if (found.class(i) === "V10") return true;
    return false;
  }

  /** The same of what walks and caches show: of all but dirty bits. */
  get walksDependOnOrder(): boolean {
    return this.#lingering.isDecisive || this.log.roots.length > 0 || this.input.isEpoch === true;
  }

  /** The same with another script, and the calls that it is made of. */
  withScript(script: EditScript, calls: ChangeCalls | null = null): Decision {
    return new Decision({ ...this.input, script, calls }, this.reader, this.#isShared);
  }

  /** The same with splices in the script, and the calls that it is then made of. */
  withSplices(splices: readonly Splice[], calls: ChangeCalls | null = null): Decision {
    const { script, records } = this.log;
    const next = this.withScript(script.withSplices(records, splices), calls);
    // Other orders of the same writes and unpins concern the same pages.
    if (onlyOrder(this.log, splices))
      [next.#maps, next.#pages, next.#aliases] = [this.#maps, this.#pages, this.#aliases];
    return next;
  }

  /** Frames that lose pins. */
  get #unpinned(): UnpinnedFrames {
    this.#frames ??= new UnpinnedFrames(this.log.unpins, (frames) =>
      this.pins.drops(frames, () => this.#reached),
    );
    return this.#frames;
  }

  /** Pages that lead to frames that lose pins, and both maps on them. */
  get #pagesReached(): Ranges {
    this.#pages ??= this.reader.pagesOn(this.#unpinned.frames);
    return this.#pages;
  }
  get #reached(): JointMap {
    this.#aliases ??= this.#mapsOn(this.#pagesReached);
    return this.#aliases;
  }

  /** Both maps on some pages and perhaps on more. */
  #mapsOn(pages: Ranges): JointMap {
    return this.#maps?.covers(pages) ? this.#maps : JointMap.of(this.reader, pages);
  }

  /** Compares what is left of pins with the pages of the new map. */
  auditPins(): void {
    const { maps } = this;
    this.pins.audit((pages) => (maps.covers(pages) ? maps : JointMap.of(this.reader, pages)));
  }

  /** Both maps on all pages that have to be looked at. */
  get maps(): JointMap {
    if (this.#maps === null) {
      let all = NO_RANGES;
      for (const { id } of this.input.domains) all = union(all, this.#rangesOf(id));
      const changed = this.reader.changed?.();
      this.#maps = changed?.covers(all) ? changed : JointMap.of(this.reader, all);
    }
    return this.#maps;
  }

  /** Violations that walks and caches can show. */
  violations(options: DecideOptions): Violations {
    const found = new Violations();
    const clean = new CleanDomains(this.log);
    for (const domain of this.input.domains) {
      const { only } = options;
      if (only !== null && only.domain !== domain.id) continue;
      const same = options.skipTwins ? clean.twinOf(domain) : null;
      if (same !== null) {
        this.effort.histories += same.histories;
        this.effort.pages += same.pages;
        continue;
      }
      const { histories, pages } = this.effort;
      const maps = only === null ? this.maps : JointMap.of(this.reader, rangesOf(only));
      const tags = new Set(this.rootsOf(domain.id).map((root) => root.tag));
      const windows = new Windows(this.log.windows.filter((w) => tags.has(w.domain)));
      const own = found.length;
      const lingering = options.skipHidden ? this.#lingering : null;
      const judge = new Judge(
        found,
        maps,
        this.#unpinned,
        windows,
        this.log.steps,
        domain.id,
        this.hasAtc,
        lingering,
      );
      const sink = new OverlapSink(judge, maps, this.input.capability, this.#unpinned);
      const { cachesNotPresent } = this.input.capability;
      const watch = this.input.isEpoch ? new WholeMapSink(sink, maps, this.hasAtc, cachesNotPresent) : null;
      this.walk(domain.id, options, watch ?? sink, (coverage, roots) => {
        judge.stretch = coverage.start;
        judge.roots = roots;
        watch?.enter(roots);
      });
      this.hasSkipped ||= judge.hasSkipped;
      if (watch !== null) judge.relapse(watch.relapses());
      if (options.only === null) this.#keptFrames(judge, this.#rangesOf(domain.id));
      if (this.input.capability.hardwareDirty) {
        const shown = options.skipHidden ? hiding("V10", pagesByClass(found, domain.id, own)) : NO_RANGES;
        this.lostInStrong.set(domain.id, addLostBits(found, this, options, domain.id, shown));
      }
      if (found.length === own && !judge.hasSkipped)
        clean.add(domain, { histories: this.effort.histories - histories, pages: this.effort.pages - pages });
    }
    return found;
  }

  /** Frames that lose their last pin although a page nobody touches keeps them reachable. What was `walked` is judged by its entries. */
  #keptFrames(judge: Judge, walked: Ranges): void {
    if (this.#unpinned.frames.isEmpty || !this.maps.mayKeep(this.#pagesReached)) return;
    const frames = this.#unpinned.dropped;
    if (frames.isEmpty) return;
    const maps = this.#reached;
    for (let piece = 0; piece + 1 < maps.length; piece++) {
      if (!maps.isKept(piece)) continue;
      const by = maps.start(piece) - maps.oldFrames[piece]!;
      const end = maps.end(piece);
      for (let i = frames.firstEndingAfter(maps.oldFrames[piece]!); i < frames.starts.length; i++) {
        let from = Math.max(maps.start(piece), by + frames.starts[i]!);
        if (from >= end) break;
        const to = Math.min(end, by + frames.ends[i]!);
        for (let w = firstEndingAfter(walked, from); from < to; w++) {
          const until = Math.min(to, walked.starts[w] ?? to);
          if (from < until) judge.unpinned(from, until, this.#unpinned.step(i));
          from = walked.ends[w] ?? to;
        }
      }
    }
  }

  /** Entries that walks of some pages can load, by table, and the frames they can end in. */
  reachedFrom(
    pages: OnlyPages,
    options: DecideOptions,
  ): { readonly entries: ReadonlyMap<number, ReadonlySet<number>>; readonly frames: Ranges } {
    const entries = new Map<number, Set<number>>();
    const frames = new RangeList();
    const nothing = (): void => {};
    const sink: FactSink = {
      leaf: ({ frame, start, end }) => frames.push(frame, frame + end - start),
      fault: nothing,
      subtree: nothing,
      pointer: nothing,
      badEntry: nothing,
      open: nothing,
      close: () => true,
    };
    const how = { ...options, only: pages, skipUntouched: false };
    this.walk(pages.domain, how, sink, nothing, (table, level) => {
      const own = entries.get(table) ?? new Set();
      for (const page of pagesOf(pages))
        own.add(Math.floor(page / this.geometry.span(level)) % this.geometry.entries);
      entries.set(table, own);
    });
    return { entries, frames: frames.union() };
  }

  /** Feeds a sink with every fact of one domain, tag by tag. `enter` is told what the facts to come share. */
  walk(
    id: number,
    options: DecideOptions,
    sink: FactSink,
    enter: (coverage: Coverage, roots: readonly RootVersion[]) => void,
    visit: (table: number, level: number) => void = () => {},
  ): void {
    const { capability } = this.input;
    const roots = this.rootsOf(id, options.mode);
    const levels = Math.max(...roots.map((r) => r.levels));
    const end = this.geometry.tableSpan(levels - 1);
    const mapped = this.reader.end;
    if (mapped > end)
      throw new CheckInputError(
        `a map reaches page 0x${(mapped - 1).toString(16)}, past the tables of domain ${id}`,
      );
    const { only } = options;
    const ranges = only === null ? this.#rangesOf(id) : rangesOf(only);
    const near = options.only === null ? this.interests.get(id)! : null;
    const reach = new WalkReach(
      {
        log: this.log,
        capability,
        geometry: this.geometry,
        decoder: this.decoder,
        versions: new VersionReader(
          this.log,
          this.input.tables,
          this.decoder,
          options.mode,
          capability.coherentWalk,
        ),
        lingering: this.#lingering,
        tables: this.input.tables,
        collapse: options.collapse,
        skipUntouched: options.skipUntouched,
        journalRules: options.journalRules,
        acceptPlain: options.acceptPlain ?? true,
        visit,
        places: new TablePlaces(this.log, this.input.tables, this.decoder, this.geometry, roots),
        leavesTags: roots.length > 1 && this.hasAtc,
        untouchedUntil: (start, until) => near?.untouchedUntil(start, until) ?? 0,
      },
      sink,
    );
    const mustContain = capability.invalidateCoversLeaf;
    let pages = 0;
    for (const sharing of byTag(roots)) {
      const { tag } = sharing[0]!;
      const one = oneRange(0, 0);
      let next = 0;
      const all = new Coverages(this.log, tag, end, ranges, this.hasAtc, mustContain);
      const passes = roots.length === 1 ? (lone: Coverage): boolean => reach.passes(lone, sharing[0]!) : null;
      for (let coverage = all.next(passes); coverage !== null; coverage = all.next(passes)) {
        enter(coverage, sharing);
        while (next < ranges.ends.length && ranges.ends[next]! <= coverage.start) next++;
        let last = next;
        while (last < ranges.starts.length && ranges.starts[last]! < coverage.end) last++;
        const isCut =
          last > next && (ranges.starts[next]! < coverage.start || ranges.ends[last - 1]! > coverage.end);
        const inside = isCut ? clipped(ranges, next, last, coverage, one) : ranges;
        const from = isCut ? 0 : next;
        const to = isCut ? last - next : last;
        if (roots.length === 1) for (let r = from; r < to; r++) pages += inside.ends[r]! - inside.starts[r]!;
        reach.run(coverage, inside, from, to, sharing);
      }
    }
    // The entries on the way to a page that was decided by itself are histories too.
    this.effort.histories += reach.histories + reach.passed * levels;
    // With several roots everything was looked at; what no map has is not worth counting.
    this.effort.pages += roots.length > 1 ? this.maps.mappedPages : pages + reach.passed;
  }

  /** True iff devices have caches of their own. */
  get hasAtc(): boolean {
    return ((this.input.deviceCaches ?? CACHES_ALL) & CACHE_ATC) !== 0;
  }

  /** True iff something of a domain's pages [start, end) has to be looked at. */
  concerns(id: number, start: number, end: number): boolean {
    return touches(this.#rangesOf(id), start, end);
  }

  /** Pages of a domain that have to be looked at. */
  #rangesOf(id: number): Ranges {
    const { input, log, geometry, decoder, reader } = this;
    if (this.interests.size === 0)
      this.interests = interestsOf(input, log, geometry, decoder, reader.changes(), this.#isShared);
    let ranges = this.#ranges.get(id);
    if (ranges === undefined) {
      const { levels } = input.domains.find((d) => d.id === id)!;
      // A new root says everything anew.
      const everything = oneRange(0, this.geometry.tableSpan(levels - 1));
      ranges =
        this.rootsOf(id).length > 1 ? everything : this.interests.get(id)!.ranges(levels, reader.changes());
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

const readerOf = (input: CheckInput | ReaderInput): MapReader =>
  "maps" in input ? input.maps : new ListedMaps(input.oldMap, input.newMap);

/** Pages whose violations hide those of class `kind`. */
function hiding(kind: ViolationClass, shown: ReadonlyMap<ViolationClass, Ranges>): Ranges {
  let pages = NO_RANGES;
  for (const [own, ranges] of shown) if (alwaysHides(own, kind)) pages = union(pages, ranges);
  return pages;
}

/** The ranges [from, to), as far as they lie in a coverage; those of one range are written into `one`. */
function clipped(
  { starts, ends }: Ranges,
  from: number,
  to: number,
  coverage: Coverage,
  one: Ranges,
): Ranges {
  const count = to - from;
  const inside = count === 1 ? one : { starts: new Float64Array(count), ends: new Float64Array(count) };
  for (let i = from; i < to; i++) {
    inside.starts[i - from] = Math.max(starts[i]!, coverage.start);
    inside.ends[i - from] = Math.min(ends[i]!, coverage.end);
  }
  return inside;
}
