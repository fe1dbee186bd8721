import type { Step } from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import { fullInvalidation, type Repair, type RepairContext } from "../repair.ts";

const isStore = (step: Step): step is Step & { op: "store" | "storeRun" } =>
  step.op === "store" || step.op === "storeRun";

const takesBits = ({ op }: Step): boolean => op === "collect" || op === "exchange";

/** Repairs worth trying where a dirty bit is lost, but for invalidations and waits that are there and too weak. */
export function* carryingRepairs(context: RepairContext): Generator<Repair> {
  yield* exchanges(context);
  yield* laterCollects(context);
}

/** What is tried last: it heals whatever the matter was. */
export function* lastDirtyRepairs(context: RepairContext): Generator<Repair> {
  yield* afterCollects(context);
  yield* dirtyEntries(context);
}

/** A plain store over an entry made an exchange. */
function* exchanges({ steps, entry }: RepairContext): Generator<Repair> {
  const held = new Map<string, bigint>();
  const now = (table: Pfn, index: number): bigint => held.get(`${table} ${index}`) ?? entry(table, index);
  for (const [at, step] of steps.entries()) {
    const written = [...entriesOf(step)];
    if (isStore(step) && written.some(({ index }) => now(step.table, index) !== 0n)) {
      const { update, table } = step;
      const instead = written.map(({ index, value }): Step => {
        const expected = now(table, index);
        return { op: "exchange", update, table, index, entry: value, expected };
      });
      yield { cause: "split-store", at, apply: () => steps.toSpliced(at, 1, ...instead) };
    }
    // One that is lost, since the entry is another, is taken for one that is not: trials decide.
    for (const { table, index, value } of written) held.set(`${table} ${index}`, value);
  }
}

function* entriesOf(step: Step): Generator<{ table: Pfn; index: number; value: bigint }> {
  if (step.op === "gather")
    for (const [i, value] of step.entries.entries())
      yield { table: step.table, index: step.index + i, value };
  else if (step.op === "store" || step.op === "exchange")
    yield { table: step.table, index: step.index, value: step.entry };
  else if (step.op === "fill" || step.op === "storeRun")
    for (let i = 0; i < step.count; i++)
      yield { table: step.table, index: step.index + i, value: step.first + BigInt(i) * step.stride };
}

/** What collects, made to do so only when a later wait is over. */
function* laterCollects({ steps }: RepairContext): Generator<Repair> {
  const first = steps.findIndex((step) => step.op === "collect");
  if (first < 0) return;
  for (const [wait, { op }] of steps.entries()) {
    if (op !== "wait" || wait < first) continue;
    const before = steps.slice(0, wait + 1);
    const early = before.filter((step) => step.op === "collect");
    const rest = before.filter((step) => step.op !== "collect");
    yield { cause: "order", at: first, apply: () => [...rest, ...early, ...steps.slice(wait + 1)] };
  }
}

/** A complete invalidation behind what takes bits: the next write through any copy sets the bit again. */
function* afterCollects({ steps, pages, tags }: RepairContext): Generator<Repair> {
  for (const [at, step] of steps.entries())
    if (takesBits(step) && steps[at + 1]?.op !== step.op) {
      const full = fullInvalidation(tags, pages);
      const beside = { side: "behind", takes: takesBits } as const;
      yield { cause: "missing-inv", at, beside, apply: () => steps.toSpliced(at + 1, 0, ...full) };
    }
}

/** An entry that says from the start that its memory was written. */
function* dirtyEntries({ steps, walkerBits }: RepairContext): Generator<Repair> {
  const dirty = (value: bigint): bigint => (value === 0n ? value : value | walkerBits);
  for (const [at, step] of steps.entries()) {
    let instead: Step;
    if (step.op === "store" || step.op === "exchange") instead = { ...step, entry: dirty(step.entry) };
    else if (step.op === "fill" || step.op === "storeRun") instead = { ...step, first: dirty(step.first) };
    else if (step.op === "gather") instead = { ...step, entries: step.entries.map(dirty) };
    else continue;
    yield { cause: "copy", at, apply: () => steps.with(at, instead) };
  }
}
