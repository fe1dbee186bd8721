/** What an operation of the script language takes. */
export interface OperationSyntax {
  /** Words behind the name, in order; `?` marks an optional one. */
  readonly words: readonly WordKind[];
  /** Keys of `key=value` and what they take. */
  readonly keys: Readonly<Record<string, ValueKind>>;
  /** Keys that must be given. */
  readonly required?: readonly string[];
}

/** `name`: an identifier; `file`: an open file's name or a number as fd; `text`: anything. */
export type WordKind =
  | "name"
  | "file"
  | "path"
  | "number"
  | "memory-kind"
  | "protection"
  | "on-off"
  | "parameter"
  | "text"
  | "limit"
  | "name?";
export type ValueKind =
  | "number"
  | "container"
  | "place"
  | "bitmap-place"
  | "iommu-type"
  | "map-flags"
  | "unmap-flags"
  | "dirty-flags"
  | "text"
  | "file";

const c = { c: "container" } as const;
const place = { place: "place" } as const;
const bitmap = { pgsize: "number", bsize: "number", bptr: "bitmap-place" } as const;
const unmap = {
  ...c,
  ...place,
  argsz: "number",
  flags: "unmap-flags",
  iova: "number",
  size: "number",
} as const;

/** Every operation by name: the language's grammar. */
export const OPERATIONS: ReadonlyMap<string, OperationSyntax> = new Map<string, OperationSyntax>(
  Object.entries({
    setup: { words: [], keys: {} },
    container: { words: ["name"], keys: {} },
    group: { words: ["name"], keys: { index: "number" } },
    file: { words: ["name", "path"], keys: {} },
    close: { words: ["file"], keys: {} },
    attach: { words: ["file", "file"], keys: place },
    detach: { words: ["file"], keys: {} },
    "set-iommu": { words: [], keys: { ...c, type: "iommu-type" }, required: ["type"] },
    "api-version": { words: [], keys: c },
    "check-ext": { words: ["number"], keys: c },
    "group-status": { words: ["file"], keys: { ...place, argsz: "number" } },
    "device-fd": { words: ["name", "file"], keys: { ...place, name: "text" } },
    mem: { words: ["name", "number", "memory-kind", "name?"], keys: {} },
    munmap: { words: ["number", "number"], keys: {} },
    mprotect: { words: ["number", "number", "protection"], keys: {} },
    remap: { words: ["number", "number"], keys: {} },
    touch: { words: ["number", "number"], keys: {} },
    map: {
      words: [],
      keys: {
        ...c,
        ...place,
        argsz: "number",
        flags: "map-flags",
        vaddr: "number",
        iova: "number",
        size: "number",
      },
    },
    "map-many": {
      words: [],
      keys: {
        ...c,
        ...place,
        n: "number",
        argsz: "number",
        flags: "map-flags",
        vaddr: "number",
        iova: "number",
        size: "number",
        step: "number",
      },
      required: ["n"],
    },
    unmap: { words: [], keys: unmap },
    "unmap-all": { words: [], keys: unmap },
    "unmap-dirty": { words: [], keys: { ...unmap, ...bitmap } },
    dirty: {
      words: [],
      keys: { ...c, ...place, argsz: "number", flags: "dirty-flags" },
      required: ["flags"],
    },
    "dirty-get": {
      words: [],
      keys: {
        ...c,
        ...place,
        ...bitmap,
        argsz: "number",
        flags: "dirty-flags",
        iova: "number",
        size: "number",
      },
    },
    getinfo: { words: [], keys: { ...c, ...place, argsz: "number", flags: "number" } },
    raw: {
      words: [],
      keys: { ...c, ...place, nr: "number", argsz: "number", fd: "file", arg: "number" },
      required: ["nr"],
    },
    rlimit: { words: ["limit", "number"], keys: {} },
    drop: { words: [], keys: {} },
    param: { words: ["parameter", "text"], keys: {} },
    locked: { words: [], keys: {} },
    extents: { words: ["number", "number"], keys: { ...c, step: "number" } },
    "auto-extents": { words: ["number", "number"], keys: { ...c, step: "number" } },
    trace: { words: ["on-off"], keys: {} },
  } satisfies Record<string, OperationSyntax>),
);
