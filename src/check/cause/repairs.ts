import {
  CACHE_ATC,
  CACHE_CONTEXT,
  CACHE_IOTLB,
  CACHES_ALL,
  type InvalidateStep,
  type Splice,
  type Step,
} from "../../edit-script/index.ts";
import type { IovaPfn, Pfn } from "../../units/index.ts";
import type { Cause, ViolationClass } from "../rules/violation-class.ts";
import { allOf, firstOf, type ScriptSteps } from "../script/script-steps.ts";
import { carryingRepairs, lastDirtyRepairs } from "./dirty-repairs.ts";
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

/** Generations of all pages together, where each page has its own: invalidations of the whole domain times those of a part that stop walks. */
const MAX_GENERATIONS = 1e9;

type Op = Step["op"];
const isEverywhere = true;

const isStore = (op: Op): boolean =>
  op === "store" || op === "storeRun" || op === "exchange" || op === "setRoot";
const isWrite = (op: Op): boolean => isStore(op) || op === "fill" || op === "gather";
/** True iff a barrier has to follow before walkers are sure to see it. */
const isShown = (op: Op): boolean => isWrite(op) || op === "collect";
const isRelease = (op: Op): boolean => op === "unpin" || op === "freeTable";
/** True iff what is cached can do harm from a step on. */
function needsInvalidation(steps: ScriptSteps, at: number): boolean {
  const op = steps.op(at);
  if (op !== "window") return isStore(op) || isRelease(op);
  const step = steps.at(at);
  return step.op === "window" && step.state === "close";
}

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
  if (kind === "V06") yield delayed("early-unpin", "unpin", context);
  if (kind === "V07") yield delayed("early-free", "freeTable", context);
  yield* weakened(context);
  if (kind === "V10") {
    yield delayed("early-free", "freeTable", context);
    if (context.about !== "everywhere") yield* lastDirtyRepairs(context);
  }
  yield* fullInvalidations(context);
  if (kind === "V06") yield unneeded(context);
}

