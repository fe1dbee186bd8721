import type { Pfn } from "../../units/index.ts";
import type { Decision } from "../decide.ts";
import { joined, type PageRange } from "../maps/interest.ts";
import { firstAtOrAfter } from "../script/positions.ts";
import type { ScriptLog } from "../script/script-log.ts";
import type { RootVersion } from "../walks/roots.ts";
import { tableDrifts } from "./table-ledger.ts";
import type { Cause } from "./violation-class.ts";
import type { RawViolation } from "./violations.ts";

/** A violation the script shows without any walk, with its cause. */
export interface LedgerEntry {
  readonly violation: Omit<RawViolation, "stretch">;
  readonly cause: Cause;
  /** What does not add up; null where that is no matter of accounts. */
  readonly drift: Drift | null;
}

/** A table, or frames in a row, of which more or less is left than must be. */
interface Drift {
  readonly name: string;
  readonly frames: PageRange | null;
  /** What several of them are called, and what is said of one and of several. */
  readonly names: "tables" | "frames";
  readonly says: string;
  readonly allSay: string;
}

const TABLE_SAYS = {
  leak: { says: "is neither reachable nor freed", allSay: "are neither reachable nor freed" },
  double: { says: "is freed twice", allSay: "are freed twice" },
  unknown: { says: "is freed but was no table", allSay: "are freed but were no tables" },
} as const;

const NOWHERE = { index: 0, level: 0, until: 0, access: 0 };

/** What the script alone decides: pins and tables that do not add up, and roots that change in pieces. */
export function ledger(decision: Decision): LedgerEntry[] {
  const { log, input } = decision;
  const entries: LedgerEntry[] = [];
  const domain = input.domains[0]?.id ?? 0;
  const add = (
    cause: Cause,
    drift: Drift,
    where: Pick<RawViolation, "domain" | "table" | "step" | "start" | "end">,
  ): void => {
    const violation = {
      ...NOWHERE,
      ...where,
      class: "V12",
      from: log.steps,
      met: textOf([drift]),
    } as const;
    entries.push({ violation, cause, drift });
  };
  for (const { start, end, pins, references } of decision.pins.drifts) {
    const says = `hold ${counted(pins, "pin")} for ${counted(references, "page")} of the new map`;
    const name = `0x${(start * 4096).toString(16)} to 0x${(end * 4096).toString(16)}`;
    const drift: Drift = { name, frames: { start, end }, names: "frames", says, allSay: says };
    add(pins > references ? "leak" : "double", drift, { domain, table: 0, step: 0, start: 0, end: 0 });
  }
  for (const { what, ...where } of tableDrifts(decision)) {
    const name = `0x${(where.table * 4096).toString(16)}`;
    add(
      what === "leak" ? "leak" : "double",
      { name, frames: null, names: "tables", ...TABLE_SAYS[what] },
      { domain, ...where },
    );
  }
  for (const own of input.domains)
    for (const { class: kind, cause, met, root } of [
      ...tornRoots(decision, own.id),
      ...goneRoots(decision, own.id),
    ]) {
      const end = decision.geometry.tableSpan(root.levels - 1);
      const where = { domain: own.id, start: 0, end, table: root.table, step: root.step, from: root.step };
      const violation = { ...NOWHERE, ...where, class: kind, met };
      entries.push({ violation, cause, drift: null });
    }
  return entries;
}

/** The step that takes a frame's last pin, or one too many; 0 where none takes any. */
function lastUnpin({ unpins }: ScriptLog, frame: number): number {
  const { starts, ends, steps } = unpins;
  for (let i = steps.length - 1; i >= 0; i--) if (starts[i]! <= frame && frame < ends[i]!) return steps[i]!;
  return 0;
}

