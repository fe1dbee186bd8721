import { iovaPfn, READ, WRITE } from "../../units/index.ts";
import { InputError, type Origin } from "../input-error.ts";
import {
  type ImportNote,
  type MapRegion,
  type MapSequence,
  type MapStep,
  makeMemoryMap,
} from "../memory-map.ts";
import type { SkippedRange, SkipReason } from "../skipped-range.ts";
import { HvaBackings } from "./hva-backings.ts";
import { parseTraceLine, type TraceEvent } from "./trace-event.ts";

/** A range the listener was given and has not been told to forget. */
interface LiveRange {
  readonly start: bigint;
  readonly last: bigint;
  /** Host virtual address of memory that is mapped, or why nothing is. */
  readonly content: { readonly hva: bigint } | { readonly reason: SkipReason; readonly name: string };
  readonly origin: Origin;
}

/** The state after one commit, before it is known which host addresses belong together. */
interface Commit {
  readonly ranges: readonly LiveRange[];
  readonly origin: Origin;
}

const RIGHTS_NOTE = "the trace does not tell read-only regions: all are taken as readable and writable";

/** Follows the listener event by event and cuts the events into commits. */
class TraceReader {
  readonly commits: Commit[] = [];
  readonly notes: ImportNote[] = [];
  readonly #file: string;
  readonly #live = new Map<bigint, LiveRange>();
  #origin: Origin | null = null;
  #phase: "deletes" | "adds" = "deletes";
  #last = -1n;
  #removed = new Map<bigint, LiveRange>();
  /** The range of the event before this one, when that was an add. */
  #justAdded: LiveRange | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  take(event: TraceEvent, text: string, line: number): void {
    const justAdded = this.#justAdded;
    this.#justAdded = null;
    switch (event.kind) {
      case "add":
        this.#add(event, { hva: event.hva }, line, text);
        break;
      case "add-iommu":
        this.#add(event, { reason: "translated by a vIOMMU", name: event.name }, line, text);
        break;
      case "skip-add":
        this.#add(event, { reason: "skipped by QEMU", name: "" }, line, text);
        break;
      case "del":
      case "skip-del":
        this.#remove(event, line, text);
        break;
      case "no-dma":
        this.#noDma(event, justAdded, line);
        break;
      case "del-iommu":
        break; /* only a name; the range follows as an event of its own */
    }
  }

  finish(): void {
    if (this.#origin === null) return;
    this.commits.push({
      ranges: [...this.#live.values()].sort((a, b) => (a.start < b.start ? -1 : 1)),
      origin: this.#origin,
    });
    this.#origin = null;
    this.#removed = new Map();
    this.#phase = "deletes";
    this.#last = -1n;
  }

  /** Within one commit all deletes come first, and deletes as well as adds come in address order: whatever breaks this begins another. */
  #enter(phase: "deletes" | "adds", start: bigint, line: number): void {
    const backwards = phase === this.#phase && start <= this.#last;
    if (backwards || (phase === "deletes" && this.#phase === "adds")) this.finish();
    if (phase !== this.#phase) this.#last = -1n;
    this.#phase = phase;
    this.#last = start;
    this.#origin ??= { file: this.#file, line };
  }

  #add(
    { start, last }: { start: bigint; last: bigint },
    content: LiveRange["content"],
    line: number,
    text: string,
  ): void {
    this.#enter("adds", start, line);
    for (const other of this.#live.values())
      if (start <= other.last && other.start <= last)
        throw new InputError(
          this.#file,
          line,
          `a range that does not overlap the one added at line ${other.origin.line} (one listener a trace)`,
          text,
        );
    const range: LiveRange = { start, last, content, origin: { file: this.#file, line } };
    this.#live.set(start, range);
    this.#justAdded = range;
    const before = this.#removed.get(start);
    if (
      before?.last === last &&
      "hva" in content &&
      "hva" in before.content &&
      before.content.hva === content.hva
    )
      this.notes.push({
        origin: range.origin,
        text: "removed and added again with the same memory: other rights, or two commits; the trace cannot tell which",
      });
  }

  #remove({ start, last }: { start: bigint; last: bigint }, line: number, text: string): void {
    this.#enter("deletes", start, line);
    const range = this.#live.get(start);
    if (range === undefined || range.last !== last)
      throw new InputError(
        this.#file,
        line,
        "the removal of a range that was announced before (virtio-mem is not)",
        text,
      );
    this.#live.delete(start);
    this.#removed.set(start, range);
  }

  /** QEMU announces a RAM device first and then finds that it cannot be mapped. One without a whole page was never announced. */
  #noDma(event: TraceEvent & { kind: "no-dma" }, announced: LiveRange | null, line: number): void {
    if (announced === null || announced.start !== event.start) return;
    const content = { reason: "not mappable for DMA" as const, name: event.name };
    this.#live.set(event.start, { ...announced, content, origin: { file: this.#file, line } });
  }
}

/**
 * Reads the `vfio_listener_region_*` events of a QEMU log into the maps of a container.
 *
 * The trace has no commits and no rights. Commits are derived from what QEMU's memory core guarantees of one: deletes
 * before adds, both in address order. Commits that nothing tells apart (only adds at rising addresses follow) become one
 * step; that hides an intermediate map but no removal. Memory is identified by host virtual address, so memory that is
 * given back and allocated again at the same address counts as the same. Lines of other events are passed over.
 * Throws InputError: unknown form of an event, an add over a live range, a delete of a range that is not there.
 */
export function importListenerTrace(text: string, file: string): MapSequence {
  const reader = new TraceReader(file);
  const backings = new HvaBackings();
  text.split(/\r?\n/).forEach((raw, i) => {
    const event = parseTraceLine(raw, file, i + 1);
    if (event === null) return;
    if (event.kind === "add") checkAlignment(event, raw, file, i + 1);
    reader.take(event, raw, i + 1);
    if (event.kind === "add") backings.use(event.hva, event.last - event.start + 1n);
  });
  reader.finish();
  if (reader.commits.length === 0)
    throw new InputError(file, 0, "vfio_listener_region_* events of a QEMU trace", null);
  return {
    name: file,
    source: "QEMU vfio_listener trace",
    steps: reader.commits.map((commit, i) => buildStep(commit, i, backings)),
    notes: [{ origin: { file, line: 0 }, text: RIGHTS_NOTE }, ...reader.notes],
  };
}

/** QEMU rounds to pages before it traces, so anything else is damage. */
function checkAlignment(
  { start, last, hva }: { start: bigint; last: bigint; hva: bigint },
  text: string,
  file: string,
  line: number,
): void {
  if ((start | (last + 1n) | hva) & 0xfffn)
    throw new InputError(file, line, "addresses rounded to 4096-byte pages", text);
  if (hva + (last - start) >= 1n << 64n)
    throw new InputError(file, line, "memory that ends within 64 bits", text);
}

function buildStep(commit: Commit, index: number, backings: HvaBackings): MapStep {
  const regions: MapRegion[] = [];
  const skipped: SkippedRange[] = [];
  for (const { start, last, content, origin } of commit.ranges) {
    if ("hva" in content)
      regions.push({
        iovaPfn: iovaPfn(Number(start >> 12n)),
        pages: Number((last - start + 1n) >> 12n),
        ...backings.locate(content.hva),
        rights: READ | WRITE,
      });
    else skipped.push({ start, last, name: content.name, kind: "", reason: content.reason, origin });
  }
  return { label: `commit ${index}`, map: makeMemoryMap(regions), origin: commit.origin, skipped };
}
