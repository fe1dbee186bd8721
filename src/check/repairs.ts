import { CACHE_ATC, CACHE_CONTEXT, CACHES_ALL, type Step } from "../edit-script/index.ts";
import type { IovaPfn } from "../units/index.ts";
import { carryingRepairs, lastDirtyRepairs } from "./dirty/dirty-repairs.ts";
import {
  BARRIER,
  DRAIN,
  fullInvalidation,
  inserting,
  isAskedFor,
  type Repair,
  type RepairContext,
  reaching,
} from "./repair.ts";
import type { Cause, ViolationClass } from "./violation-class.ts";

const isStore = (step: Step): boolean =>
  step.op === "store" || step.op === "storeRun" || step.op === "exchange" || step.op === "setRoot";
const isWrite = (step: Step): boolean => isStore(step) || step.op === "fill" || step.op === "gather";
/** True iff a barrier has to follow before walkers are sure to see it. */
const isShown = (step: Step): boolean => isWrite(step) || step.op === "collect";
const isRelease = (step: Step): boolean => step.op === "unpin" || step.op === "freeTable";
const isClosing = (step: Step): boolean => step.op === "window" && step.state === "close";
/** True iff what is cached can do harm from this step on. */
const needsInvalidation = (step: Step): boolean => isStore(step) || isRelease(step) || isClosing(step);

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
  if (context.steps.some((step) => step.op === "setRoot")) yield freshTags(context);
  if (kind === "V06") yield delayed("early-unpin", "unpin", context);
  if (kind === "V07") yield delayed("early-free", "freeTable", context);
  yield* weakened(context);
  if (kind === "V10") {
    yield delayed("early-free", "freeTable", context);
    yield* lastDirtyRepairs(context);
  }
  yield* fullInvalidations(context);
}

/** A barrier (and a clean of everything) at the earliest place where it helps; at last, where one is not enough, in all places. */
function* visibility(context: RepairContext): Generator<Repair> {
  const { steps, isCoherent, tables, entries } = context;
  const cleans: Step[] = isCoherent
    ? []
    : tables.map((table) => ({ op: "clean", table: table as never, index: 0, count: entries }));
  const cause: Cause = isCoherent ? "no-barrier" : "no-clean";
  // What fills tables is made visible before the first link to one is stored.
  const parts = (step: Step, next: Step): boolean => isShown(step) && !isStore(step) && isStore(next);
  const beside = { side: "behind", takes: isShown, parts } as const;
  const places: number[] = [];
  for (let at = 1; at <= steps.length; at++)
    if (isShown(steps[at - 1]!) && (at === steps.length || !isShown(steps[at]!) || isStore(steps[at]!)))
      places.push(at);
  for (const place of places)
    if (isAskedFor(context, place - 1))
      yield inserting(context, { cause, at: place - 1, beside }, { place, added: [...cleans, BARRIER] });
  if (places.length < 2) return;
  const isPlace = new Set(places);
  const everywhere = (): Step[] =>
    steps.flatMap((step, i) => (isPlace.has(i + 1) ? [step, ...cleans, BARRIER] : [step]));
  yield { cause, at: places[0]! - 1, beside, apply: everywhere };
}

/** A store made later: behind one of the steps after it. */
function* order(context: RepairContext): Generator<Repair> {
  const { steps } = context;
  const writes = steps.flatMap((step, i) => (isWrite(step) ? [i] : []));
  for (const at of writes.filter((own) => isAskedFor(context, own)))
    for (const behind of writes)
      if (behind > at)
        yield {
          cause: "order",
          at,
          apply: () => [
            ...steps.slice(0, at),
            ...steps.slice(at + 1, behind + 1),
            steps[at]!,
            ...steps.slice(behind + 1),
          ],
        };
}

