import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { mapsOfInputs, readInputText } from "./importers/detect.ts";
import { type MtreeOptions, readMtreeFolder, type ViewSequence } from "./importers/mtree-sequence.ts";
import { InputError } from "./input-error.ts";
import type { MapSequence } from "./memory-map.ts";
import { naturalOrder } from "./natural-order.ts";

/** Text larger than this is refused: no capture comes near it, a damaged or hostile .gz does. */
const LARGEST_TEXT_BYTES = 256 << 20;
const SNAPSHOT_NAME = /\.txt(?:\.gz)?$/;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Reads a text file, compressed or not; which of the two it is, its first bytes say. Throws InputError. */
function readText(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new InputError(path, 0, "a readable file", reasonOf(error));
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: LARGEST_TEXT_BYTES });
    } catch (error) {
      throw new InputError(path, 0, `gzip data of at most ${LARGEST_TEXT_BYTES >> 20} MiB`, reasonOf(error));
    }
  if (bytes.length > LARGEST_TEXT_BYTES)
    throw new InputError(path, 0, `at most ${LARGEST_TEXT_BYTES >> 20} MiB of text`, `${bytes.length} bytes`);
  /* Not Buffer.toString: a byte order mark is no part of the text. */
  return new TextDecoder().decode(bytes);
}

const MOST_NAMES = 5;

/** Names for a sentence: the first few, and how many more there are. */
const listNames = (names: readonly string[]): string =>
  names.slice(0, MOST_NAMES).join(", ") +
  (names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "");

/** Reads what sequence.tsv names: a folder with one may hold anything else as well. */
function readListedFiles(path: string, names: readonly string[]): Map<string, string> {
  const sequence = readText(join(path, "sequence.tsv"));
  const files = new Map([["sequence.tsv", sequence]]);
  for (const name of names)
    if (sequence.includes(name) && statSync(join(path, name)).isFile() && !files.has(name))
      files.set(name, readText(join(path, name)));
  return files;
}

function readFolder(path: string, options: MtreeOptions): ViewSequence {
  const names = readdirSync(path).sort(naturalOrder);
  if (names.includes("sequence.tsv")) return readMtreeFolder(readListedFiles(path, names), path, options);
  const snapshots = names.filter((name) => SNAPSHOT_NAME.test(name));
  const passedOver = names.filter((name) => !SNAPSHOT_NAME.test(name) && !name.startsWith("."));
  if (snapshots.length === 0)
    throw new InputError(
      path,
      0,
      "at least one snapshot (*.txt or *.txt.gz) in the folder; other files are read when they are named themselves",
      passedOver.length === 0 ? null : listNames(passedOver),
    );
  const read = readMtreeFolder(
    new Map(snapshots.map((name) => [name, readText(join(path, name))])),
    path,
    options,
  );
  if (passedOver.length === 0) return read;
  const text = `not read: ${listNames(passedOver)}; of a folder without sequence.tsv only *.txt and *.txt.gz are`;
  return { ...read, notes: [...read.notes, { origin: { file: path, line: 0 }, text }] };
}

function readPath(path: string, options: MtreeOptions): MapSequence | ViewSequence {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    throw new InputError(path, 0, "a file or folder", reasonOf(error));
  }
  if (isFolder) return readFolder(path, options);
  return { ...readInputText(readText(path), path, options), name: basename(path) };
}

/**
 * Reads a sequence of memory maps from each path: a file of any known kind, plain or .gz, or a folder of
 * `info mtree -f` snapshots with or without sequence.tsv. A name means the same memory in all of them. Throws InputError.
 */
export const loadPaths = (paths: readonly string[], options: MtreeOptions = {}): MapSequence[] =>
  mapsOfInputs(paths.map((path) => readPath(path, options)));

/** Reads one path, compared with nothing else. Throws InputError. */
export const loadInput = (path: string, options: MtreeOptions = {}): MapSequence =>
  loadPaths([path], options)[0]!;
