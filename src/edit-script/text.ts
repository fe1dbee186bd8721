import { hex, hexPage, type IovaPfn, type Pfn, type Rights } from "../units/index.ts";
import type { Capability } from "./capability.ts";
import { onlyScript, type Recording } from "./recording.ts";
import { OP, recordLength } from "./records.ts";
import type { EditScript } from "./script.ts";
import { CACHE_ATC, CACHE_CONTEXT, CACHE_IOTLB, CACHE_WALK, CACHES_ALL, type Step } from "./steps.ts";

/**
 * The text form of an edit script: one statement a line, `#` starts a comment. docs/edit-script.md is the reference;
 * version 1 keeps its meaning for good. Every address is a byte address, every size is in bytes.
 */
export const TEXT_MAGIC = "hitless-edit-script";
export const TEXT_VERSION = 1;

/** A set of tables that devices walk. */
export interface ScriptDomain {
  readonly id: number;
  readonly root: Pfn;
  readonly levels: number;
  /** The IOMMU that its devices are behind: each has an invalidation queue of its own. 0 unless given. */
  readonly iommu?: number;
}
/** Entries a table holds before the script: entry i of the run is `first + i * stride`. */
export interface TableRun {
  readonly table: Pfn;
  readonly index: number;
  readonly count: number;
  readonly first: bigint;
  readonly stride: bigint;
}
/** Pages `iovaPfn + i` translate to frames `pfn + i`. */
export interface MapRun {
  readonly iovaPfn: IovaPfn;
  readonly pages: number;
  readonly pfn: Pfn;
  readonly rights: Rights;
}
/** Frames `pfn` to `pfn + pages` are pinned `count` times when the script starts. */
export interface PinRun {
  readonly pfn: Pfn;
  readonly pages: number;
  readonly count: number;
}

/** One of several ioctls that make a change together. */
export interface ScriptIoctl {
  /** What follows `ioctl` in its line. */
  readonly label: string;
  /** The step from which on steps are its own, from 1; that of the next ioctl, or one past the last step, where it ran none. */
  readonly step: number;
}

/** One edit script with everything it means something against. */
export interface ScriptFile {
  readonly capability: Capability;
  readonly domains: readonly ScriptDomain[];
  readonly tables: readonly TableRun[];
  readonly oldMap: readonly MapRun[];
  readonly newMap: readonly MapRun[];
  /** Null where the file says nothing about pins. */
  readonly pins: readonly PinRun[] | null;
  /** Tables that stay allocated although the script detaches them. */
  readonly keptTables: readonly Pfn[];
  /** Pages of tables that were given back before the first step: they hold none, unless the script fills one again. */
  readonly freedTables?: readonly Pfn[];
  /** Caches that walkers and devices have. */
  readonly deviceCaches: number;
  /** The caller asked for epoch mode: no device may see the new map and after that the old one. */
  readonly isEpoch: boolean;
  /** The ioctls that ran the steps, in order; none where nothing is said of them. The first begins with step 1. */
  readonly ioctls: readonly ScriptIoctl[];
  readonly script: EditScript;
  /** Line of each step; empty for a script that was not read from text. */
  readonly stepLines: readonly number[];
}

/** Text that is no edit script; the sentence names file, line and reason. */
export class ScriptTextError extends Error {
  override name = "ScriptTextError";
  readonly file: string;
  readonly line: number;
  readonly reason: string;

  constructor(file: string, line: number, reason: string) {
    const shown = fitToShow(reason);
    super(`${file}:${line}: ${shown}`);
    this.file = file;
    this.line = line;
    this.reason = shown;
  }
}

const LONGEST_REASON = 400;

/** What was read may be anything: control characters and endless words are kept off the terminal. */
function fitToShow(reason: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that are looked for
  const plain = reason.replace(/[\u0000-\u001f\u007f-\u009f\ufffd]/g, "?");
  const half = LONGEST_REASON / 2;
  return plain.length > LONGEST_REASON ? `${plain.slice(0, half)} … ${plain.slice(-half)}` : plain;
}

const CACHE_NAMES: readonly (readonly [string, number])[] = [
  ["iotlb", CACHE_IOTLB],
  ["walk", CACHE_WALK],
  ["atc", CACHE_ATC],
  ["context", CACHE_CONTEXT],
];
const cachesText = (caches: number): string =>
  caches === CACHES_ALL
    ? "all"
    : CACHE_NAMES.filter(([, bit]) => caches & bit)
        .map(([name]) => name)
        .join("+") || "none";
const rightsText = (rights: Rights): string => ["none", "r", "w", "rw"][rights & 3]!;
const iommuText = (iommu: number | undefined): string => (iommu === undefined ? "" : ` iommu=${iommu}`);
const sizeText = (pages: number): string => hexPage(pages);
const entryText = (entry: bigint): string => "0x" + BigInt.asUintN(64, entry).toString(16).padStart(16, "0");
const slotText = (table: number, index: number): string => `${hexPage(table)}[${index}]`;
const runText = (table: number, index: number, count: number, first: bigint, stride: bigint): string =>
  `${slotText(table, index)} = ${entryText(first)} count=${count} stride=${hex(BigInt.asUintN(64, stride))}`;