const delayed = (cause: Cause, op: "unpin" | "freeTable", { steps }: RepairContext): Repair => ({
  cause,
  at: steps.findIndex((step) => step.op === op),
  apply: () => [...steps.filter((step) => step.op !== op), ...steps.filter((step) => step.op === op)],
});

/** The invalidations and waits that are there, each made as strong as it can be in one respect. */
function* weakened({ steps, pages, tags, iommu }: RepairContext): Generator<Repair> {
  const first = steps.findIndex((step) => step.op === "invalidate");
  const own = steps.findIndex((step) => step.op === "invalidate" && tags.includes(step.domain));
  const lastWait = steps.findLastIndex((step) => step.op === "wait" && (step.iommu ?? iommu) === iommu);
  const each = (change: (step: Step & { op: "invalidate" }) => Step[]): (() => Step[]) => {
    return () => steps.flatMap((step) => (step.op === "invalidate" ? change(step) : [step]));
  };
  if (lastWait >= 0)
    yield {
      cause: "no-drain",
      at: lastWait,
      apply: () => steps.map((step) => (step.op === "wait" ? { ...step, drain: true } : step)),
    };
  if (first < 0) return;
  yield { cause: "no-wait", at: own < 0 ? first : own, apply: each((step) => [step, DRAIN]) };
  yield { cause: "no-ATC", at: first, apply: each((s) => [{ ...s, caches: s.caches | CACHE_ATC }]) };
  yield { cause: "no-ATC", at: first, apply: each((s) => [s, { ...s, caches: CACHE_ATC }]) };
  yield {
    cause: "wrong-scope",
    at: first,
    apply: each((s) => [{ ...s, scope: "nonLeaf", caches: CACHES_ALL }]),
  };
  const whole = { iovaPfn: 0 as IovaPfn, pages };
  yield { cause: "under-range", at: first, apply: each((s) => [{ ...s, ...whole }]) };
  yield {
    cause: "wrong-tag",
    at: first,
    apply: each((s) => [s, ...tags.map((domain) => ({ ...s, domain }))]),
  };
  const all = steps.filter((step) => step.op === "invalidate");
  yield {
    cause: "order",
    at: first,
    apply: () => [
      ...steps.flatMap((step) => (isRelease(step) ? [BARRIER, ...all, DRAIN, step] : [step])),
      BARRIER,
      ...all,
      DRAIN,
    ],
  };
}

/** Every root switch to a tag that nothing has been cached under, and what names the tag after it too. */
function freshTags({ steps, tags }: RepairContext): Repair {
  const fresh = new Map<number, number>();
  let next = Math.max(...tags) + 1;
  const all = steps.flatMap((step): Step[] => {
    if (step.op === "setRoot") {
      const domain = fresh.get(step.domain) ?? step.domain;
      fresh.set(step.tag, next);
      return [{ ...step, domain, tag: next++ }];
    }
    return step.op === "invalidate"
      ? [step, ...[...fresh.values()].map((domain) => ({ ...step, domain }))]
      : [step];
  });
  return { cause: "wrong-tag", at: steps.findIndex((step) => step.op === "setRoot"), apply: () => all };
}

/** A complete invalidation at the earliest place where it helps. */
function* fullInvalidations(context: RepairContext): Generator<Repair> {
  const { steps, pages, tags, about } = context;
  const contexts = steps.some((step) => step.op === "setRoot")
    ? [BARRIER, ...reaching(tags, pages, CACHE_CONTEXT), DRAIN]
    : [];
  const added = [...contexts, ...fullInvalidation(tags, pages)];
  const cause = "missing-inv";
  const beside = { side: "before", takes: needsInvalidation } as const;
  for (let place = about ?? 0; place < steps.length && isAskedFor(context, place); place++)
    if (needsInvalidation(steps[place]!))
      yield inserting(context, { cause, at: place, beside }, { place, added });
  const last = steps.length - 1;
  if (isAskedFor(context, last)) yield inserting(context, { cause, at: last }, { place: last + 1, added });
}
