import type { Pfn } from "../units/index.ts";
import { ByteText } from "./byte-text.ts";
import { followDomains } from "./call-domains.ts";
import { CallMaps, mapRunList } from "./call-maps.ts";
import { ofCall } from "./call-scripts.ts";
import { CAPABILITIES, CAPABILITY_NAMES, type Capability } from "./capability.ts";
import { DomainTags } from "./domain-tags.ts";
import { FreedText } from "./freed-text.ts";
import { KnownTags } from "./known-tags.ts";
import { isOfCall, PLAIN, PlainLine } from "./plain-line.ts";
import { pinsOf, type ReadSoFar, TAKE } from "./plain-steps.ts";
import { QueuedDrains } from "./queued-drains.ts";
import { onlyScript, type RecordedCall, type Recording } from "./recording.ts";
import { statementIn } from "./statement.ts";
import { didOf, iommuOf, MAX_ID } from "./step-context.ts";
import { CACHES_ALL } from "./steps.ts";
import { TagHolders } from "./tag-holders.ts";
import {
  type MapRun,
  type PinRun,
  type ScriptDomain,
  type ScriptFile,
  ScriptTextError,
  TEXT_MAGIC,
  TEXT_VERSION,
} from "./text.ts";
import { CallText } from "./text-call.ts";
import { TextLine } from "./text-line.ts";
import { BackingText, MapText } from "./text-map.ts";
import { cachesOf, levelsOf, readSteps } from "./text-steps.ts";
import { TableText } from "./text-table.ts";

/** A short line of one step. */
const BYTES_PER_STEP = 32;
/**
 * Reads a file with one edit script.
 *
 * Errors: ScriptTextError with `name`, line and reason; more than one call is one. Statements may come in any order; steps
 * run in the order of their lines, and every step without `u=` is a logical update of its own.
 */
export function parseScript(text: string | Uint8Array, name = "script"): ScriptFile {
  const recording = parseRecording(text, name);
  const second = recording.calls[1];
  if (second !== undefined) {
    const reason = `a second call begins here; the file holds ${recording.calls.length}, and one is expected`;
    throw new ScriptTextError(name, second.line, reason);
  }
  return onlyScript(recording);
}

/**
 * Reads a file with any number of calls, given as text or as its bytes in UTF-8: of those most lines are read as they are.
 *
 * Errors: ScriptTextError with `name`, line and reason.
 */
export function parseRecording(text: string | Uint8Array, name = "script"): Recording {
  return new RecordingParser(name).parse(new ByteText(text));
}

/** Reads one recording, most of its lines at sight. */
export class RecordingParser {
  /** Lines that were recognised at sight. */
  plainLines = 0;
  readonly #file: string;
  #line = 0;
  #capability: Capability | null = null;
  readonly #domains: ScriptDomain[] = [];
  /** From the first call on. */
  readonly #kept: Pfn[] = [];
  readonly #freed = new FreedText();
  /** Tags of domains that the file does not speak of, with their lines. */
  readonly #foreign = new Map<number, number>();
  readonly #backings = new BackingText();
  #deviceCaches = CACHES_ALL;
  #isEpoch = false;
  #directMap = 0n;
  readonly #tags = new KnownTags();
  readonly #drains = new QueuedDrains();
  /** Line of the first step that names an IOMMU. */
  readonly #namedIommus = new Map<number, number>();
  /** The calls; one without a line as long as no `call` has come. */
  readonly #calls: CallText[] = [new CallText("", 0)];
  /** Line of the first statement that belongs into a call. */
  #firstOfCall = 0;
  #at!: TextLine;
  #plain!: PlainLine;
  readonly #readsAtSight: boolean;
  /** Known from the header on. */
  #read!: ReadSoFar;

  /** Without `readsAtSight` every line is read as text, which decides what it means. */
  constructor(file: string, readsAtSight = true) {
    this.#file = file;
    this.#readsAtSight = readsAtSight;
  }

