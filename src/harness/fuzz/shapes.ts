import type { EntryReader } from "../../check/mutants/index.ts";
import type { EditScript, Step } from "../../edit-script/index.ts";

/** What planners do to tables, as far as a script shows it; the order is that of the report. */
export const SHAPES = [
  "leaf added",
  "leaf removed",
  "leaf changed in place",
  "subtree built aside",
  "entries gathered",
  "split",
  "split, then leaves edited",
  "large to small through old frames",
  "table swapped whole",
  "small to large through new frames",
  "merge direct",
  "merge after edit",
  "subtree detached",
  "root switched",
  "leaf exchanged",
  "dirty bits collected",
  "several domains",
  "legacy call",
  "call refused",
] as const;

export type Shape = (typeof SHAPES)[number];

type Kind = "none" | "leaf" | "table";

/** Counts the shapes in one script. `entryAt` gives entries of tables as they were before it. */
export function countShapes(
  script: EditScript,
  reader: EntryReader,
  entryAt: (table: number, index: number) => bigint,
  count: (shape: Shape) => void,
): void {
  const now = new Map<string, bigint>();
  /** What live stores did to each slot, in order. */
  const changes = new Map<string, { kinds: Kind[]; children: number[] }>();
  const edited = new Set<number>();
  const kindOf = (entry: bigint): Kind =>
    !reader.isPresent(entry) ? "none" : reader.isTable(entry) ? "table" : "leaf";
  const domains = new Set<number>();
  const store = (table: number, index: number, entry: bigint): void => {
    const key = `${table} ${index}`;
    const old = now.get(key) ?? entryAt(table, index);
    const change = changes.get(key) ?? { kinds: [kindOf(old)], children: [] };
    if (kindOf(old) === "table" && edited.has(reader.pfnOf(old))) change.children.push(change.kinds.length);
    change.kinds.push(kindOf(entry));
    changes.set(key, change);
    now.set(key, entry);
    edited.add(table);
  };
  for (const step of script) {
    visitStores(step, store);
    if (step.op === "gather") count("entries gathered");
    if (step.op === "setRoot") count("root switched");
    if (step.op === "exchange") count("leaf exchanged");
    if (step.op === "collect") count("dirty bits collected");
    if (step.op === "invalidate") domains.add(step.domain);
  }
  if (domains.size > 1) count("several domains");
  for (const [key, { kinds, children }] of changes) {
    const path = kinds.join(" ");
    if (path === "none leaf") count("leaf added");
    else if (path === "leaf none") count("leaf removed");
    else if (path === "leaf leaf") count("leaf changed in place");
    else if (path === "none table") count("subtree built aside");
    else if (path === "table none") count("subtree detached");
    else if (path === "leaf table") {
      const isEdited = edited.has(reader.pfnOf(now.get(key)!));
      count(isEdited ? "split, then leaves edited" : "split");
    } else if (path === "leaf table table") count("large to small through old frames");
    else if (path === "table table") count("table swapped whole");
    else if (path === "table table leaf") count("small to large through new frames");
    else if (path === "table leaf") count(children.length > 0 ? "merge after edit" : "merge direct");
  }
}

function visitStores(step: Step, store: (table: number, index: number, entry: bigint) => void): void {
  if (step.op === "store" || step.op === "exchange") store(step.table, step.index, step.entry);
  else if (step.op === "storeRun")
    for (let i = 0; i < step.count; i++)
      store(step.table, step.index + i, BigInt.asUintN(64, step.first + BigInt(i) * step.stride));
}
