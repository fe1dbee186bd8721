import type { Pfn } from "../units/index.ts";
import { CAPABILITIES, type Capability } from "./capability.ts";
import { KnownTags } from "./known-tags.ts";
import { onlyScript, type RecordedCall, type Recording } from "./recording.ts";
import { didOf, iommuOf, MAX_ID, type StepContext } from "./step-context.ts";
import { CACHES_ALL, type WindowStep } from "./steps.ts";
import { TagHolders } from "./tag-holders.ts";
import {
  type MapRun,
  type PinRun,
  type ScriptDomain,
  type ScriptFile,
  ScriptTextError,
  type TableRun,
  TEXT_MAGIC,
  TEXT_VERSION,
} from "./text.ts";
import { CallText } from "./text-call.ts";
import { TextLine } from "./text-line.ts";
import { BackingText, MapText } from "./text-map.ts";
import { cachesOf, levelsOf, readSteps } from "./text-steps.ts";

/** What traces put before a line ends here. */
const TRACE_MARK = "hitless: ";

/**
 * Reads a file with one edit script.
 *
 * Errors: ScriptTextError with `name`, line and reason; more than one call is one. Statements may come in any order; steps
 * run in the order of their lines, and every step without `u=` is a logical update of its own.
 */
export function parseScript(text: string, name = "script"): ScriptFile {
  const recording = parseRecording(text, name);
  const second = recording.calls[1];
  if (second !== undefined) {
    const reason = `a second call begins here; the file holds ${recording.calls.length}, and one is expected`;
    throw new ScriptTextError(name, second.line, reason);
  }
  return onlyScript(recording);
}

/** Reads a file with any number of calls. Errors: ScriptTextError with `name`, line and reason. */
export function parseRecording(text: string, name = "script"): Recording {
  return new Parser(name).parse(text);
}

class Parser {
  readonly #file: string;
  #line = 0;
  #capability: Capability | null = null;
  readonly #domains: ScriptDomain[] = [];
  readonly #tables: TableRun[] = [];
  /** Entries given by table and index. */
  readonly #given = new Map<Pfn, Map<number, bigint>>();
  readonly #kept: Pfn[] = [];
  readonly #oldMap = new MapText();
  readonly #backings = new BackingText();
  #pins: PinRun[] | null = null;
  #deviceCaches = CACHES_ALL;
  #isEpoch = false;
  #directMap = 0n;
  readonly #tags = new KnownTags();
  readonly #undrained = new Set<number>();
  /** Line of the first step that names an IOMMU. */
  readonly #namedIommus = new Map<number, number>();
  /** The calls; one without a line as long as no `call` has come. */
  readonly #calls: CallText[] = [new CallText("", 0)];
  /** Line of the first statement that belongs into a call. */
  #firstOfCall = 0;
  #at!: TextLine;

  constructor(file: string) {
    this.#file = file;
  }

