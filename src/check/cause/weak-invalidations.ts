import {
  CACHE_ATC,
  CACHE_IOTLB,
  CACHES_ALL,
  type InvalidateStep,
  type Splice,
  type Step,
} from "../../edit-script/index.ts";
import type { IovaPfn } from "../../units/index.ts";
import type { Cause } from "../rules/violation-class.ts";
import { allOf } from "../script/script-steps.ts";
import { isRelease } from "./releases.ts";
import { DRAIN, type Repair, type RepairContext, type RepairPart, replaced } from "./repair.ts";
import { repeated } from "./repeated-invalidations.ts";

const isEverywhere = true;

/** The invalidations and waits that are there, each made as strong as it can be in one respect. */
export function* weakened(context: RepairContext): Generator<Repair> {
  const {
    steps,
    about,
    pages,
    tags,
    iommu,
    isMeant,
    isNear,
    isWhole,
    isAmple,
    distance,
    isBeside,
    isEarly,
    isHarmful,
    isIdle,
    isOthers,
  } = context;
  const invalidates = allOf(steps, (op) => op === "invalidate");
  const waits = allOf(steps, (op) => op === "wait");
  const stepAt = (at: number): InvalidateStep => steps.at(at) as InvalidateStep;
  const isOwn = (at: number): boolean => tags.includes(stepAt(at).domain);
  const isForIommu = (at: number): boolean => {
    const step = steps.at(at);
    return step.op === "wait" && (step.iommu ?? iommu) === iommu;
  };
  const lastWait = waits.findLast(isForIommu);
  if (lastWait !== undefined) {
    const drained = (at: number): Splice => replaced(at, [{ ...steps.at(at), drain: true } as Step]);
    const at = typeof about === "number" && waits.includes(about) ? about : lastWait;
    yield inAllPlaces("no-drain", at, waits, drained);
  }
  const [first] = invalidates;
  if (first === undefined) return;
  // Of what is made stronger in all places the one to blame is the domain's own, one of the pages at hand, and one that was weak.
  const blamed = (all: readonly number[], isWeak: (step: InvalidateStep) => boolean): number => {
    if (typeof about === "number" && invalidates.includes(about)) return about;
    const own = all.filter(isOwn);
    const weak = own.filter((at) => isWeak(stepAt(at)));
    return weak.find(isNear) ?? weak[0] ?? own[0] ?? all[0]!;
  };
  const isAny = (): boolean => true;
  const likely = function* (all: readonly number[]): Generator<number> {
    yield* all.filter((at) => isOwn(at) && isNear(at));
    yield* all.filter((at) => !isOwn(at) && isNear(at));
    yield* all.filter((at) => !isNear(at));
  };
  const stronger = (
    cause: Cause,
    at: number,
    all: readonly number[],
    change: (step: InvalidateStep) => Step[],
  ): Repair => inAllPlaces(cause, at, all, (own) => replaced(own, change(stepAt(own))), likely);

  // What drops context entries is not meant for what they lead to.
  const translating = invalidates.filter((at) => (stepAt(at).caches & CACHES_ALL) !== 0);
  const meant = translating.filter(isMeant);
  const isWaitedFor = (at: number): boolean => {
    let next = at + 1;
    while (next < steps.length && !isRelease(steps.op(next)) && !isForIommu(next)) next++;
    return next < steps.length && isForIommu(next);
  };
  const open = (meant.length > 0 ? meant : invalidates).filter((at) => !isWaitedFor(at));
  const waited = blamed(open.length > 0 ? open : invalidates, isAny);
  yield stronger("no-wait", waited, invalidates, (step) => [step, DRAIN]);

  // What reaches devices alone leaves nothing out where something else is meant to reach the IOTLB, and the other way round.
  const isSplit = invalidates.some((at) => {
    const { domain, caches } = stepAt(at);
    return !isOthers(domain) && (caches & (CACHE_IOTLB | CACHE_ATC)) === CACHE_IOTLB;
  });
  const isPartner = ({ caches }: InvalidateStep): boolean => isSplit && caches === CACHE_ATC;
  const kinds = [true, false].map((isOne) =>
    meant.filter((at) => !isOthers(stepAt(at).domain) && isPartner(stepAt(at)) === isOne),
  );
  // Where one kind reaches the pages, or all of the leaf, and the other does not, it is the other that falls short.
  const isShort = (reaches: (at: number) => boolean): readonly number[] | undefined => {
    const [none, another] = kinds.filter((kind) => kind.length > 0 && !kind.some(reaches));
    return another === undefined ? none : undefined;
  };
  const isPair = kinds.every((kind) => kind.length > 0);
  const short = (isPair ? (isShort(isNear) ?? isShort(isWhole)) : undefined) ?? meant;
  const isDevicesShort = short.length > 0 && short === kinds[0];
  const dropsInDevices = function* (): Generator<Repair> {
    if (translating.length === 0) return;
    const withoutAtc = blamed(translating, ({ caches }) => (caches & CACHE_ATC) === 0);
    yield stronger("no-ATC", withoutAtc, translating, (s) => [{ ...s, caches: s.caches | CACHE_ATC }]);
    yield stronger("no-ATC", withoutAtc, translating, (s) => [s, { ...s, caches: CACHE_ATC }]);
  };
  if (!isDevicesShort) yield* dropsInDevices();
  const allCaches = isDevicesShort ? CACHES_ALL & ~CACHE_ATC : CACHES_ALL;
  const others = translating.filter((at) => !isPartner(stepAt(at)));
  if (others.length > 0) {
    const isNarrow = ({ scope, caches }: InvalidateStep): boolean =>
      scope === "leaf" || (caches & CACHES_ALL) !== CACHES_ALL;
    yield stronger("wrong-scope", blamed(others, isNarrow), others, (s) => [
      { ...s, scope: "nonLeaf", caches: s.caches | allCaches },
    ]);
  }
  const whole = { iovaPfn: 0 as IovaPfn, pages };
  const isAstray = ({ iovaPfn, pages: own }: InvalidateStep): boolean => isIdle(iovaPfn, iovaPfn + own);
  // What reaches beside the pages falls short of them, rather than what was meant for others.
  const nearest = short.toSorted((a, b) => distance(a) - distance(b));
  // What leaves the pages out between others that it reaches was meant for those; one for these is missing.
  const narrow = meant.filter((at) => isNear(at) || isBeside(at) || isAstray(stepAt(at)));
  const wider: Repair[] = [];
  if (narrow.length > 0) {
    const most = blamed(nearest, short.some(isNear) ? isAny : isAstray);
    wider.push(stronger("under-range", most, narrow, (s) => [{ ...s, ...whole }]));
  }
  if (isDevicesShort) wider.push(...dropsInDevices());
  const foreign = invalidates.filter((at) => !isOwn(at));
  const near = foreign.filter((at) => isMeant(at) && isNear(at));
  // The only one there is does not stand for what should have reached more pages than it does.
  const mistaken = foreign.length > 1 || near.some(isAmple) ? near[0] : undefined;
  const misnamed =
    typeof about === "number" && invalidates.includes(about)
      ? about
      : (mistaken ??
        foreign.find(isNear) ??
        foreign[0] ??
        (translating.length > 0 ? blamed(meant.length > 0 ? meant : translating, isAny) : first));
  const renamed = stronger("wrong-tag", misnamed, invalidates, (s) => [
    s,
    ...tags.map((domain) => ({ ...s, domain })),
  ]);
  // Another address space of the script is flushed for itself, or in this one's place.
  const isOfOther = mistaken !== undefined && isOthers(stepAt(mistaken).domain);
  const isMeantHere = isOfOther || meant.some((at) => isOwn(at) && isNear(at));
  const early = isMeantHere ? undefined : translating.find((at) => isOwn(at) && isEarly(at));
  const harmful = allOf(steps, isRelease).find(isHarmful) ?? steps.length;
  const late = translating.find((at) => at > harmful && isOwn(at) && isWhole(at));
  const again = repeated(context, invalidates, early ?? late ?? blamed(invalidates, isAny), likely);
  // Where one of these pages has somebody else's tag, or comes too early, those of other pages are as large as they should be.
  const isMistaken =
    mistaken !== undefined &&
    early === undefined &&
    !isOfOther &&
    !meant.some((at) => isOwn(at) && meets(stepAt(at), stepAt(mistaken)));
  if (isMistaken) yield* [renamed, ...wider, ...again];
  else if (early !== undefined || late !== undefined) yield* [...again, ...wider, renamed];
  else yield* [...wider, renamed, ...again];
}

/** A change of each of some steps, of which one is to blame if it is not known better; `likely` says which others may be. */
function inAllPlaces(
  cause: Cause,
  at: number,
  all: readonly number[],
  change: (at: number) => Splice,
  likely: (all: readonly number[]) => Iterable<number> = (some) => some.toReversed(),
): Repair {
  const parts = function* (): Generator<RepairPart> {
    if (all.includes(at)) yield { at, splices: () => [change(at)] };
    for (const own of likely(all)) if (own !== at) yield { at: own, splices: () => [change(own)] };
  };
  return { cause, at, isEverywhere, splices: () => all.map(change), parts };
}

const meets = (a: InvalidateStep, b: InvalidateStep): boolean =>
  a.iovaPfn < b.iovaPfn + b.pages && b.iovaPfn < a.iovaPfn + a.pages;