/** Makes one of all that say the same: what a script forgets for one table it forgets for more. */
export function mergedDrifts(
  log: ScriptLog,
  entries: readonly LedgerEntry[],
): { entry: LedgerEntry; ranges: PageRange[]; frames: PageRange[] }[] {
  const lists = new Map<string, LedgerEntry[]>();
  for (const entry of entries) {
    const key = `${entry.drift?.names} ${entry.drift?.says} ${entry.violation.domain}`;
    const list = lists.get(key);
    if (list === undefined) lists.set(key, [entry]);
    else list.push(entry);
  }
  return [...lists.values()].map((list) => {
    const placed = list.filter(({ violation: { start, end } }) => start < end);
    const [any] = list as [LedgerEntry];
    const first = placed.reduce((a, b) => (b.violation.start < a.violation.start ? b : a), placed[0] ?? any);
    const met = textOf(list.map(({ drift }) => drift!));
    const ranges = joined(
      placed.map(({ violation }) => violation),
      Infinity,
    );
    const frames = list.flatMap(({ drift }) => drift?.frames ?? []);
    const isTaken = first.cause === "double" && frames.length > 0;
    const step = isTaken ? lastUnpin(log, frames[0]!.start) : first.violation.step;
    return { entry: { ...first, violation: { ...first.violation, met, step } }, ranges, frames };
  });
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** As many are named. */
const NAMED = 3;

/** Pre: all say the same. */
function textOf(drifts: readonly Drift[]): string {
  const [{ names, says, allSay }] = drifts as [Drift];
  const named = drifts.slice(0, NAMED).map(({ name }) => name);
  if (drifts.length === 1) return `${names === "tables" ? "table" : names} ${named[0]} ${says}`;
  const rest = drifts.length - named.length;
  const list = rest > 0 ? named.join(", ") : named.slice(0, -1).join(", ");
  const last = rest > 0 ? `${rest.toLocaleString("en-US")} more` : named.at(-1);
  return `${names} ${list} and ${last} ${allSay}`;
}

/** A context entry that no walker may meet. */
interface BadRoot {
  readonly class: "V08" | "V13" | "V16";
  readonly cause: Cause;
  readonly met: string;
  readonly root: RootVersion;
}

/** V13 where a context entry leads to a table that was given back before the script, and that the script does not fill again. */
function* goneRoots(decision: Decision, id: number): Generator<BadRoot> {
  const { input, log } = decision;
  const met = "a malformed context entry: it points to a table that was freed before";
  for (const root of decision.rootsOf(id)) {
    const isGone = root.step > 0 && (input.tables.wasFreed?.(root.table as Pfn) ?? false);
    if (isGone && !log.logAt(root.table, root.step)?.isWritten)
      yield { class: "V13", cause: "plan", met, root };
  }
}

/** V16 where one part of a context entry is new and another old, V08 where a part is neither. */
function* tornRoots(decision: Decision, id: number): Generator<BadRoot> {
  const versions = decision.rootsOf(id);
  const { waits } = decision.log;
  for (let k = 1; k < versions.length; k++) {
    const before = versions[k - 1]!;
    const root = versions[k]!;
    const after = versions[k + 1];
    const hasOtherWord = root.tag !== before.tag || root.levels !== before.levels;
    if (root.table !== before.table && hasOtherWord && !decision.input.capability.rootSwitch) {
      yield {
        class: "V16",
        cause: "split-store",
        met: "a root that cannot be replaced together with its levels and its tag",
        root,
      };
      continue;
    }
    // A wait ends an update.
    const isOneUpdate = after?.update === root.update && firstAtOrAfter(waits, root.step) > root.until;
    if (!isOneUpdate) continue;
    const isNeither = root.table !== before.table && root.table !== after.table;
    yield isNeither
      ? {
          class: "V08",
          cause: "split-store",
          met: "a context entry that is neither the old nor the new one",
          root,
        }
      : {
          class: "V16",
          cause: "split-store",
          met: "a context entry of which one part is new and another old",
          root,
        };
  }
}
