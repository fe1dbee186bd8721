import type { FlatAddressSpace, FlatRange, FlatView } from "../flat-view.ts";
import { InputError, type Origin } from "../input-error.ts";
import { parseRangeLine } from "./mtree-range.ts";

/** One output of `info mtree -f`, or an extract of it: the flat views of one moment. */
export interface MtreeSnapshot {
  /** What a `@@@ SNAP` line said about it, or null. */
  readonly label: string | null;
  readonly views: readonly FlatView[];
  readonly origin: Origin;
}

/** Root that all PCI bus-master address spaces are printed with; it identifies nothing. */
const SHARED_ROOT = "bus master container";

const MARKER = /^@@@ SNAP(?: (.*))?$/;
const VIEW = /^FlatView #(\d{1,9})$/;
const ADDRESS_SPACE = /^ AS "(.*)", root: (.+)$/;
const ROOT = /^ Root memory region: (.+)$/;
const NOTHING_RENDERED = "  No rendered FlatView";
const DISPATCH = "  Dispatch";
const DISPATCH_LINE = /^(?: {4}|\t)/;
/** Prompt, greeting and the echo of a command being typed, as they are in a saved monitor session. */
const isMonitorLine = (text: string): boolean =>
  text.startsWith("(qemu)") || text.includes("\u001b[") || /^QEMU \S+ monitor - /.test(text);
/** What else a shell or a person wrote around an output. No line of a view starts so, except its first. */
const isWordOutside = (text: string): boolean => /^\S/.test(text);

type State = "outside" | "address spaces" | "ranges" | "empty" | "dispatch";

const EXPECTED = {
  outside: "'FlatView #' and a number",
  empty: "an empty line after 'No rendered FlatView'",
  dispatch: "an indented line of the dispatch tree",
} as const;

class MtreeParser {
  readonly #file: string;
  readonly #snapshots: { label: string | null; views: FlatView[]; origin: Origin }[] = [];
  #state: State = "outside";
  #marked = false;
  #startNew = true;
  /** The first line passed over; what is wrong with a text that holds no view. */
  #passedOver: { readonly text: string; readonly line: number } | null = null;
  #view: { number: number; addressSpaces: FlatAddressSpace[]; ranges: FlatRange[]; origin: Origin } | null =
    null;
  /** Where the view names its root. */
  #rootLine = 0;

  constructor(file: string) {
    this.#file = file;
  }

