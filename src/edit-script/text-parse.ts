import { type IovaPfn, type Pfn, pfn, type Rights } from "../units/index.ts";
import { CAPABILITIES, type Capability } from "./capability.ts";
import { EditScript } from "./script.ts";
import { CACHE_ATC, CACHE_CONTEXT, CACHE_IOTLB, CACHE_WALK, CACHES_ALL, type Step } from "./steps.ts";
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
import { MAX_INDEX, TextLine } from "./text-line.ts";

const CACHE_BITS: Readonly<Record<string, number>> = {
  iotlb: CACHE_IOTLB,
  walk: CACHE_WALK,
  atc: CACHE_ATC,
  context: CACHE_CONTEXT,
  all: CACHES_ALL,
  none: 0,
};
const RIGHTS: Readonly<Record<string, Rights>> = { r: 1, w: 2, rw: 3 };

/** Statements that describe what was there before; the others are steps. */
type Backing = { readonly vaddr: number; readonly pages: number; readonly pfn: number };
type Region = {
  readonly to: "old" | "new";
  readonly iova: number;
  readonly pages: number;
  readonly rights: Rights;
  readonly pfn: number | null;
  readonly vaddr: number | null;
  readonly line: number;
};

/**
 * Reads the text form.
 *
 * Errors: ScriptTextError with `name`, line and reason. Statements may come in any order; steps run in the order of their
 * lines, and every step without `u=` is a logical update of its own.
 */
export function parseScript(text: string, name = "script"): ScriptFile {
  return new Parser(name).parse(text);
}

class Parser {
  readonly #file: string;
  #line = 0;
  #capability: Capability | null = null;
  readonly #domains: ScriptDomain[] = [];
  readonly #tables: TableRun[] = [];
  readonly #kept: Pfn[] = [];
  readonly #regions: Region[] = [];
  readonly #backings: Backing[] = [];
  #pins: PinRun[] | null = null;
  #deviceCaches = CACHES_ALL;
  #isEpoch = false;
  readonly #steps: Step[] = [];
  readonly #stepLines: number[] = [];
  readonly #unnumbered: number[] = [];
  #at!: TextLine;

  constructor(file: string) {
    this.#file = file;
  }