  parse(text: ByteText): Recording {
    this.#plain = new PlainLine(text.bytes);
    for (let start = text.start; ; ) {
      this.#line++;
      const isPlain = this.#capability !== null && start <= text.lastStart && this.#atSight(start);
      const end = isPlain ? this.#plain.end : text.endOfLine(start);
      if (!isPlain) this.#asText(text.part(start, end));
      if (end === text.bytes.length) break;
      start = text.nextLine(end);
    }
    return this.#recording();
  }

  /** Notes that a call has begun. Where it is the only one, all that is left of the text may be steps of it. */
  #beginCall(at: number): void {
    this.#firstOfCall = this.#line;
    const { line, steps } = this.#current;
    if (line === 0) steps.makeRoom((this.#plain.bytes.length - at) / BYTES_PER_STEP);
  }

  /** Reads a line word by word: what it means, and what is wrong with it, is decided there. */
  #asText(raw: string): void {
    const line = statementIn(raw);
    if (line === "") return;
    const mayName = this.#capability !== null && (line.startsWith("call") || line.startsWith("ioctl"));
    const named = mayName ? /^(call|ioctl)(?:\s+(.*))?$/.exec(line) : null;
    const label = named?.[2] ?? "";
    if (named?.[1] === "call") this.#call(label);
    else if (named?.[1] === "ioctl") this.#ioctl(label);
    else {
      this.#at = new TextLine(this.#file, this.#line, line, this.#directMap);
      if (this.#capability === null) this.#header();
      else this.#statement();
      this.#at.end();
    }
  }

  /** Reads a line that is in plain form. False, and nothing is changed, where it is not or may be wrong. */
  #atSight(start: number): boolean {
    const said = this.#readsAtSight ? this.#plain.read(start) : PLAIN.none;
    if (said === PLAIN.none || !TAKE[said]!(this.#plain, this.#read, this.#line)) return false;
    if (isOfCall(said) && this.#firstOfCall === 0) this.#beginCall(this.#plain.end);
    this.plainLines++;
    return true;
  }

  /** Everything that the lines say together. Pre: all have been read. */
  #recording(): Recording {
    if (this.#capability === null)
      this.#fail(`the first line must be "${TEXT_MAGIC} ${TEXT_VERSION} CAPABILITY"; the text is empty`, 1);
    if (this.#domains.length === 0) this.#fail('no "domain" line: nothing says where walks start');
    this.#checkDomains();
    let levels = Math.max(...this.#domains.map((d) => d.levels));
    for (const { map, rootLevels } of [{ map: this.#read.oldMap, rootLevels: 0 }, ...this.#calls]) {
      // A root may grow in the call that maps more than it reached before, or in an earlier one.
      levels = Math.max(levels, rootLevels);
      map.checkEnd(2 ** (9 * levels), levels, this.#fail.bind(this));
    }
    const fail = this.#fail.bind(this);
    const roots = this.#domains.map(({ root }) => root);
    this.#freed.check(roots, this.#read.tables.runs, fail);
    const oldMap = this.#read.oldMap.whole("old", this.#backings, fail);
    return {
      capability: this.#capability,
      domains: this.#domains,
      tables: this.#read.tables.runs,
      oldMap,
      pins: this.#pins(),
      keptTables: this.#kept,
      freedTables: this.#freed.tables,
      deviceCaches: this.#deviceCaches,
      isEpoch: this.#isEpoch,
      calls: this.#recorded(oldMap),
    };
  }

  #fail(reason: string, line = this.#line): never {
    throw new ScriptTextError(this.#file, line, reason);
  }

  #header(): void {
    const [magic, version, capability, more] = this.#at.words;
    if (this.#at.words.some((word) => word.includes("\0")))
      this.#fail("this is no plain text: it holds zero bytes, as UTF-16 and binary files do");
    const expected = `the first line must be "${TEXT_MAGIC} ${TEXT_VERSION} CAPABILITY"`;
    if (magic !== TEXT_MAGIC) this.#fail(`${expected}, not "${this.#at.words.join(" ")}"`);
    if (version !== String(TEXT_VERSION))
      this.#fail(`version ${version ?? "(none)"} is not known; this program reads version ${TEXT_VERSION}`);
    const found = CAPABILITIES.get(capability ?? "");
    if (found === undefined) this.#fail(`capability "${capability ?? ""}" is none of ${CAPABILITY_NAMES}`);
    if (more !== undefined) this.#fail(`the header does not take "${more}"`);
    this.#capability = found;
    this.#read = {
      tables: new TableText(),
      oldMap: new MapText(),
      call: this.#calls[0]!,
      pins: null,
      context: {
        pages: 2 ** (found.inputBits - 12),
        levels: found.levels,
        tags: this.#tags,
        foreign: this.#foreign,
        drains: this.#drains,
        domains: this.#domains,
        own: new DomainTags(),
      },
    };
  }

  get #current(): CallText {
    return this.#read.call;
  }

  #call(label: string): void {
    if (this.#current.line === 0) {
      if (this.#firstOfCall > 0)
        this.#fail(
          'what a call does stands below its "call" line, and this is above the first',
          this.#firstOfCall,
        );
      this.#calls.pop();
    }
    this.#drains.clear();
    this.#read.context.own.beginCall();
    this.#read.call = new CallText(label, this.#line);
    this.#calls.push(this.#read.call);
  }

  #ioctl(label: string): void {
    this.#firstOfCall ||= this.#line;
    const { ioctls, stepLines } = this.#current;
    if (ioctls.length === 0 && stepLines.length > 0)
      this.#fail(
        'what an ioctl does stands below its "ioctl" line, and this is above the first of the change',
        stepLines.at(0),
      );
    ioctls.push({ label, step: stepLines.length + 1 });
  }

  /** Fails inside a call: the statement says what there was before the first. */
  #before(): void {
    if (this.#current.line > 0)
      this.#at.fail(
        `"${this.#at.words[0]}" says what there was before the first call and stands above its line`,
      );
  }

  #statement(): void {
    const op = this.#at.words[0] ?? this.#at.fail("a statement does not begin with an option");
    switch (op) {
      case "domain":
        this.#before();
        this.#domain();
        break;
      case "table":
        this.#before();
        this.#read.tables.read(this.#at);
        break;
      case "keep":
        this.#keep(this.#at.tableAddress(this.#at.only("a table address")));
        break;
      case "tag":
        this.#before();
        this.#foreign.set(this.#at.integer(this.#at.only("a domain number"), "tag", MAX_ID), this.#line);
        break;
      case "freed":
        this.#before();
        this.#freed.read(this.#at, this.#line);
        break;
      case "map":
        this.#map();
        break;
      case "backing":
        this.#backings.read(this.#at);
        break;
      case "pins":
        pinsOf(this.#read).read(this.#at);
        break;
      case "epoch":
        this.#before();
        this.#at.bare();
        this.#isEpoch = true;
        break;
      case "caches":
        this.#before();
        this.#deviceCaches = cachesOf(this.#at, this.#at.only("cache names, like iotlb+walk"));
        break;
      case "directMap":
        this.#directMap = this.#at.unsigned(this.#at.only("an address"), "directMap");
        this.#plain.setDirectMap(this.#directMap);
        break;
      default:
        this.#steps(op);
    }
  }

  #keep(table: Pfn): void {
    const { line, kept } = this.#current;
    (line === 0 ? this.#kept : kept).push(table);
  }

  #steps(op: string): void {
    this.#firstOfCall ||= this.#line;
    const read = readSteps(op, this.#at, this.#read.context);
    const { iommu } = read;
    if (iommu !== undefined && !this.#namedIommus.has(iommu)) this.#namedIommus.set(iommu, this.#line);
    for (const step of read.steps)
      if (step.op === "setRoot") {
        this.#know(step.tag, this.#tags.iommuOf(step.domain), read.did);
        this.#read.context.own.follow(step, this.#domains);
      }
    this.#current.push(read, this.#line);
  }

  #domain(): void {
    const id = this.#at.integer(this.#at.only("a domain number"), "domain", MAX_ID);
    if (this.#domains.some((d) => d.id === id)) this.#fail(`domain ${id} is given twice`);
    const root = this.#at.tableAddress(this.#at.need("root"));
    const levels = levelsOf(this.#at, this.#capability!.levels);
    const iommu = iommuOf(this.#at);
    if (iommu !== undefined && this.#current.stepLines.length > 0)
      this.#fail("a domain line that names its IOMMU stands above the steps");
    this.#domains.push(iommu ? { id, root, levels, iommu } : { id, root, levels });
    this.#know(id, iommu ?? 0, didOf(this.#at));
  }

  #know(tag: number, iommu: number, did: number | undefined): void {
    const against = this.#tags.add(tag, iommu, did);
    if (against !== null) this.#fail(against);
  }

  #map(): void {
    const which = this.#at.words[1];
    const { map } = this.#current;
    if (which === "old") {
      this.#before();
      this.#read.oldMap.region(this.#at, this.#line);
      return;
    }
    this.#firstOfCall ||= this.#line;
    if (which === "new") map.region(this.#at, this.#line);
    else if (which === "add") map.add(this.#at, this.#line);
    else if (which === "remove") map.remove(this.#at, this.#line);
    else if (which === undefined) this.#fail('map needs "old", "new", "add" or "remove"');
    else this.#fail(`map "${which}" is neither old nor new, neither add nor remove`);
  }

  #checkDomains(): void {
    for (const [iommu, line] of this.#namedIommus)
      if (!this.#domains.some((d) => (d.iommu ?? 0) === iommu))
        this.#fail(`iommu ${iommu}: no domain is behind it`, line);
    for (const [tag, line] of this.#foreign)
      if (this.#domains.some((d) => d.id === tag))
        this.#fail(`tag ${tag} is that of a domain of this file`, line);
    const holders = new TagHolders(this.#domains, new Set(this.#foreign.keys()));
    const fail = this.#fail.bind(this);
    for (const [number, call] of this.#calls.entries()) followDomains(call, number, holders, fail);
  }

  /** Pins before the first call; null where nothing is said of pins, in calls neither. */
  #pins(): readonly PinRun[] | null {
    const isSaid = this.#read.pins !== null || this.#calls.some(({ pins }) => pins !== null);
    return isSaid ? (this.#read.pins?.runs ?? []) : null;
  }

  /** The calls with the map each leads to. A file without `call` lines that names no new map leads to an empty one. */
  #recorded(oldMap: readonly MapRun[]): RecordedCall[] {
    const fail = this.#fail.bind(this);
    const maps = new CallMaps(
      oldMap,
      this.#calls.map(({ map, line }) => (before) => {
        const edited = map.edited(before, this.#backings, fail);
        const isWhole = map.isWhole || (line === 0 && map.isSilent);
        if (!isWhole) return edited;
        return { map: mapRunList(map.whole("new", this.#backings, fail)), edited: null };
      }),
    );
    return this.#calls.map((call, i): RecordedCall => {
      // What is wrong with a map is told now.
      maps.after(i);
      const { label, line, ioctls } = call;
      const recorded: RecordedCall = {
        label,
        line,
        get newMap() {
          return maps.after(i).map.all();
        },
        pinned: call.pins?.runs ?? [],
        ...(call.kept.length > 0 && { kept: call.kept }),
        ioctls,
        script: call.script(),
        stepLines: call.stepLines.list(),
      };
      ofCall(recorded, () => maps.after(i));
      return recorded;
    });
  }
}
