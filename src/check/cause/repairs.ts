import { CACHE_CONTEXT, type Splice, type Step } from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import type { Cause, ViolationClass } from "../rules/violation-class.ts";
import { allOf, firstOf, type ScriptSteps } from "../script/script-steps.ts";
import { carryingRepairs, lastDirtyRepairs } from "./dirty-repairs.ts";
import { beforeReleases, isStore, needsInvalidation, rowAround } from "./releases.ts";
import {
  BARRIER,
  DRAIN,
  fullInvalidation,
  inserted,
  isAskedFor,
  type Repair,
  type RepairContext,
  reaching,
  replaced,
} from "./repair.ts";
import { contextTags, freshTags } from "./root-repairs.ts";
import { weakened } from "./weak-invalidations.ts";

type Op = Step["op"];
type Release = "unpin" | "freeTable";
const isEverywhere = true;

const isFree = (op: Op): boolean => op === "freeTable";
const isWrite = (op: Op): boolean => isStore(op) || op === "fill" || op === "gather";
/** True iff a barrier has to follow before walkers are sure to see it. */
const isShown = (op: Op): boolean => isWrite(op) || op === "collect";
/** Repairs worth trying for a class, the most specific first. Each is one ideal event, inserted or moved. */
export function* repairsFor(
  kind: ViolationClass,
  weakOnly: boolean,
  context: RepairContext,
): Generator<Repair> {
  if (weakOnly) {
    yield* visibility(context);
    return;
  }
  if (kind === "V05") yield* visibility(context);
  if (kind === "V10") yield* carryingRepairs(context);
  if (kind === "V01" || kind === "V01b" || kind === "V02" || kind === "V03" || kind === "V05")
    yield* order(context);
  if (firstOf(context.steps, "setRoot") >= 0) yield* [...contextTags(context), freshTags(context)];
  if (kind === "V06") yield* delayed("early-unpin", "unpin", context);
  if (kind === "V07") yield* delayed("early-free", "freeTable", context);
  yield* weakened(context);
  if (kind === "V10") {
    yield* delayed("early-free", "freeTable", context);
    if (context.about !== "everywhere") yield* lastDirtyRepairs(context);
  }
  yield* fullInvalidations(context);
  if (kind === "V06") yield unneeded("unpin", context);
  // Who links a table that is free already has another plan.
  if (kind === "V07" && allOf(context.steps, isFree).some(context.isHarmful))
    yield unneeded("freeTable", context);
}

/** A barrier (and a clean of everything) at the earliest place where it helps; at last, where one is not enough, in all places. */
function* visibility(context: RepairContext): Generator<Repair> {
  const { steps, isCoherent, tables } = context;
  const cleans = isCoherent ? [] : cleansOf(tables, context);
  const cause: Cause = isCoherent ? "no-barrier" : "no-clean";
  const takes = (all: ScriptSteps, at: number): boolean => isShown(all.op(at));
  // What fills tables is made visible before the first link to one is stored.
  const parts = (all: ScriptSteps, at: number): boolean =>
    takes(all, at) && !isStore(all.op(at)) && isStore(all.op(at + 1));
  const beside = { side: "behind", takes, parts } as const;
  const places: number[] = [];
  // What fills one table may lead to the one before, in a table that is in use already: seldom, and looked for last.
  const unlikely: number[] = [];
  for (let at = 0; at < steps.length; at++) {
    if (!isShown(steps.op(at))) continue;
    const next = at + 1 < steps.length ? steps.op(at + 1) : null;
    if (next === null || !isShown(next) || isStore(next)) places.push(at + 1);
    else if (!isStore(steps.op(at)) && tableOf(steps, at) !== tableOf(steps, at + 1)) unlikely.push(at + 1);
  }
  for (const place of [...places, ...unlikely]) {
    if (!isAskedFor(context, place - 1)) continue;
    // To show a context entry a barrier is enough on any host.
    if (!isCoherent && steps.op(place - 1) === "setRoot")
      yield { cause: "no-barrier", at: place - 1, splices: () => [inserted(place, [BARRIER])] };
    yield { cause, at: place - 1, beside, splices: () => [inserted(place, [...cleans, BARRIER])] };
  }
  if (places.length < 2) return;
  // To clean all tables at each place would take the square of them: what was written before the last place is clean.
  const written = (from: number, to: number): Step[] => {
    const recent = new Set<number>();
    for (let at = from; at < to; at++) {
      const step = isShown(steps.op(at)) ? steps.at(at) : null;
      if (step !== null && "table" in step) recent.add(step.table);
    }
    return cleansOf([...recent], context);
  };
  const everywhere = (): Splice[] =>
    places.map((place, i) =>
      inserted(place, [...(isCoherent ? [] : written(places[i - 1] ?? 0, place)), BARRIER]),
    );
  yield { cause, at: places[0]! - 1, beside, isEverywhere, splices: everywhere };
}

const tableOf = (steps: ScriptSteps, at: number): number | null => {
  const step = steps.at(at);
  return "table" in step ? step.table : null;
};

const cleansOf = (tables: readonly number[], { entries }: RepairContext): Step[] =>
  tables.map((table) => ({ op: "clean", table: table as Pfn, index: 0, count: entries }));