/** No unpin at all: what is given back is in use to the end. */
function unneeded({ steps }: RepairContext): Repair {
  const splices = (): Splice[] => allOf(steps, (op) => op === "unpin").map((at) => replaced(at));
  return { cause: "double", at: firstOf(steps, "unpin"), isEverywhere, isLast: true, splices };
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
      // Who jumps over another store to the same entries has the last word on them, and on its neighbours: that is another plan.
      if (later.some((own) => own <= behind && meetsEntries(steps.at(at), steps.at(own)))) break;
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

/** The last of the writes that follow each other from one on. */
function lastInRow(steps: ScriptSteps, at: number): number {
  let last = at;
  while (last + 1 < steps.length && isWrite(steps.op(last + 1))) last++;
  return last;
}

function delayed(cause: Cause, op: "unpin" | "freeTable", { steps }: RepairContext): Repair {
  const early = (): number[] => allOf(steps, (own) => own === op);
  return {
    cause,
    at: firstOf(steps, op),
    isEverywhere,
    splices: () => [
      ...early().map((at) => replaced(at)),
      inserted(
        steps.length,
        early().map((at) => steps.at(at)),
      ),
    ],
  };
}

/** The invalidations and waits that are there, each made as strong as it can be in one respect. */
function* weakened(context: RepairContext): Generator<Repair> {
  const { steps, about, pages, tags, iommu, isMeant, isNear, isEarly, isIdle, isOthers } = context;
  const invalidates = allOf(steps, (op) => op === "invalidate");
  const waits = allOf(steps, (op) => op === "wait");
  const stepAt = (at: number): InvalidateStep => steps.at(at) as InvalidateStep;
  const isForIommu = (at: number): boolean => {
    const step = steps.at(at);
    return step.op === "wait" && (step.iommu ?? iommu) === iommu;
  };
  const lastWait = waits.findLast(isForIommu);
  const each = (change: (step: InvalidateStep) => Step[]): (() => Splice[]) => {
    return () => invalidates.map((at) => replaced(at, change(stepAt(at))));
  };
  if (lastWait !== undefined) {
    const drained = (): Splice[] =>
      waits.map((at) => replaced(at, [{ ...steps.at(at), drain: true } as Step]));
    const at = typeof about === "number" && waits.includes(about) ? about : lastWait;
    yield { cause: "no-drain", at, isEverywhere, splices: drained };
  }
  const [first] = invalidates;
  if (first === undefined) return;
  // Of what is made stronger in all places the one to blame is the domain's own, one of the pages at hand, and one that was weak.
  const blamed = (all: readonly number[], isWeak: (step: InvalidateStep) => boolean): number => {
    if (typeof about === "number" && invalidates.includes(about)) return about;
    const own = all.filter((at) => tags.includes(stepAt(at).domain));
    const weak = own.filter((at) => isWeak(stepAt(at)));
    return weak.find(isNear) ?? weak[0] ?? own[0] ?? all[0]!;
  };
  const isAny = (): boolean => true;
  const whole = { iovaPfn: 0 as IovaPfn, pages };
  // What drops context entries is not meant for what they lead to.
  const translating = invalidates.filter((at) => (stepAt(at).caches & CACHES_ALL) !== 0);
  const meant = translating.filter(isMeant);
  const isWaitedFor = (at: number): boolean => {
    let next = at + 1;
    while (next < steps.length && !isRelease(steps.op(next)) && !isForIommu(next)) next++;
    return next < steps.length && isForIommu(next);
  };
  const open = (meant.length > 0 ? meant : invalidates).filter((at) => !isWaitedFor(at));
  yield {
    cause: "no-wait",
    at: blamed(open.length > 0 ? open : invalidates, isAny),
    isEverywhere,
    splices: each((step) => [step, DRAIN]),
  };
  // What reaches devices alone leaves nothing out where something else is meant to reach the IOTLB, and the other way round.
  const isSplit = invalidates.some((at) => (stepAt(at).caches & CACHE_IOTLB) !== 0);
  const isPartner = ({ caches }: InvalidateStep): boolean => isSplit && caches === CACHE_ATC;
  const kinds = [true, false].map((isOne) => meant.filter((at) => isPartner(stepAt(at)) === isOne));
  // Where one kind reaches the pages and the other does not, it is the other that falls short.
  const short = kinds.find((kind) => kind.length > 0 && !kind.some(isNear)) ?? meant;
  const isDevicesShort = short.length > 0 && short === kinds[0];
  const ofEach = (change: (step: InvalidateStep) => Step[]): (() => Splice[]) => {
    return () => translating.map((at) => replaced(at, change(stepAt(at))));
  };
  if (!isDevicesShort && translating.length > 0) {
    const withoutAtc = blamed(translating, ({ caches }) => (caches & CACHE_ATC) === 0);
    yield {
      cause: "no-ATC",
      at: withoutAtc,
      isEverywhere,
      splices: ofEach((s) => [{ ...s, caches: s.caches | CACHE_ATC }]),
    };
    yield {
      cause: "no-ATC",
      at: withoutAtc,
      isEverywhere,
      splices: ofEach((s) => [s, { ...s, caches: CACHE_ATC }]),
    };
  }
  const allCaches = isDevicesShort ? CACHES_ALL & ~CACHE_ATC : CACHES_ALL;
  const others = translating.filter((at) => !isPartner(stepAt(at)));
  if (others.length > 0)
    yield {
      cause: "wrong-scope",
      at: blamed(others, ({ scope, caches }) => scope === "leaf" || (caches & CACHES_ALL) !== CACHES_ALL),
      isEverywhere,
      splices: ofEach((s) => [isPartner(s) ? s : { ...s, scope: "nonLeaf", caches: s.caches | allCaches }]),
    };
  const widened = (): Splice[] => meant.map((at) => replaced(at, [{ ...stepAt(at), ...whole }]));
  const isAstray = ({ iovaPfn, pages: own }: InvalidateStep): boolean => isIdle(iovaPfn, iovaPfn + own);
  const wider: Repair[] =
    meant.length === 0
      ? []
      : [
          {
            cause: "under-range",
            at: blamed(short, short.some(isNear) ? isAny : isAstray),
            isEverywhere,
            splices: widened,
          },
        ];
  const isOwn = (at: number): boolean => tags.includes(stepAt(at).domain);
  const foreign = invalidates.filter((at) => !isOwn(at));
  const mistaken = foreign.find((at) => isMeant(at) && isNear(at));
  const renamed: Repair = {
    cause: "wrong-tag",
    at:
      mistaken ??
      foreign.find(isNear) ??
      foreign[0] ??
      (translating.length > 0 ? blamed(meant.length > 0 ? meant : translating, isAny) : first),
    isEverywhere,
    splices: each((s) => [s, ...tags.map((domain) => ({ ...s, domain }))]),
  };
  // Another address space of the script is flushed for itself, or in this one's place.
  const isOfOther = mistaken !== undefined && isOthers(stepAt(mistaken).domain);
  const isMeantHere = isOfOther || meant.some((at) => isOwn(at) && isNear(at));
  const early = isMeantHere ? undefined : translating.find((at) => isOwn(at) && isEarly(at));
  const again = repeated(context, invalidates, early ?? blamed(invalidates, isAny));
  // Where one of these pages has somebody else's tag, or comes too early, those of other pages are as large as they should be.
  const isMistaken =
    mistaken !== undefined &&
    early === undefined &&
    !isOfOther &&
    !meant.some((at) => isOwn(at) && meets(stepAt(at), stepAt(mistaken)));
  if (isMistaken) yield* [renamed, ...wider, ...again];
  else if (early !== undefined) yield* [...again, ...wider, renamed];
  else yield* [...wider, renamed, ...again];
}

const meets = (a: InvalidateStep, b: InvalidateStep): boolean =>
  a.iovaPfn < b.iovaPfn + b.pages && b.iovaPfn < a.iovaPfn + a.pages;

/** All invalidations once more in front of everything that is given back, and behind all; none where that would take too long. */
function repeated(
  { steps, about, pages, tags }: RepairContext,
  invalidates: readonly number[],
  at: number,
): Repair[] {
  const cause = "order";
  if (about !== null) {
    // To repeat all of them at each place would take the square of the pages: one of everything does no less.
    const full = beforeReleases(steps, fullInvalidation(tags, pages));
    return full === null ? [] : [{ cause, at, isEverywhere, splices: () => full }];
  }
  const again = [BARRIER, ...invalidates.map((own) => steps.at(own)), DRAIN];
  const splices = (): Splice[] =>
    [...allOf(steps, isRelease), steps.length].map((own) => inserted(own, again));
  return [{ cause, at, isEverywhere, splices }];
}

/**
 * Full invalidations in front of everything that is given back or closed in a row, and behind all; null where there are so many
 * places, in a script that stops walks in so many, that to decide it would take longer than a cause is worth.
 */
function beforeReleases(steps: ScriptSteps, added: readonly Step[]): Splice[] | null {
  const splices: Splice[] = [];
  let isRow = false;
  let stops = 0;
  for (let at = 0; at < steps.length; at++) {
    const isNeeding = !isStore(steps.op(at)) && needsInvalidation(steps, at);
    if (isNeeding && !isRow) splices.push(inserted(at, added));
    isRow = isNeeding;
    if (steps.op(at) === "invalidate" && (steps.at(at) as InvalidateStep).scope === "nonLeaf") stops++;
  }
  splices.push(inserted(steps.length, added));
  return splices.length * stops > MAX_GENERATIONS ? null : splices;
}

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