  parse(text: string): MtreeSnapshot[] {
    const lines = text.split("\n");
    lines.forEach((raw, i) => {
      this.#line(raw.endsWith("\r") ? raw.slice(0, -1) : raw, i + 1);
    });
    this.#endView();
    if (this.#snapshots.length === 0 && this.#passedOver !== null)
      throw new InputError(this.#file, this.#passedOver.line, EXPECTED.outside, this.#passedOver.text);
    if (this.#snapshots.length === 0)
      throw new InputError(this.#file, 0, "the output of `info mtree -f`: no FlatView found", null);
    for (const { views, origin } of this.#snapshots)
      if (views.length === 0)
        throw new InputError(this.#file, origin.line, "a FlatView after the '@@@ SNAP' line", null);
    return this.#snapshots;
  }

  #line(text: string, line: number): void {
    if (VIEW.test(text)) this.#startView(text, line);
    else if (text.startsWith("@@@")) this.#marker(text, line);
    else if (text.trim() === "") this.#endView();
    else if (isMonitorLine(text) || (this.#state === "outside" && !this.#marked && isWordOutside(text))) {
      this.#endView();
      this.#startNew ||= !this.#marked;
      this.#passedOver ??= { text, line };
    } else if (this.#state === "address spaces") this.#addressSpace(text, line);
    else if (this.#state === "ranges") this.#range(text, line);
    else if (this.#state !== "dispatch" || !DISPATCH_LINE.test(text))
      throw new InputError(this.#file, line, EXPECTED[this.#state], text);
  }

  #marker(text: string, line: number): void {
    this.#endView();
    const m = MARKER.exec(text);
    if (m === null) throw new InputError(this.#file, line, "'@@@ SNAP' and a label", text);
    if (!this.#marked && this.#snapshots.length > 0)
      throw new InputError(this.#file, line, "no '@@@ SNAP' line after flat views without one", text);
    this.#marked = true;
    this.#startNew = false;
    this.#snapshots.push({ label: m[1]?.trim() ?? "", views: [], origin: { file: this.#file, line } });
  }

  #startView(text: string, line: number): void {
    this.#endView();
    const number = Number(VIEW.exec(text)![1]);
    this.#view = { number, addressSpaces: [], ranges: [], origin: { file: this.#file, line } };
    this.#state = "address spaces";
  }

  #addressSpace(text: string, line: number): void {
    const view = this.#view!;
    const m = ADDRESS_SPACE.exec(text);
    if (m !== null) {
      view.addressSpaces.push({ name: m[1]!, root: m[2]!.split(", alias ")[0]! });
      return;
    }
    if (!ROOT.test(text))
      throw new InputError(
        this.#file,
        line,
        "' AS \"name\", root: name' or ' Root memory region: name'",
        text,
      );
    if (view.addressSpaces.length === 0)
      throw new InputError(this.#file, line, "at least one address space before the root", text);
    this.#rootLine = line;
    this.#state = "ranges";
  }

  #range(text: string, line: number): void {
    const view = this.#view!;
    if (text === NOTHING_RENDERED && view.ranges.length === 0) {
      this.#state = "empty";
    } else if (text === DISPATCH) {
      this.#state = "dispatch";
    } else {
      const range = parseRangeLine(text, this.#file, line);
      const last = view.ranges.at(-1);
      if (last !== undefined && range.start <= last.last)
        throw new InputError(this.#file, line, "a range that starts after the one before it ends", text);
      view.ranges.push(range);
    }
  }

  #endView(): void {
    const view = this.#view;
    if (view === null) return;
    if (this.#state === "address spaces")
      throw new InputError(
        this.#file,
        view.origin.line,
        "' Root memory region:' before the FlatView ends",
        null,
      );
    /* QEMU says so where a view is empty: without a word the text was cut off here. */
    if (this.#state !== "empty" && view.ranges.length === 0)
      throw new InputError(
        this.#file,
        this.#rootLine,
        `ranges, or '${NOTHING_RENDERED}', after the root memory region`,
        null,
      );
    this.#view = null;
    this.#state = "outside";
    const current = this.#snapshots.at(-1);
    const last = current?.views.at(-1);
    if (this.#marked && last !== undefined && last.number >= view.number)
      throw new InputError(
        this.#file,
        view.origin.line,
        `a FlatView numbered above ${last.number}, or a '@@@ SNAP' line before it`,
        `FlatView #${view.number}`,
      );
    if (this.#marked || (!this.#startNew && continuesDump(current!.views, view))) current!.views.push(view);
    else this.#snapshots.push({ label: null, views: [view], origin: view.origin });
    this.#startNew = false;
  }
}

/**
 * Does a view belong to the same output as the ones before it? A complete output counts its views 0, 1, 2, … and shows
 * an address space once; anything else is an extract of one view, a moment of its own.
 */
function continuesDump(views: readonly FlatView[], next: FlatView): boolean {
  if (views[0]?.number !== 0 || views.at(-1)!.number + 1 !== next.number) return false;
  const seen = new Set(views.flatMap((v) => v.addressSpaces.map(identity)));
  return !next.addressSpaces.some((as) => as.root !== SHARED_ROOT && seen.has(identity(as)));
}

const identity = (as: FlatAddressSpace): string => JSON.stringify([as.name, as.root]);

/**
 * Reads what `info mtree -f` printed, once or several times in a row, with the suffixes of `-o` and the blocks of `-d`.
 *
 * Moments are told apart by '@@@ SNAP' lines where the text has them (then only by them), else by the monitor's prompt or
 * whatever else stands between outputs, and by the numbers of the views. Throws InputError, which names the line, for everything it does not understand.
 */
export const parseMtree = (text: string, file: string): MtreeSnapshot[] => new MtreeParser(file).parse(text);
