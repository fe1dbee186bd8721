import type { FlatView } from "../flat-view.ts";
import { InputError } from "../input-error.ts";
import type { ImportNote, MapSequence, MapStep, MemoryMap } from "../memory-map.ts";
import { naturalOrder } from "../natural-order.ts";
import type { SkippedRange } from "../skipped-range.ts";
import { mapFromFlatRanges } from "../vfio-rules.ts";
import { DEFAULT_ADDRESS_SPACE, missingAddressSpace, selectView, showOneViewEach } from "./address-space.ts";
import { nameBackings } from "./backing-names.ts";
import { type MtreeSnapshot, parseMtree } from "./mtree.ts";
import { parseSequenceTsv } from "./sequence-tsv.ts";

export interface MtreeOptions {
  /** Name of the address space, or of its root; default `memory`. */
  readonly addressSpace?: string;
}

/** A flat view and what to call the moment. */
interface LabelledView {
  readonly label: string;
  readonly view: FlatView;
}

/** The flat views of one address space, before it is known which of them are compared with each other. */
export interface ViewSequence {
  readonly name: string;
  readonly source: string;
  readonly views: readonly LabelledView[];
  readonly notes: readonly ImportNote[];
}

/** The maps of sequences that are compared with each other: a name means the same memory in all of them. */
export function mapsOfViews(sequences: readonly ViewSequence[]): MapSequence[] {
  const { backingOf, notes: unknownOwners } = nameBackings(
    sequences.flatMap(({ views }) => views.map(({ view }) => view)),
  );
  const built = new Map<FlatView, { map: MemoryMap; skipped: SkippedRange[] }>();
  const stepOf = ({ label, view }: LabelledView): MapStep => {
    const result = built.get(view) ?? mapFromFlatRanges(view.ranges, view.origin.file, backingOf);
    built.set(view, result);
    return { label, ...result, origin: view.origin };
  };
  return sequences.map(({ name, source, views, notes }, i) => ({
    name,
    source,
    steps: views.map(stepOf),
    notes: i === 0 ? [...notes, ...unknownOwners] : notes,
  }));
}

/**
 * The views of one address space over the snapshots of one text, in order of appearance.
 *
 * Snapshots taken before the address space exists (a device's own, before the device) are passed over with a note.
 * Throws InputError when it is missing altogether, or again after it was there.
 */
export function readMtree(text: string, file: string, options: MtreeOptions = {}): ViewSequence {
  const addressSpace = options.addressSpace ?? DEFAULT_ADDRESS_SPACE;
  const snapshots = parseMtree(text, file);
  const notes: ImportNote[] = [];
  const views: LabelledView[] = [];
  const onlyOne = options.addressSpace === undefined && showOneViewEach(snapshots);
  snapshots.forEach((snapshot, i) => {
    const view = onlyOne ? snapshot.views[0]! : selectView(snapshot, addressSpace);
    if (view !== null) views.push({ label: snapshot.label ?? `snapshot ${i}`, view });
    else if (views.length > 0) throw missingAddressSpace([snapshot], addressSpace);
    else notes.push({ origin: snapshot.origin, text: `no address space '${addressSpace}' yet: passed over` });
  });
  if (views.length === 0) throw missingAddressSpace(snapshots, addressSpace);
  return {
    name: file,
    source: `info mtree -f, address space '${addressSpace}'`,
    views,
    notes,
  };
}

/** The maps of `readMtree`, compared with nothing else. */
export const importMtree = (text: string, file: string, options: MtreeOptions = {}): MapSequence =>
  mapsOfViews([readMtree(text, file, options)])[0]!;

/** The snapshot of a file that must hold exactly one. */
function onlySnapshot(text: string, path: string): MtreeSnapshot {
  const snapshots = parseMtree(text, path);
  if (snapshots.length > 1)
    throw new InputError(path, snapshots[1]!.origin.line, "one snapshot in a file of a sequence", null);
  return snapshots[0]!;
}

/**
 * The views of a folder of snapshots, one a file.
 *
 * `files` holds the texts by file name, `sequence.tsv` among them where the folder has one: it gives the order and may
 * name a file several times. Without it every file counts once, in the natural order of
 * their names (`s2` before `s10`).
 * Throws InputError.
 */
export function readMtreeFolder(
  files: ReadonlyMap<string, string>,
  folder: string,
  options: MtreeOptions = {},
): ViewSequence {
  const addressSpace = options.addressSpace ?? DEFAULT_ADDRESS_SPACE;
  const snapshots = new Map<string, MtreeSnapshot>();
  const ordered: { label: string; snapshot: MtreeSnapshot }[] = [];
  const take = (label: string, name: string, text: string): void => {
    let snapshot = snapshots.get(name);
    if (snapshot === undefined) {
      snapshot = onlySnapshot(text, `${folder}/${name}`);
      snapshots.set(name, snapshot);
    }
    ordered.push({ label, snapshot });
  };
  const sequence = files.get("sequence.tsv");
  if (sequence !== undefined) {
    const path = `${folder}/sequence.tsv`;
    for (const { file, label, line } of parseSequenceTsv(sequence, path)) {
      const text = file === "sequence.tsv" ? undefined : files.get(file);
      if (text === undefined) throw new InputError(path, line, "the name of a file in the folder", file);
      take(`${label} ${file}`, file, text);
    }
  } else {
    for (const name of [...files.keys()].sort(naturalOrder)) take(name, name, files.get(name)!);
    if (ordered.length === 0)
      throw new InputError(folder, 0, "at least one snapshot (*.txt or *.txt.gz) in the folder", null);
  }
  const onlyOne = options.addressSpace === undefined && showOneViewEach([...snapshots.values()]);
  const views = new Map<MtreeSnapshot, FlatView>();
  for (const snapshot of snapshots.values()) {
    const view = onlyOne ? snapshot.views[0]! : selectView(snapshot, addressSpace);
    if (view === null) throw missingAddressSpace([snapshot], addressSpace);
    views.set(snapshot, view);
  }
  return {
    name: folder.split("/").findLast((part) => part !== "") ?? folder,
    source: `${views.size} snapshots of info mtree -f, address space '${addressSpace}'`,
    views: ordered.map(({ label, snapshot }) => ({ label, view: views.get(snapshot)! })),
    notes: [],
  };
}

/** The maps of `readMtreeFolder`, compared with nothing else. */
export const importMtreeFolder = (
  files: ReadonlyMap<string, string>,
  folder: string,
  options: MtreeOptions = {},
): MapSequence => mapsOfViews([readMtreeFolder(files, folder, options)])[0]!;