/** One step as one line of the text form. */
export function printStep(step: Step): string {
  switch (step.op) {
    case "fill":
    case "storeRun":
      return `${step.op} ${runText(step.table, step.index, step.count, step.first, step.stride)} u=${step.update}`;
    case "gather":
      return `gather ${slotText(step.table, step.index)} = ${step.entries.map(entryText).join(" ")} u=${step.update}`;
    case "barrier":
      return "barrier";
    case "collect":
      return `collect ${slotText(step.table, step.index)} count=${step.count}`;
    case "clean":
      return `clean ${slotText(step.table, step.index)} count=${step.count}`;
    case "store":
      return `store ${slotText(step.table, step.index)} = ${entryText(step.entry)} u=${step.update}`;
    case "exchange":
      return (
        `exchange ${slotText(step.table, step.index)} = ${entryText(step.entry)} ` +
        `expected=${entryText(step.expected)} u=${step.update}`
      );
    case "invalidate":
      if (step.caches === CACHE_CONTEXT) return `invalidate domain=${step.domain} caches=context`;
      return (
        `invalidate domain=${step.domain} scope=${step.scope} caches=${cachesText(step.caches)} ` +
        `iova=${hexPage(step.iovaPfn)} size=${sizeText(step.pages)}`
      );
    case "wait":
      return `wait${step.drain ? " drain" : ""}${iommuText(step.iommu)}`;
    case "freeTable":
      return `freeTable ${hexPage(step.table)}`;
    case "unpin":
      return `unpin ${hexPage(step.pfn)} size=${sizeText(step.pages)}`;
    case "window":
      return `window ${step.state} domain=${step.domain} iova=${hexPage(step.iovaPfn)} size=${sizeText(step.pages)}`;
    case "setRoot":
      return (
        `setRoot domain=${step.domain} root=${hexPage(step.root)} levels=${step.levels} ` +
        `tag=${step.tag} u=${step.update}`
      );
  }
}

/** A whole file as text; `parseScript` reads it back unchanged. */
export function printScript(file: ScriptFile): string {
  const before = linesBefore(file, [file.script]);
  const lines = [...before, ...newMapLines(file.newMap), ...pinLines(file.pins), ...linesOf(file)];
  return `${lines.join("\n")}\n`;
}

/** A recording as text; `parseRecording` reads it back unchanged, but for lines. */
export function printRecording(recording: Recording): string {
  const { calls, pins } = recording;
  if (calls.length === 1 && calls[0]!.line === 0) return printScript(onlyScript(recording));
  const scripts = calls.map(({ script }) => script);
  const lines = [...linesBefore(recording, scripts), ...pinLines(pins)];
  for (const call of calls) {
    const { label, newMap, pinned, kept = [] } = call;
    lines.push(`call ${label}`.trimEnd(), ...keepLines(kept));
    const own = [...newMapLines(newMap), ...(pinned.length > 0 ? pinLines(pinned) : []), ...linesOf(call)];
    // A call may have more lines than a function takes arguments.
    for (const line of own) lines.push(line);
  }
  return `${lines.join("\n")}\n`;
}

/** Steps, each below the line of the ioctl that ran it. */
function* linesOf({ script, ioctls }: Pick<ScriptFile, "script" | "ioctls">): Generator<string> {
  let next = 0;
  let number = 0;
  for (const step of script) {
    number++;
    for (; next < ioctls.length && ioctls[next]!.step <= number; next++) yield ioctlLine(ioctls[next]!);
    yield printStep(step);
  }
  yield* ioctls.slice(next).map(ioctlLine);
}

const ioctlLine = ({ label }: ScriptIoctl): string => `ioctl ${label}`.trimEnd();

type Before = Omit<Recording, "calls" | "pins">;

/** Tags that scripts invalidate and no domain has or gets. */
function foreignTags(domains: readonly ScriptDomain[], scripts: readonly EditScript[]): number[] {
  const foreign = new Set<number>();
  const known = new Set(domains.map(({ id }) => id));
  for (const { words } of scripts)
    for (let at = 0; at < words.length; at += recordLength(words, at)) {
      const op = words[at]! & 0xff;
      if (op === OP.invalidate) foreign.add(words[at + 2]!);
      else if (op === OP.setRoot) known.add(words[at + 6]!);
    }
  return [...foreign].filter((tag) => !known.has(tag));
}

/** Header, and what there was before the first step. */
function linesBefore(file: Before, scripts: readonly EditScript[]): string[] {
  const lines = [`${TEXT_MAGIC} ${TEXT_VERSION} ${file.capability.name}`];
  if (file.deviceCaches !== CACHES_ALL) lines.push(`caches ${cachesText(file.deviceCaches)}`);
  if (file.isEpoch) lines.push("epoch");
  for (const d of file.domains)
    lines.push(`domain ${d.id} root=${hexPage(d.root)} levels=${d.levels}${iommuText(d.iommu)}`);
  for (const tag of foreignTags(file.domains, scripts)) lines.push(`tag ${tag}`);
  for (const t of file.tables) lines.push(`table ${runText(t.table, t.index, t.count, t.first, t.stride)}`);
  lines.push(...keepLines(file.keptTables));
  for (const table of file.freedTables ?? []) lines.push(`freed ${hexPage(table)}`);
  return [...lines, ...mapLines("old", file.oldMap)];
}

const keepLines = (tables: readonly Pfn[]): string[] => tables.map((table) => `keep ${hexPage(table)}`);

const mapLines = (name: "old" | "new", map: readonly MapRun[]): string[] =>
  map.map(
    (run) =>
      `map ${name} iova=${hexPage(run.iovaPfn)} size=${sizeText(run.pages)} ` +
      `frame=${hexPage(run.pfn)} rights=${rightsText(run.rights)}`,
  );

const newMapLines = (map: readonly MapRun[]): string[] =>
  map.length === 0 ? ["map new none"] : mapLines("new", map);

const pinLines = (pins: readonly PinRun[] | null): string[] =>
  pins?.length === 0
    ? ["pins none"]
    : (pins ?? []).map(
        ({ pfn, pages, count }) => `pins ${hexPage(pfn)} size=${sizeText(pages)} count=${count}`,
      );
