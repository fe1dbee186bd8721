import type { Decision } from "./decide.ts";
import { firstAtOrAfter } from "./positions.ts";
import type { RootVersion } from "./roots.ts";
import { tableDrifts } from "./table-ledger.ts";
import type { Cause } from "./violation-class.ts";
import type { RawViolation } from "./violations.ts";

/** A violation the script shows without any walk, with its cause. */
export interface LedgerEntry {
  readonly violation: Omit<RawViolation, "coverage">;
  readonly cause: Cause;
}

/** What the script alone decides: pins and tables that do not add up, and roots that change in pieces. */
export function ledger(decision: Decision): LedgerEntry[] {
  const { log, input } = decision;
  const entries: LedgerEntry[] = [];
  const domain = input.domains[0]?.id ?? 0;
  const nowhere = { index: 0, level: 0, until: 0, access: 0 };
  for (const drift of decision.pins.drifts) {
    const frames = `frames 0x${(drift.start * 4096).toString(16)} to 0x${(drift.end * 4096).toString(16)}`;
    const met = `${frames} hold ${drift.pins} pins for ${drift.references} pages of the new map`;
    const violation = {
      class: "V12",
      domain,
      start: 0,
      end: 0,
      table: 0,
      step: 0,
      from: log.steps,
      met,
    } as const;
    entries.push({
      violation: { ...nowhere, ...violation },
      cause: drift.pins > drift.references ? "leak" : "double",
    });
  }
  for (const drift of tableDrifts(decision)) {
    const { table, step, start, end } = drift;
    const what = {
      leak: "is neither reachable nor freed",
      double: "is freed twice",
      unknown: "is freed but was no table",
    }[drift.what];
    const met = `table 0x${(table * 4096).toString(16)} ${what}`;
    const violation = { class: "V12", domain, start, end, table, step, from: log.steps, met } as const;
    entries.push({
      violation: { ...nowhere, ...violation },
      cause: drift.what === "leak" ? "leak" : "double",
    });
  }
  for (const own of input.domains)
    for (const { class: kind, met, root } of tornRoots(decision, own.id)) {
      const end = decision.geometry.tableSpan(root.levels - 1);
      const where = { domain: own.id, start: 0, end, table: root.table, step: root.step, from: root.step };
      entries.push({ violation: { ...nowhere, ...where, class: kind, met }, cause: "split-store" });
    }
  return entries;
}

/** A context entry that walkers can meet half changed. */
interface TornRoot {
  readonly class: "V08" | "V16";
  readonly met: string;
  readonly root: RootVersion;
}

/** V16 where one part of a context entry is new and another old, V08 where a part is neither. */
function* tornRoots(decision: Decision, id: number): Generator<TornRoot> {
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
      ? { class: "V08", met: "a context entry that is neither the old nor the new one", root }
      : { class: "V16", met: "a context entry of which one part is new and another old", root };
  }
}
