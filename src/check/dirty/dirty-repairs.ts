import type { Splice, Step } from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import { fullInvalidation, inserted, type Repair, type RepairContext, replaced } from "../repair.ts";
import { allOf, type ScriptSteps } from "../script-steps.ts";

const isStore = (step: Step): step is Step & { op: "store" | "storeRun" } =>
  step.op === "store" || step.op === "storeRun";

const takesBits = (op: Step["op"]): boolean => op === "collect" || op === "exchange";

/** Repairs worth trying where a dirty bit is lost, but for invalidations and waits that are there and too weak. */
export function* carryingRepairs(context: RepairContext): Generator<Repair> {
  yield* exchanges(context);
  if (context.about !== "everywhere") yield* laterCollects(context);
}

/** What is tried last: it heals whatever the matter was. */
export function* lastDirtyRepairs(context: RepairContext): Generator<Repair> {
  yield* afterCollects(context);
  yield* dirtyEntries(context);
}

/** A plain store over an entry made an exchange; at last, where one is not enough, each of them. */
function* exchanges({ steps, about, entry }: RepairContext): Generator<Repair> {
  const cause = "split-store";
  const all: Splice[] = [];
  const held = new Map<string, bigint>();
  const now = (table: Pfn, index: number): bigint => held.get(`${table} ${index}`) ?? entry(table, index);
  for (let at = 0; at < steps.length; at++) {
    const step = steps.at(at);
    const written = [...entriesOf(step)];
    if (isStore(step) && written.some(({ index }) => now(step.table, index) !== 0n)) {
      const { update, table } = step;
      const instead = written.map(({ index, value }): Step => {
        const expected = now(table, index);
        return { op: "exchange", update, table, index, entry: value, expected };
      });
      const splice = replaced(at, instead);
      all.push(splice);
      if (about !== "everywhere") yield { cause, at, splices: () => [splice] };
    }
    // One that is lost, since the entry is another, is taken for one that is not: trials decide.
    for (const { table, index, value } of written) held.set(`${table} ${index}`, value);
  }
  const [first] = all;
  if (all.length > 1) yield { cause, at: first!.place, isEverywhere: true, splices: () => all };
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
  const collects = allOf(steps, (op) => op === "collect");
  const [first] = collects;
  if (first === undefined) return;
  for (const wait of allOf(steps, (op) => op === "wait")) {
    const early = collects.filter((at) => at < wait);
    if (early.length === 0) continue;
    const splices = (): Splice[] => [
      ...early.map((at) => replaced(at)),
      inserted(
        wait + 1,
        early.map((at) => steps.at(at)),
      ),
    ];
    yield { cause: "order", at: first, splices };
  }
}

/** A complete invalidation behind what takes bits: the next write through any copy sets the bit again. */
function* afterCollects({ steps, pages, tags }: RepairContext): Generator<Repair> {
  const full = fullInvalidation(tags, pages);
  const takes = (all: ScriptSteps, at: number): boolean => takesBits(all.op(at));
  const beside = { side: "behind", takes } as const;
  for (let at = 0; at < steps.length; at++) {
    if (!takes(steps, at) || (at + 1 < steps.length && steps.op(at + 1) === steps.op(at))) continue;
    yield { cause: "missing-inv", at, beside, splices: () => [inserted(at + 1, full)] };
  }
}

/** An entry that says from the start that its memory was written. */
function* dirtyEntries({ steps, walkerBits }: RepairContext): Generator<Repair> {
  const dirty = (value: bigint): bigint => (value === 0n ? value : value | walkerBits);
  for (let at = 0; at < steps.length; at++) {
    const step = steps.at(at);
    let instead: Step;
    if (step.op === "store" || step.op === "exchange") instead = { ...step, entry: dirty(step.entry) };
    else if (step.op === "fill" || step.op === "storeRun") instead = { ...step, first: dirty(step.first) };
    else if (step.op === "gather") instead = { ...step, entries: step.entries.map(dirty) };
    else continue;
    yield { cause: "copy", at, splices: () => [replaced(at, [instead])] };
  }
}
