/**
 * Small edit scripts as data, and their text in the documented form. Tables, frames and pages are page numbers; an entry is a number too,
 * since no address here needs more than 53 bits.
 */

export const READ = 1;
export const WRITE = 2;
export const LARGE = 0x80;
export const IOTLB = 1;
export const WALK = 2;
export const ATC = 4;
export const EVERY_CACHE = IOTLB | WALK | ATC;

export const entryOf = (pfn: number, flags: number): number => pfn * 4096 + flags;
export const flagsOf = (entry: number): number => entry % 4096;
export const pfnOf = (entry: number): number => Math.floor(entry / 4096);
export const rightsOf = (entry: number): number => entry % 4;
/** Pages below one entry of a table at this level. */
export const spanOf = (level: number): number => 512 ** level;
export const indexOf = (page: number, level: number): number => Math.floor(page / spanOf(level)) % 512;
export const isLeafAt = (entry: number, level: number): boolean =>
  level === 0 || (flagsOf(entry) & LARGE) !== 0;

export type TablesStep =
  | {
      readonly op: "store" | "fill";
      readonly table: number;
      readonly index: number;
      readonly first: number;
      readonly count: number;
      readonly stride: number;
    }
  | { readonly op: "barrier" }
  | { readonly op: "clean"; readonly table: number; readonly index: number; readonly count: number }
  | {
      readonly op: "invalidate";
      /** Null: under every tag. */
      readonly tag: number | null;
      readonly caches: number;
      readonly scope: "leaf" | "nonLeaf";
      readonly start: number;
      /** Null: all there are. */
      readonly pages: number | null;
    }
  | { readonly op: "context"; readonly tag: number }
  | { readonly op: "wait"; readonly drain: boolean; readonly iommu: number | null }
  | { readonly op: "freeTable"; readonly table: number }
  | { readonly op: "unpin"; readonly frame: number; readonly pages: number }
  | {
      readonly op: "setRoot";
      readonly tag: number;
      readonly root: number;
      readonly levels: number;
      readonly newTag: number;
    };

export interface MapRun {
  readonly page: number;
  readonly pages: number;
  readonly frame: number;
  readonly rights: number;
}

export interface TablesCall {
  readonly map: readonly MapRun[];
  readonly keep: readonly number[];
  readonly steps: readonly TablesStep[];
}

export interface TablesDomain {
  readonly id: number;
  readonly root: number;
  readonly levels: number;
  readonly iommu: number;
}

export interface TablesScript {
  readonly profile: string;
  readonly domains: readonly TablesDomain[];
  readonly hasAtc: boolean;
  /** Entries before the first step. */
  readonly given: readonly { readonly table: number; readonly index: number; readonly entry: number }[];
  readonly oldMap: readonly MapRun[];
  readonly calls: readonly TablesCall[];
}

const hex = (pfn: number): string => `0x${(pfn * 4096).toString(16)}`;
/** A stride is a number of 64 bits. */
const wordText = (value: number): string => `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
const RIGHTS = ["", "r", "w", "rw"];

const cachesText = (caches: number): string =>
  caches === EVERY_CACHE
    ? ""
    : ` caches=${["iotlb", "walk", "atc"].filter((_, i) => caches & (1 << i)).join("+")}`;

export function stepText(step: TablesStep): string {
  switch (step.op) {
    case "store":
    case "fill": {
      const name = step.op === "store" && step.count > 1 ? "storeRun" : step.op;
      const run = step.count > 1 ? ` count=${step.count} stride=${wordText(step.stride)}` : "";
      return `${name} ${hex(step.table)}[${step.index}] = 0x${step.first.toString(16)}${run}`;
    }
    case "barrier":
      return "barrier";
    case "clean":
      return `clean ${hex(step.table)}[${step.index}] count=${step.count}`;
    case "invalidate": {
      const whole = step.tag === null ? "global" : `${step.pages === null ? "all " : ""}domain=${step.tag}`;
      const range =
        step.pages === null || step.tag === null ? "" : ` iova=${hex(step.start)} size=${hex(step.pages)}`;
      return `invalidate ${whole} scope=${step.scope}${cachesText(step.caches)}${range}`;
    }
    case "context":
      return `invalidate domain=${step.tag} caches=context`;
    case "wait":
      return `wait${step.drain ? " drain" : ""}${step.iommu === null ? "" : ` iommu=${step.iommu}`}`;
    case "freeTable":
      return `freeTable ${hex(step.table)}`;
    case "unpin":
      return `unpin ${hex(step.frame)} size=${hex(step.pages)}`;
    case "setRoot": {
      const tag = step.newTag === step.tag ? "" : ` tag=${step.newTag}`;
      return `setRoot domain=${step.tag} root=${hex(step.root)} levels=${step.levels}${tag}`;
    }
  }
}

const mapLines = (which: "old" | "new", runs: readonly MapRun[]): string[] =>
  runs.length === 0
    ? [`map ${which} none`]
    : runs.map(
        ({ page, pages, frame, rights }) =>
          `map ${which} iova=${hex(page)} size=${hex(pages)} frame=${hex(frame)} rights=${RIGHTS[rights]}`,
      );

/** The script in the documented form. One call alone is written without a `call` line. */
export function scriptText({ profile, domains, hasAtc, given, oldMap, calls }: TablesScript): string {
  const callLines = ({ map, keep, steps }: TablesCall, i: number): string[] => [
    ...(calls.length > 1 ? [`call ${i + 1}`] : []),
    ...mapLines("new", map),
    ...keep.map((table) => `keep ${hex(table)}`),
    ...steps.map(stepText),
  ];
  return [
    `hitless-edit-script 1 ${profile}`,
    ...domains.map(
      ({ id, root, levels, iommu }) => `domain ${id} root=${hex(root)} levels=${levels} iommu=${iommu}`,
    ),
    `caches iotlb+walk${hasAtc ? "+atc" : ""}`,
    ...given.map(({ table, index, entry }) => `table ${hex(table)}[${index}] = 0x${entry.toString(16)}`),
    ...mapLines("old", oldMap),
    ...calls.flatMap(callLines),
    "",
  ].join("\n");
}