  parse(text: string): Recording {
    for (const raw of text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/)) {
      this.#line++;
      const line = statementIn(raw);
      if (line === "") continue;
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
    if (this.#capability === null)
      this.#fail(`the first line must be "${TEXT_MAGIC} ${TEXT_VERSION} CAPABILITY"; the text is empty`, 1);
    if (this.#domains.length === 0) this.#fail('no "domain" line: nothing says where walks start');
    this.#checkDomains();
    const levels = Math.max(...this.#domains.map((d) => d.levels));
    for (const { map } of [{ map: this.#oldMap }, ...this.#calls])
      map.checkEnd(2 ** (9 * levels), levels, this.#fail.bind(this));
    const fail = this.#fail.bind(this);
    const oldMap = this.#oldMap.whole("old", this.#backings, fail);
    return {
      capability: this.#capability,
      domains: this.#domains,
      tables: this.#tables,
      oldMap,
      pins: this.#pins,
      keptTables: this.#kept,
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
    if (found === undefined)
      this.#fail(`capability "${capability ?? ""}" is none of ${[...CAPABILITIES.keys()].join(", ")}`);
    if (more !== undefined) this.#fail(`the header does not take "${more}"`);
    this.#capability = found;
  }

  get #current(): CallText {
    return this.#calls[this.#calls.length - 1]!;
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
    this.#calls.push(new CallText(label, this.#line));
  }

  #ioctl(label: string): void {
    this.#firstOfCall ||= this.#line;
    const { ioctls, stepLines } = this.#current;
    if (ioctls.length === 0 && stepLines.length > 0)
      this.#fail(
        'what an ioctl does stands below its "ioctl" line, and this is above the first of the change',
        stepLines[0],
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
        for (const run of this.#at.runs()) this.#table(run);
        break;
      case "keep":
        this.#kept.push(this.#at.tableAddress(this.#at.only("a table address")));
        break;
      case "map":
        this.#map();
        break;
      case "backing":
        this.#backings.read(this.#at);
        break;
      case "pins":
        this.#pin();
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
        break;
      default:
        this.#steps(op);
    }
  }

  #steps(op: string): void {
    this.#firstOfCall ||= this.#line;
    const { levels, inputBits } = this.#capability!;
    const context: StepContext = {
      pages: 2 ** (inputBits - 12),
      levels,
      tags: this.#tags,
      undrained: this.#undrained,
      domains: this.#domains,
    };
    const read = readSteps(op, this.#at, context);
    const { iommu } = read;
    if (iommu !== undefined && !this.#namedIommus.has(iommu)) this.#namedIommus.set(iommu, this.#line);
    for (const step of read.steps)
      if (step.op === "setRoot") this.#know(step.tag, this.#tags.iommuOf(step.domain), read.did);
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

  #table(run: TableRun): void {
    const { table, index, count, first, stride } = run;
    let given = this.#given.get(table);
    if (given === undefined) this.#given.set(table, (given = new Map()));
    for (let i = 0; i < count; i++) {
      const entry = BigInt.asUintN(64, first + BigInt(i) * stride);
      const before = given.get(index + i);
      if (before !== undefined && before !== entry)
        this.#fail(`entry ${index + i} of this table is 0x${before.toString(16)} above, and another here`);
      given.set(index + i, entry);
    }
    this.#tables.push(run);
  }

  #map(): void {
    const which = this.#at.words[1];
    const { map } = this.#current;
    if (which === "old") {
      this.#before();
      this.#oldMap.region(this.#at, this.#line);
      return;
    }
    this.#firstOfCall ||= this.#line;
    if (which === "new") map.region(this.#at, this.#line);
    else if (which === "add") map.add(this.#at, this.#line);
    else if (which === "remove") map.remove(this.#at, this.#line);
    else if (which === undefined) this.#fail('map needs "old", "new", "add" or "remove"');
    else this.#fail(`map "${which}" is neither old nor new, neither add nor remove`);
  }

  #pin(): void {
    const { line } = this.#current;
    const pins: PinRun[] = line === 0 ? (this.#pins ??= []) : (this.#current.pins ??= []);
    const what = this.#at.only('a frame address or "none"');
    if (what === "none") return;
    const first = this.#at.page(what, "frame") as Pfn;
    const count = this.#at.integer(this.#at.take("count") ?? "1", "count", MAX_ID);
    pins.push({ pfn: first, pages: this.#at.sizeOption(), count });
  }

  #checkDomains(): void {
    for (const [iommu, line] of this.#namedIommus)
      if (!this.#domains.some((d) => (d.iommu ?? 0) === iommu))
        this.#fail(`iommu ${iommu}: no domain is behind it`, line);
    const holders = new TagHolders(this.#domains);
    for (const [call, { steps, stepLines }] of this.#calls.entries()) {
      const open: WindowStep[] = [];
      steps.forEach((step, i) => {
        const against = holders.follow(step, stepLines[i]!, call);
        if (against !== null) this.#fail(against, stepLines[i]);
        if (step.op !== "window") return;
        if (step.state === "open") open.push(step);
        else if (!open.some((w) => meet(w, step)))
          this.#fail("window close: no window of this call is open there", stepLines[i]);
      });
    }
  }

  /** The calls with the map each leads to. A file without `call` lines that names no new map leads to an empty one. */
  #recorded(oldMap: readonly MapRun[]): RecordedCall[] {
    const fail = this.#fail.bind(this);
    let before = oldMap;
    return this.#calls.map((call): RecordedCall => {
      const edited = call.map.edited(before, this.#backings, fail);
      const isWhole = call.map.isWhole || (call.line === 0 && call.map.isSilent);
      const newMap = isWhole ? call.map.whole("new", this.#backings, fail) : edited;
      before = newMap;
      if (call.pins !== null) this.#pins ??= [];
      const { label, line, ioctls, stepLines } = call;
      return { label, line, newMap, pinned: call.pins ?? [], ioctls, script: call.script(), stepLines };
    });
  }
}

/** The statement in a line: without what a trace puts before it, and without its comment. */
function statementIn(raw: string): string {
  const hash = raw.indexOf("#");
  const line = hash < 0 ? raw : raw.slice(0, hash);
  const mark = line.indexOf(TRACE_MARK);
  return (mark < 0 ? line : line.slice(mark + TRACE_MARK.length)).trim();
}

/** True iff two windows of one domain have pages in common. */
const meet = (a: WindowStep, b: WindowStep): boolean =>
  a.domain === b.domain && a.iovaPfn < b.iovaPfn + b.pages && b.iovaPfn < a.iovaPfn + a.pages;
