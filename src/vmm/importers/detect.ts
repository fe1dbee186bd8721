import { InputError } from "../input-error.ts";
import type { MapSequence } from "../memory-map.ts";
import { importListenerTrace } from "./listener-trace.ts";
import { parseMapFile } from "./map-file.ts";
import { type MtreeOptions, mapsOfViews, readMtree, type ViewSequence } from "./mtree-sequence.ts";

export type InputKind = "mtree" | "listener trace" | "map file";

const MAP_FILE = /^\s*hitless-map\b/;
const MTREE = /^(?:FlatView #|@@@ SNAP)/m;
const TRACE = /^.*vfio_listener_region_/m;
const PLAIN_MTREE = /^address-space: /m;

/** Tells which kind of input a text is, by marks no other kind has. Throws InputError when it is none, or two at once. */
export function detectKind(text: string, file: string): InputKind {
  const first = text.split(/\r?\n/).find((line) => line.trim() !== "" && !line.trim().startsWith("#"));
  if (first !== undefined && MAP_FILE.test(first)) return "map file";
  const mtree = MTREE.test(text);
  const trace = TRACE.test(text);
  if (mtree && trace)
    throw new InputError(file, 0, "either `info mtree -f` output or a vfio_listener trace, not both", null);
  if (mtree) return "mtree";
  if (trace) return "listener trace";
  if (PLAIN_MTREE.test(text))
    throw new InputError(file, 0, "flat views: use `info mtree -f`, not `info mtree`", null);
  throw new InputError(
    file,
    0,
    "`info mtree -f` output ('FlatView #…'), a QEMU trace with vfio_listener_region_* events, or a map file ('hitless-map 1')",
    first ?? null,
  );
}

/**
 * Reads a text of any known kind. `options` apply to `info mtree -f` output, whose views become maps when all of them are
 * known that are compared with each other. Throws InputError.
 */
export function readInputText(
  text: string,
  file: string,
  options: MtreeOptions = {},
): MapSequence | ViewSequence {
  const kind = detectKind(text, file);
  switch (kind) {
    case "map file":
      return parseMapFile(text, file);
    case "listener trace":
      return importListenerTrace(text, file);
    case "mtree":
      return readMtree(text, file, options);
  }
}

/** The maps of inputs that are compared with each other, one sequence an input. */
export function mapsOfInputs(inputs: readonly (MapSequence | ViewSequence)[]): MapSequence[] {
  const views = inputs.filter((input) => "views" in input);
  const maps = mapsOfViews(views);
  return inputs.map((input) => ("views" in input ? maps[views.indexOf(input)]! : input));
}

/** The maps of a text of any known kind, compared with nothing else. Throws InputError. */
export const importText = (text: string, file: string, options: MtreeOptions = {}): MapSequence =>
  mapsOfInputs([readInputText(text, file, options)])[0]!;
