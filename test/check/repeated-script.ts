import {
  CAPABILITIES,
  EditScript,
  type MapRun,
  type Recording,
  type ScriptFile,
  type Step,
} from "../../src/edit-script/index.ts";
import { type IovaPfn, iovaPfn, type Pfn, pfn } from "../../src/units/index.ts";

/** Pages that the tables of a script of three levels span: as many copies as a table has entries stand side by side. */
const SPAN = 512 ** 3;
/** Pages between the tables of one copy and those of the next, all of them in the first 16 TiB; frames are behind these. */
const TABLE_DISTANCE = 2 ** 20;
const FRAME_DISTANCE = 2 ** 28;
const FIRST_FRAMES = 16 * FRAME_DISTANCE;
const FIRST_ROOT = 0x10;
const RIGHTS = 3n;
const FRAME_BITS = 0x000f_ffff_ffff_f000n;

/** True iff a script can be repeated: three levels under roots that stay, and nothing that ties pages together. */
export const isRepeatable = ({ domains, script, isEpoch }: ScriptFile): boolean =>
  !isEpoch && domains.every(({ levels }) => levels === 3) && ![...script].some(({ op }) => op === "setRoot");

/**
 * The script `copies` times: each copy has tables, frames and 512 GiB of addresses of its own, below a new root. The copies run one
 * after the other, or step by step.
 */
export function repeated(file: ScriptFile, copies: number, isInterleaved: boolean): ScriptFile {
  const capability = CAPABILITIES.get(file.capability.name.replace("-39", "-48"))!;
  const roots = [...new Set(file.domains.map(({ root }) => root))];
  const tables = tablesOf(file);
  const moves = Array.from({ length: copies }, (_, i) => new Move(i, tables));
  const steps = [...file.script];
  const parts = moves.map((move) => steps.map((step) => move.step(step)));
  return {
    ...file,
    capability,
    domains: file.domains.map((domain) => {
      return { ...domain, root: pfn(FIRST_ROOT + roots.indexOf(domain.root)), levels: 4 };
    }),
    tables: [
      ...roots.map((root, j) => {
        const [first, stride] = [(BigInt(root) << 12n) | RIGHTS, BigInt(TABLE_DISTANCE) << 12n];
        return { table: pfn(FIRST_ROOT + j), index: 0, count: copies, first, stride };
      }),
      ...moves.flatMap((move) =>
        file.tables.map((run) => ({ ...run, table: move.pfn(run.table), first: move.entry(run.first) })),
      ),
    ],
    oldMap: moves.flatMap((move) => file.oldMap.map((run) => move.run(run))),
    newMap: moves.flatMap((move) => file.newMap.map((run) => move.run(run))),
    pins: file.pins && moves.flatMap((move) => file.pins!.map((run) => ({ ...run, pfn: move.pfn(run.pfn) }))),
    keptTables: moves.flatMap((move) => file.keptTables.map((table) => move.pfn(table))),
    ioctls: [],
    script: EditScript.from(
      isInterleaved ? steps.flatMap((_, k) => parts.map((part) => part[k]!)) : parts.flat(),
    ),
    stepLines: [],
  };
}

/** Pages that are tables at some time. */
function tablesOf({ domains, tables, keptTables, script }: ScriptFile): ReadonlySet<number> {
  const found = new Set<number>(keptTables);
  for (const { root } of domains) found.add(root);
  for (const { table } of tables) found.add(table);
  for (const step of script) if ("table" in step) found.add(step.table);
  return found;
}

/** Puts what a script says into the place of one copy. */
class Move {
  readonly #copy: number;
  readonly #tables: ReadonlySet<number>;

  constructor(copy: number, tables: ReadonlySet<number>) {
    this.#copy = copy;
    this.#tables = tables;
  }

  pfn(at: Pfn): Pfn {
    const isTable = this.#tables.has(at);
    return pfn(at + (isTable ? this.#copy * TABLE_DISTANCE : FIRST_FRAMES + this.#copy * FRAME_DISTANCE));
  }
  entry(entry: bigint): bigint {
    if ((entry & RIGHTS) === 0n) return entry;
    const frame = pfn(Number((entry & FRAME_BITS) >> 12n));
    return (entry & ~FRAME_BITS) | (BigInt(this.pfn(frame)) << 12n);
  }
  run(run: MapRun): MapRun {
    return { ...run, iovaPfn: this.#iova(run.iovaPfn), pfn: this.pfn(run.pfn) };
  }

  step(step: Step): Step {
    switch (step.op) {
      case "barrier":
      case "wait":
        return step;
      case "unpin":
        return { ...step, pfn: this.pfn(step.pfn) };
      case "invalidate":
      case "window":
        return { ...step, iovaPfn: this.#iova(step.iovaPfn), pages: Math.min(step.pages, SPAN) };
      case "clean":
      case "collect":
      case "freeTable":
        return { ...step, table: this.pfn(step.table) };
      case "fill":
      case "storeRun":
        return { ...step, ...this.#write(step), first: this.entry(step.first) };
      case "gather":
        return { ...step, ...this.#write(step), entries: step.entries.map((entry) => this.entry(entry)) };
      case "store":
        return { ...step, ...this.#write(step), entry: this.entry(step.entry) };
      case "exchange": {
        const [expected, entry] = [this.entry(step.expected), this.entry(step.entry)];
        return { ...step, ...this.#write(step), expected, entry };
      }
      case "setRoot":
        throw new RangeError("a script that stores roots has no copies");
    }
  }

  #iova(at: IovaPfn): IovaPfn {
    return iovaPfn(at + this.#copy * SPAN);
  }
  #write({ table, update }: { readonly table: Pfn; readonly update: number }) {
    return { table: this.pfn(table), update: update + this.#copy * UPDATES };
  }
}

/** More updates than a script has. */
const UPDATES = 1000;

/**
 * A recording in which each call does to one copy what the script does, from the first to the last. Pre: nothing is said of pins, which
 * calls would have to take one by one.
 */
export function repeatedInCalls(file: ScriptFile, copies: number): Recording {
  const { newMap, ioctls, script, stepLines, ...before } = repeated(file, copies, false);
  const steps = [...script];
  const length = steps.length / copies;
  return {
    ...before,
    calls: Array.from({ length: copies }, (_, i) => ({
      label: `copy ${i}`,
      line: 0,
      newMap: [
        ...newMap.filter((run) => run.iovaPfn < (i + 1) * SPAN),
        ...before.oldMap.filter((run) => run.iovaPfn >= (i + 1) * SPAN),
      ],
      pinned: [],
      ioctls,
      script: EditScript.from(steps.slice(i * length, (i + 1) * length)),
      stepLines,
    })),
  };
}
