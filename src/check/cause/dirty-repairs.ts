import type { Splice, Step } from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import { allOf, type ScriptSteps } from "../script/script-steps.ts";
import { fullInvalidation, inserted, type Repair, type RepairContext, replaced } from "./repair.ts";

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
  const held = new HeldEntries(entry);
  for (let at = 0; at < steps.length; at++) {
    if (!WRITES.has(steps.op(at))) continue;
    const step = steps.at(at);
    const written = entriesOf(step);
    if (isStore(step) && written.some(({ index }) => held.at(step.table, index) !== 0n)) {
      const { update, table } = step;
      const instead = written.map(({ index, value }): Step => {
        const expected = held.at(table, index);
        return { op: "exchange", update, table, index, entry: value, expected };
      });
      const splice = replaced(at, instead);
      all.push(splice);
      if (about !== "everywhere") yield { cause, at, splices: () => [splice] };
    }
    // One that is lost, since the entry is another, is taken for one that is not: trials decide.
    for (const { table, index, value } of written) held.set(table, index, value);
  }
  const [first] = all;
  if (all.length > 1) yield { cause, at: first!.place, isEverywhere: true, splices: () => all };
}

const WRITES: ReadonlySet<Step["op"]> = new Set(["fill", "gather", "store", "storeRun", "exchange"]);

interface Written {
  readonly table: Pfn;
  readonly index: number;
  readonly value: bigint;
}

/** What a step writes, entry by entry. */
function entriesOf(step: Step): readonly Written[] {
  if (step.op === "store" || step.op === "exchange")
    return [{ table: step.table, index: step.index, value: step.entry }];
  if (step.op === "gather") {
    const { table, index } = step;
    return step.entries.map((value, i) => ({ table, index: index + i, value }));
  }
  if (step.op !== "fill" && step.op !== "storeRun") return [];
  const { table, index, count, first, stride } = step;
  return Array.from({ length: count }, (_, i) => {
    return { table, index: index + i, value: first + BigInt(i) * stride };
  });
}

/** What entries hold as the steps go by. */
class HeldEntries {
  readonly #before: RepairContext["entry"];
  /** By table and index, of those that are written. */
  readonly #tables = new Map<Pfn, Map<number, bigint>>();

  constructor(before: RepairContext["entry"]) {
    this.#before = before;
  }

  at(table: Pfn, index: number): bigint {
    return this.#tables.get(table)?.get(index) ?? this.#before(table, index);
  }
  set(table: Pfn, index: number, value: bigint): void {
    let entries = this.#tables.get(table);
    if (entries === undefined) this.#tables.set(table, (entries = new Map()));
    entries.set(index, value);
  }
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