/** A store made later: behind one of the writes after it, or behind a row of them or all where it is made later for many pages. */
function* order(context: RepairContext): Generator<Repair> {
  const { steps, about } = context;
  const writes = allOf(steps, isWrite);
  for (const at of writes.filter((own) => isAskedFor(context, own))) {
    const later = writes.filter((own) => own > at);
    for (const behind of about === null ? later : new Set([lastInRow(steps, at), ...later.slice(-1)])) {
      // Who jumps over another store to the same entries has the last word on them, and on its neighbours: that is another plan. So is
      // a link that waits for what changes in a table which was filled in front of it.
      if (
        later.some(
          (own) =>
            own <= behind && (meetsEntries(steps.at(at), steps.at(own)) || changesFilled(context, at, own)),
        )
      )
        break;
      if (behind > at)
        yield {
          cause: "order",
          at,
          moves: true,
          splices: () => [replaced(at), inserted(behind + 1, [steps.at(at)])],
        };
    }
  }
}

/** True iff two steps write an entry that both have. */
function meetsEntries(a: Step, b: Step): boolean {
  if (!("table" in a && "index" in a && "table" in b && "index" in b) || a.table !== b.table) return false;
  const countOf = (step: Step): number =>
    step.op === "gather" ? step.entries.length : "count" in step ? step.count : 1;
  return a.index < b.index + countOf(b) && b.index < a.index + countOf(a);
}

/** True iff one step stores a link, and a later one stores to an entry of that table which the script has filled before. */
function changesFilled({ steps, frame }: RepairContext, at: number, later: number): boolean {
  const link = steps.at(at);
  const step = steps.at(later);
  if (link.op !== "store" || (step.op !== "store" && step.op !== "exchange")) return false;
  if (step.table !== frame(link.entry)) return false;
  for (let own = at - 1; own >= 0; own--) {
    const filled = steps.at(own);
    if (filled.op === "freeTable" && filled.table === step.table) return false;
    if (filled.op !== "fill" && filled.op !== "gather") continue;
    if (!meetsEntries(filled, step)) continue;
    const by = step.index - filled.index;
    const value = filled.op === "gather" ? filled.entries[by]! : filled.first + BigInt(by) * filled.stride;
    return value !== 0n;
  }
  return false;
}

/** The last of the writes that follow each other from one on. */
function lastInRow(steps: ScriptSteps, at: number): number {
  let last = at;
  while (last + 1 < steps.length && isWrite(steps.op(last + 1))) last++;
  return last;
}

/** What gives back what is met, at the end; all that stand in a row with it, since one wait may be missing in front of them; all of a kind. */
function* delayed(cause: Cause, op: Release, context: RepairContext): Generator<Repair> {
  const { steps, about } = context;
  const at = releaseToBlame(op, context);
  if (at < 0 || !isAskedForAt(context, at)) return;
  const delay = (first: number, all: () => readonly number[]): Repair => {
    const splices = (): Splice[] => [
      ...all().map((own) => replaced(own)),
      inserted(
        steps.length,
        all().map((own) => steps.at(own)),
      ),
    ];
    return { cause, at: first, splices };
  };
  if (about !== "everywhere") {
    yield delay(at, () => [at]);
    const row = rowAround(steps, at);
    const from = about === null ? row.first : at;
    const inRow = (): number[] =>
      allOf(steps, (own) => own === op).filter((own) => from <= own && own < row.end);
    if (row.end - row.first > 1) yield delay(about === null ? inRow()[0]! : at, inRow);
  }
  yield { ...delay(at, () => allOf(steps, (own) => own === op)), isEverywhere };
}

/** Nothing of a kind is given back at all: what is met stays in use to the end. */
function unneeded(op: Release, context: RepairContext): Repair {
  const { steps } = context;
  const splices = (): Splice[] => allOf(steps, (own) => own === op).map((at) => replaced(at));
  return { cause: "double", at: releaseToBlame(op, context), isEverywhere, isLast: true, splices };
}

/** The one that gives back what is met; where that is not known, the first. */
function releaseToBlame(op: Release, { steps, about, isHarmful }: RepairContext): number {
  if (typeof about === "number" && steps.op(about) === op) return about;
  if (about === null)
    for (let at = 0; at < steps.length; at++) if (steps.op(at) === op && isHarmful(at)) return at;
  return firstOf(steps, op);
}

/** True iff a repair of a kind that begins at a step may be asked for. */
const isAskedForAt = ({ about }: RepairContext, at: number): boolean =>
  typeof about !== "number" || about === at;

/** A complete invalidation at the earliest place where it helps. */
function* fullInvalidations(context: RepairContext): Generator<Repair> {
  const { steps, pages, tags, about } = context;
  const contexts =
    firstOf(steps, "setRoot") >= 0 ? [BARRIER, ...reaching(tags, pages, CACHE_CONTEXT), DRAIN] : [];
  const added = [...contexts, ...fullInvalidation(tags, pages)];
  const cause = "missing-inv";
  if (about === "everywhere") {
    const full = beforeReleases(steps, added);
    if (full !== null) yield { cause, at: 0, isEverywhere, splices: () => full };
    return;
  }
  const beside = { side: "before", takes: needsInvalidation } as const;
  for (let place = about ?? 0; place < steps.length && isAskedFor(context, place); place++)
    if (needsInvalidation(steps, place))
      yield { cause, at: place, beside, splices: () => [inserted(place, added)] };
  const last = steps.length - 1;
  // Behind all steps, whoever's the last ones are.
  const behind = { side: "behind", takes: () => true } as const;
  if (isAskedFor(context, last))
    yield { cause, at: last, beside: behind, splices: () => [inserted(last + 1, added)] };
}
