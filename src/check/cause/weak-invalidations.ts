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

/** The invalidations and waits that are there, each made as strong as it can be in one respect. */
export const weakened = (context: RepairContext): Iterable<Repair> => new Weakened(context).repairs();

type Indices = readonly number[];
type Test = (at: number) => boolean;

class Weakened {
  readonly #context: RepairContext;
  readonly #invalidates: Indices;
  /** What drops context entries is not meant for what they lead to: the others, */
  readonly #translating: Indices;
  /** those of them that may have been meant for what is wrong, */
  readonly #meant: Indices;
  /** and where one kind falls short of it, those of that kind. */
  readonly #short: Indices;
  /** That kind are those that reach devices alone. */
  readonly #isDevicesShort: boolean;
  /** Some reach the IOTLB and no device: those that reach devices alone are their other half, and leave nothing out. */
  readonly #isSplit: boolean;

  constructor(context: RepairContext) {
    this.#context = context;
    this.#invalidates = allOf(context.steps, (op) => op === "invalidate");
    this.#translating = this.#invalidates.filter((at) => (this.#at(at).caches & CACHES_ALL) !== 0);
    this.#meant = this.#translating.filter(context.isMeant);
    this.#isSplit = this.#invalidates.some((at) => {
      const { domain, caches } = this.#at(at);
      return !context.isOthers(domain) && (caches & (CACHE_IOTLB | CACHE_ATC)) === CACHE_IOTLB;
    });
    const own = this.#meant.filter((at) => !context.isOthers(this.#at(at).domain));
    const [devices, others] = [true, false].map((is) => own.filter((at) => this.#isForDevices(at) === is));
    const short = shortOf(devices!, others!, context.isNear) ?? shortOf(devices!, others!, context.isWhole);
    this.#short = short ?? this.#meant;
    this.#isDevicesShort = short === devices;
  }

  *repairs(): Generator<Repair> {
    yield* this.#drained();
    if (this.#invalidates.length === 0) return;
    yield this.#waitedFor();
    if (!this.#isDevicesShort) yield* this.#inDevices();
    yield* this.#scoped();
    yield* this.#aimed();
  }

  #at(at: number): InvalidateStep {
    return this.#context.steps.at(at) as InvalidateStep;
  }
  #isOwn(at: number): boolean {
    return this.#context.tags.includes(this.#at(at).domain);
  }
  #isForDevices(at: number): boolean {
    return this.#isSplit && this.#at(at).caches === CACHE_ATC;
  }
  #isForIommu(at: number): boolean {
    const { steps, iommu } = this.#context;
    const step = steps.at(at);
    return step.op === "wait" && (step.iommu ?? iommu) === iommu;
  }
  #isWaitedFor(at: number): boolean {
    const { steps } = this.#context;
    let next = at + 1;
    while (next < steps.length && !isRelease(steps.op(next)) && !this.#isForIommu(next)) next++;
    return next < steps.length && this.#isForIommu(next);
  }

  /** Of what is made stronger in all places the one to blame: the domain's own, one of the pages at hand, and one that was weak. */
  #blamed(all: Indices, isWeak: Test = () => true): number {
    const { about, isNear } = this.#context;
    if (typeof about === "number" && this.#invalidates.includes(about)) return about;
    const own = all.filter((at) => this.#isOwn(at));
    const weak = own.filter(isWeak);
    return weak.find(isNear) ?? weak[0] ?? own[0] ?? all[0]!;
  }
  /** All of some, those first that may be to blame. */
  *#likely(all: Indices): Generator<number> {
    const { isNear } = this.#context;
    yield* all.filter((at) => this.#isOwn(at) && isNear(at));
    yield* all.filter((at) => !this.#isOwn(at) && isNear(at));
    yield* all.filter((at) => !isNear(at));
  }
  #stronger(cause: Cause, at: number, all: Indices, change: (step: InvalidateStep) => Step[]): Repair {
    const likely = (some: Indices): Iterable<number> => this.#likely(some);
    return inAllPlaces(cause, at, all, (own) => replaced(own, change(this.#at(own))), likely);
  }

  *#drained(): Generator<Repair> {
    const { steps, about } = this.#context;
    const waits = allOf(steps, (op) => op === "wait");
    const last = waits.findLast((at) => this.#isForIommu(at));
    if (last === undefined) return;
    const at = typeof about === "number" && waits.includes(about) ? about : last;
    const latestFirst = (all: Indices): Indices => all.toReversed();
    yield inAllPlaces(
      "no-drain",
      at,
      waits,
      (own) => replaced(own, [{ ...steps.at(own), drain: true } as Step]),
      latestFirst,
    );
  }

  #waitedFor(): Repair {
    const all = this.#meant.length > 0 ? this.#meant : this.#invalidates;
    const open = all.filter((at) => !this.#isWaitedFor(at));
    const at = this.#blamed(open.length > 0 ? open : this.#invalidates);
    return this.#stronger("no-wait", at, this.#invalidates, (step) => [step, DRAIN]);
  }

  /** Devices are told of it as well: at once, or once the IOTLB has been. */
  *#inDevices(): Generator<Repair> {
    const all = this.#translating;
    if (all.length === 0) return;
    const at = this.#blamed(all, (own) => (this.#at(own).caches & CACHE_ATC) === 0);
    yield this.#stronger("no-ATC", at, all, (step) => [{ ...step, caches: step.caches | CACHE_ATC }]);
    yield this.#stronger("no-ATC", at, all, (step) => [step, { ...step, caches: CACHE_ATC }]);
  }

  *#scoped(): Generator<Repair> {
    const all = this.#translating.filter((at) => !this.#isForDevices(at));
    if (all.length === 0) return;
    const caches = this.#isDevicesShort ? CACHES_ALL & ~CACHE_ATC : CACHES_ALL;
    const isNarrow = (at: number): boolean => {
      const step = this.#at(at);
      return step.scope === "leaf" || (step.caches & CACHES_ALL) !== CACHES_ALL;
    };
    yield this.#stronger("wrong-scope", this.#blamed(all, isNarrow), all, (step) => [
      { ...step, scope: "nonLeaf", caches: step.caches | caches },
    ]);
  }

  /** Ranges, tags and places: the one first that is wrong for sure. */
  *#aimed(): Generator<Repair> {
    const { steps, isHarmful, isNear, isEarly, isWhole, isOthers } = this.#context;
    const mistaken = this.#mistakenTag();
    // Another address space of the script is flushed for itself, or in this one's place.
    const isOfOther = mistaken !== undefined && isOthers(this.#at(mistaken).domain);
    const isMeantHere = isOfOther || this.#meant.some((at) => this.#isOwn(at) && isNear(at));
    const early = isMeantHere ? undefined : this.#translating.find((at) => this.#isOwn(at) && isEarly(at));
    const harmful = allOf(steps, isRelease).find(isHarmful) ?? steps.length;
    const late = this.#translating.find((at) => at > harmful && this.#isOwn(at) && isWhole(at));
    const at = early ?? late ?? this.#blamed(this.#invalidates);
    const again = repeated(this.#context, this.#invalidates, at, (some) => this.#likely(some));
    const wider = this.#wider();
    const renamed = this.#renamed(mistaken);
    // Where one of these pages has somebody else's tag, or comes too early, those of other pages are as large as they should be.
    const isMistaken =
      mistaken !== undefined &&
      early === undefined &&
      !isOfOther &&
      !this.#meant.some((own) => this.#isOwn(own) && meets(this.#at(own), this.#at(mistaken)));
    if (isMistaken) yield* [renamed, ...wider, ...again];
    else if (early !== undefined || late !== undefined) yield* [...again, ...wider, renamed];
    else yield* [...wider, renamed, ...again];
  }

  #wider(): Repair[] {
    const { pages, isNear, isBeside, isIdle, distance } = this.#context;
    const isAstray = (at: number): boolean => {
      const { iovaPfn, pages: own } = this.#at(at);
      return isIdle(iovaPfn, iovaPfn + own);
    };
    // What leaves the pages out between others that it reaches was meant for those; one for these is missing.
    const narrow = this.#meant.filter((at) => isNear(at) || isBeside(at) || isAstray(at));
    const found: Repair[] = [];
    if (narrow.length > 0) {
      // What reaches beside the pages falls short of them, rather than what was meant for others.
      const nearest = this.#short.toSorted((a, b) => distance(a) - distance(b));
      const at = this.#blamed(nearest, nearest.some(isNear) ? undefined : isAstray);
      const whole = { iovaPfn: 0 as IovaPfn, pages };
      found.push(this.#stronger("under-range", at, narrow, (step) => [{ ...step, ...whole }]));
    }
    return this.#isDevicesShort ? [...found, ...this.#inDevices()] : found;
  }

  /** One with somebody else's tag that was meant for these pages; the only one there is has to reach all of them. */
  #mistakenTag(): number | undefined {
    const { isMeant, isNear, isAmple } = this.#context;
    const foreign = this.#foreign;
    const near = foreign.filter((at) => isMeant(at) && isNear(at));
    return foreign.length > 1 || near.some(isAmple) ? near[0] : undefined;
  }

  #renamed(mistaken: number | undefined): Repair {
    const { about, tags, isNear } = this.#context;
    const foreign = this.#foreign;
    const isAsked = typeof about === "number" && this.#invalidates.includes(about);
    const likely = isAsked ? about : (mistaken ?? foreign.find(isNear) ?? foreign[0]);
    const all = [this.#meant, this.#translating, this.#invalidates].find((some) => some.length > 0)!;
    const at = likely ?? (this.#translating.length > 0 ? this.#blamed(all) : this.#invalidates[0]!);
    return this.#stronger("wrong-tag", at, this.#invalidates, (step) => [
      step,
      ...tags.map((domain) => ({ ...step, domain })),
    ]);
  }

  get #foreign(): Indices {
    return this.#invalidates.filter((at) => !this.#isOwn(at));
  }
}

/** Of two kinds that belong together the one that nothing of reaches something, where something of the other does. */
function shortOf(devices: Indices, others: Indices, reaches: Test): Indices | null {
  if (devices.length === 0 || others.length === 0) return null;
  const [doDevices, doOthers] = [devices.some(reaches), others.some(reaches)];
  if (doDevices === doOthers) return null;
  return doDevices ? others : devices;
}

/** A change of each of some steps, of which one is to blame if it is not known better; `likely` puts the others in order. */
function inAllPlaces(
  cause: Cause,
  at: number,
  all: Indices,
  change: (at: number) => Splice,
  likely: (all: Indices) => Iterable<number>,
): Repair {
  const parts = function* (): Generator<RepairPart> {
    if (all.includes(at)) yield { at, splices: () => [change(at)] };
    for (const own of likely(all)) if (own !== at) yield { at: own, splices: () => [change(own)] };
  };
  return { cause, at, isEverywhere: true, splices: () => all.map(change), parts };
}

const meets = (a: InvalidateStep, b: InvalidateStep): boolean =>
  a.iovaPfn < b.iovaPfn + b.pages && b.iovaPfn < a.iovaPfn + a.pages;