  parse(text: string): ScriptFile {
    for (const raw of text.split(/\r?\n/)) {
      this.#line++;
      const hash = raw.indexOf("#");
      const line = (hash < 0 ? raw : raw.slice(0, hash)).trim();
      if (line === "") continue;
      this.#at = new TextLine(this.#file, this.#line, line);
      if (this.#capability === null) this.#header();
      else this.#statement();
      this.#at.end();
    }
    if (this.#capability === null)
      this.#fail(`the first line must be "${TEXT_MAGIC} ${TEXT_VERSION} CAPABILITY"; the text is empty`);
    this.#line = Math.max(1, this.#line);
    if (this.#domains.length === 0) this.#fail('no "domain" line: nothing says where walks start');
    this.#checkDomains();
    return {
      capability: this.#capability,
      domains: this.#domains,
      tables: this.#tables,
      oldMap: this.#map("old"),
      newMap: this.#map("new"),
      pins: this.#pins,
      keptTables: this.#kept,
      deviceCaches: this.#deviceCaches,
      isEpoch: this.#isEpoch,
      script: this.#script(),
      stepLines: this.#stepLines,
    };
  }

  #fail(reason: string, line = this.#line): never {
    throw new ScriptTextError(this.#file, line, reason);
  }

  #header(): void {
    const [magic, version, capability] = this.#at.words;
    const expected = `the first line must be "${TEXT_MAGIC} ${TEXT_VERSION} CAPABILITY"`;
    if (magic !== TEXT_MAGIC) this.#fail(`${expected}, not "${this.#at.words.join(" ")}"`);
    if (version !== String(TEXT_VERSION))
      this.#fail(`version ${version ?? "(none)"} is not known; this program reads version ${TEXT_VERSION}`);
    const found = CAPABILITIES.get(capability ?? "");
    if (found === undefined)
      this.#fail(`capability "${capability ?? ""}" is none of ${[...CAPABILITIES.keys()].join(", ")}`);
    this.#capability = found;
  }

  #statement(): void {
    const op = this.#at.words[0]!;
    switch (op) {
      case "domain":
        this.#domain();
        break;
      case "table":
        this.#tables.push(this.#at.run());
        break;
      case "keep":
        this.#kept.push(this.#at.page(this.#at.only("a table address"), "table") as Pfn);
        break;
      case "map":
        this.#region();
        break;
      case "backing":
        this.#at.words.length === 1 || this.#fail("backing takes options only: vaddr=, size=, frame=");
        this.#backings.push({
          vaddr: this.#at.addressOption("vaddr"),
          pages: this.#at.sizeOption(),
          pfn: this.#at.addressOption("frame"),
        });
        break;
      case "pins":
        this.#pin();
        break;
      case "epoch":
        this.#at.bare();
        this.#isEpoch = true;
        break;
      case "caches":
        this.#deviceCaches = this.#caches(this.#at.only("cache names, like iotlb+walk"));
        break;
      default:
        this.#steps.push(this.#step(op));
        this.#stepLines.push(this.#line);
    }
  }

  #domain(): void {
    const id = this.#at.integer(this.#at.only("a domain number"), "domain", 0xffff_ffff);
    if (this.#domains.some((d) => d.id === id)) this.#fail(`domain ${id} is given twice`);
    const root = this.#at.tableAddress(this.#at.need("root"));
    this.#domains.push({ id, root, levels: this.#levels() });
  }

  #levels(): number {
    const text = this.#at.take("levels");
    const levels = text === undefined ? this.#capability!.levels : this.#at.integer(text, "levels", 6);
    if (levels < 1) this.#fail("levels must be at least 1");
    return levels;
  }

  #region(): void {
    const to = this.#at.only('"old" or "new"');
    if (to !== "old" && to !== "new") this.#fail(`map "${to}" is neither old nor new`);
    const rightsText = this.#at.take("rights") ?? "rw";
    const rights = RIGHTS[rightsText];
    if (rights === undefined) this.#fail(`rights "${rightsText}" is none of r, w, rw`);
    const iova = this.#at.addressOption("iova");
    const pages = this.#at.sizeOption();
    const hasFrame = this.#at.has("frame");
    if (hasFrame === this.#at.has("vaddr")) this.#fail("map needs either frame= or vaddr=");
    this.#regions.push({
      to,
      iova,
      pages,
      rights,
      pfn: hasFrame ? this.#at.addressOption("frame") : null,
      vaddr: hasFrame ? null : this.#at.addressOption("vaddr"),
      line: this.#line,
    });
  }

  #pin(): void {
    this.#pins ??= [];
    const what = this.#at.only('a frame address or "none"');
    if (what === "none") return;
    const first = this.#at.page(what, "frame") as Pfn;
    const count = this.#at.integer(this.#at.take("count") ?? "1", "count", 0xffff_ffff);
    this.#pins.push({ pfn: first, pages: this.#at.sizeOption(), count });
  }

  #step(op: string): Step {
    switch (op) {
      case "fill":
      case "storeRun": {
        const update = this.#update();
        return { op, update, ...this.#at.run() };
      }
      case "gather": {
        const update = this.#update();
        const { table, index } = this.#at.slot();
        const entries = this.#at.values.map((value) => this.#at.entry(value));
        if (entries.length === 0) this.#fail('gather needs "= ENTRY ENTRY …"');
        this.#at.fits(index, entries.length);
        return { op, update, table, index, entries };
      }
      case "store": {
        const update = this.#update();
        return { op, update, ...this.#at.slot(), entry: this.#at.value() };
      }
      case "exchange": {
        const update = this.#update();
        const expected = this.#at.entry(this.#at.need("expected"));
        return { op, update, ...this.#at.slot(), expected, entry: this.#at.value() };
      }
      case "barrier":
        this.#at.bare();
        return { op };
      case "clean": {
        const { table, index } = this.#at.slot();
        const count = this.#at.integer(this.#at.take("count") ?? "1", "count", MAX_INDEX);
        this.#at.fits(index, count);
        return { op, table, index, count };
      }
      case "invalidate": {
        this.#at.bare();
        const scope = this.#at.take("scope") ?? "nonLeaf";
        if (scope !== "leaf" && scope !== "nonLeaf")
          this.#fail(`scope "${scope}" is neither leaf nor nonLeaf`);
        const caches = this.#caches(this.#at.take("caches") ?? "all");
        if (caches === CACHE_CONTEXT && !this.#at.has("iova") && !this.#at.has("size"))
          return { op, scope, caches, domain: this.#domainOption(), ...this.#everything() };
        return { op, scope, caches, ...this.#domainRange() };
      }
      case "wait": {
        const [, how, more] = this.#at.words;
        if ((how !== undefined && how !== "drain") || more !== undefined)
          this.#fail('wait takes nothing, or "drain"');
        return { op, drain: how === "drain" };
      }
      case "freeTable":
        return { op, table: this.#at.tableAddress(this.#at.only("a table address")) };
      case "unpin": {
        const first = this.#at.page(this.#at.only("a frame address"), "frame") as Pfn;
        return { op, pfn: first, pages: this.#at.sizeOption() };
      }
      case "window": {
        const state = this.#at.only('"open" or "close"');
        if (state !== "open" && state !== "close") this.#fail(`window "${state}" is neither open nor close`);
        return { op, state, ...this.#domainRange() };
      }
      case "setRoot": {
        this.#at.bare();
        const update = this.#update();
        const domain = this.#domainOption();
        const root = this.#at.tableAddress(this.#at.need("root"));
        const text = this.#at.take("tag");
        const tag = text === undefined ? domain : this.#at.integer(text, "tag", 0xffff_ffff);
        return { op, update, domain, root, levels: this.#levels(), tag };
      }
      default:
        this.#fail(`"${op}" is no statement of an edit script`);
    }
  }

  /** Pages of the largest IOVA space there is: what an invalidation without a range reaches. */
  #everything(): { iovaPfn: IovaPfn; pages: number } {
    return { iovaPfn: 0 as IovaPfn, pages: 2 ** (this.#capability!.inputBits - 12) };
  }

  #domainRange(): { domain: number; iovaPfn: IovaPfn; pages: number } {
    return {
      domain: this.#domainOption(),
      iovaPfn: this.#at.addressOption("iova") as IovaPfn,
      pages: this.#at.sizeOption(),
    };
  }

  #update(): number {
    const text = this.#at.take("u");
    if (text !== undefined) return this.#at.integer(text, "u", 0xffff_ffff);
    this.#unnumbered.push(this.#steps.length);
    return 0;
  }

  #caches(text: string): number {
    let caches = 0;
    for (const name of text.split("+")) {
      const bit = CACHE_BITS[name];
      if (bit === undefined) this.#fail(`cache "${name}" is none of iotlb, walk, atc, context, all`);
      caches |= bit;
    }
    return caches;
  }

  #domainOption(): number {
    const text = this.#at.take("domain");
    if (text !== undefined) return this.#at.integer(text, "domain", 0xffff_ffff);
    if (this.#domains.length === 1) return this.#domains[0]!.id;
    this.#fail("domain= is needed where the text does not name exactly one domain before this line");
  }

  #checkDomains(): void {
    const known = new Set(this.#domains.map((d) => d.id));
    this.#steps.forEach((step, i) => {
      if (!("domain" in step)) return;
      if (!known.has(step.domain))
        this.#fail(
          `domain ${step.domain} has no "domain" line and is no tag of an earlier setRoot`,
          this.#stepLines[i],
        );
      if (step.op !== "setRoot") return;
      if (step.tag !== step.domain && this.#domains.some((d) => d.id === step.tag))
        this.#fail(`tag ${step.tag} is taken by domain ${step.tag}`, this.#stepLines[i]);
      known.add(step.tag);
    });
  }

  #script(): EditScript {
    const numbered = this.#steps.reduce((most, s) => ("update" in s ? Math.max(most, s.update) : most), 0);
    this.#unnumbered.forEach((at, i) => {
      this.#steps[at] = { ...this.#steps[at]!, update: numbered + 1 + i } as Step;
    });
    return EditScript.from(this.#steps);
  }

  /** The regions of one map, sorted, with the frames behind them. */
  #map(to: "old" | "new"): MapRun[] {
    const runs: MapRun[] = [];
    const regions = this.#regions.filter((r) => r.to === to).sort((a, b) => a.iova - b.iova);
    let end = 0;
    for (const region of regions) {
      if (region.iova < end) this.#fail(`map ${to} overlaps a region before it`, region.line);
      end = region.iova + region.pages;
      const { iova, rights } = region;
      if (region.pfn !== null)
        runs.push({ iovaPfn: iova as IovaPfn, pages: region.pages, pfn: pfn(region.pfn), rights });
      else this.#resolve(region, runs);
    }
    return runs;
  }

  #resolve(region: Region, runs: MapRun[]): void {
    const first = region.vaddr!;
    for (let done = 0; done < region.pages; ) {
      const at = first + done;
      const backing = this.#backings.find((b) => b.vaddr <= at && at < b.vaddr + b.pages);
      if (backing === undefined)
        this.#fail(
          `no backing line says which frame is behind vaddr 0x${(at * 4096).toString(16)}`,
          region.line,
        );
      const pages = Math.min(region.pages - done, backing.vaddr + backing.pages - at);
      const frame = backing.pfn + at - backing.vaddr;
      runs.push({ iovaPfn: (region.iova + done) as IovaPfn, pages, pfn: pfn(frame), rights: region.rights });
      done += pages;
    }
  }
}
