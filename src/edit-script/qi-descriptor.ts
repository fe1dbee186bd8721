import type { IovaPfn } from "../units/index.ts";
import { domainOf, MAX_MASK, masked, type StepContext } from "./step-context.ts";
import { CACHE_ATC, CACHE_CONTEXT, CACHE_IOTLB, CACHE_WALK, CACHES_ALL, type Step } from "./steps.ts";
import type { TextLine } from "./text-line.ts";

/** Bits `last` to `first` of a descriptor word. */
const field = (word: bigint, last: number, first: number): number =>
  Number((word >> BigInt(first)) & ((1n << BigInt(last - first + 1)) - 1n));

const DRAIN_READS_AND_WRITES = 3;
const TYPE_CONTEXT_CACHE = 1;
const TYPE_IOTLB = 2;
const TYPE_DEVICE_TLB = 3;
const TYPE_INTERRUPT_CACHE = 4;
const TYPE_WAIT = 5;
/** Of first-stage tables, and of devices that use those. */
const TYPE_PASID_IOTLB = 6;
const TYPE_PASID_DEVICE_TLB = 8;
/** Where a device's walks start in scalable mode: its granularity 3 is global. */
const TYPE_PASID_CACHE = 7;
/** Answers to devices that have asked for pages. */
const TYPE_PAGE_GROUP_RESPONSE = 9;
const TYPE_PAGE_STREAM_RESPONSE = 10;
/** 256 bits of scalable mode. */
const MOST_WORDS = 4;

const GRANULARITY = ["", "global", "domain", "page"] as const;

/**
 * The steps of `qi QW0 QW1`, a 128-bit descriptor of the VT-d invalidation queue as the driver wrote it (VT-d
 * specification, "Queued Invalidation Interface"). A number that no domain has reaches nothing that is judged. A wait
 * descriptor is no wait: it is queued like the others, and what it stands for is known when the driver has seen its status.
 */
export function descriptorSteps(at: TextLine, context: StepContext, iommu: number | undefined): Step[] {
  const [, first, second, ...more] = at.words;
  if (first === undefined || second === undefined) at.fail("qi needs the two low words of a descriptor");
  if (at.words.length > 1 + MOST_WORDS)
    at.fail(`qi takes the words of a descriptor, at most ${MOST_WORDS}, not ${at.words.length - 1}`);
  for (const high of more)
    if (at.unsigned(high, "qi word") !== 0n) at.fail(`qi word ${high} belongs to no descriptor known here`);
  const [low, high] = [at.unsigned(first, "qi word"), at.unsigned(second, "qi word")];
  const type = field(low, 3, 0) | (field(low, 11, 9) << 4);
  const granularity = GRANULARITY[field(low, 5, 4)]!;
  const did = field(low, 31, 16);
  const tags = (): number[] =>
    granularity === "global" ? context.tags.behind(iommu) : namedBy(did, at, context, iommu);
  switch (type) {
    case TYPE_CONTEXT_CACHE:
      return tags().map((domain) => whole(domain, CACHE_CONTEXT, context));
    case TYPE_IOTLB:
      if (granularity === "") return at.fail("qi descriptor of an IOTLB invalidation without granularity");
      return tags().map((tag) => {
        const asks = field(low, 7, 6) === DRAIN_READS_AND_WRITES;
        if (!context.foreign.has(tag)) context.drains.post(context.tags.iommuOf(tag), asks);
        return iotlb(at, granularity, tag, high, context);
      });
    case TYPE_DEVICE_TLB: {
      const domain = domainOf(at, context, iommu);
      return [
        { op: "invalidate", domain, scope: "nonLeaf", caches: CACHE_ATC, ...deviceRange(high, context) },
      ];
    }
    case TYPE_PASID_CACHE:
      return (granularity === "page" ? context.tags.behind(iommu) : namedBy(did, at, context, iommu)).map(
        (domain) => whole(domain, CACHE_CONTEXT, context),
      );
    case TYPE_INTERRUPT_CACHE:
    case TYPE_WAIT:
    case TYPE_PASID_IOTLB:
    case TYPE_PASID_DEVICE_TLB:
    case TYPE_PAGE_GROUP_RESPONSE:
    case TYPE_PAGE_STREAM_RESPONSE:
      return [];
    default:
      return at.fail(`qi descriptor of type ${type} does not concern second-stage tables`);
  }
}

/** The tag that a descriptor means; none where no domain has the number, nor somebody else of whom the text knows. */
function namedBy(
  did: number,
  at: TextLine,
  { tags: known, foreign }: StepContext,
  iommu: number | undefined,
): number[] {
  const tags = known.named(did, iommu);
  if (tags.length === 0 && foreign.has(did)) return [did];
  if (tags.length > 1)
    at.fail(
      `iommu= is needed: ${did} is the number of domain ${tags[0]} and, elsewhere, of domain ${tags[1]}`,
    );
  return tags;
}

function iotlb(
  at: TextLine,
  granularity: (typeof GRANULARITY)[number],
  tag: number,
  high: bigint,
  context: StepContext,
): Step {
  const caches = CACHE_IOTLB | CACHE_WALK;
  if (granularity !== "page") return whole(tag, caches, context);
  const mask = field(high, 5, 0);
  if (mask > MAX_MASK) at.fail(`address mask ${mask} is over ${MAX_MASK}`);
  const scope = field(high, 6, 6) === 1 ? "leaf" : "nonLeaf";
  return { op: "invalidate", domain: tag, scope, caches, ...masked(field(high, 63, 12), mask) };
}

const whole = (domain: number, caches: number, { pages }: StepContext): Step => ({
  op: "invalidate",
  domain,
  scope: "nonLeaf",
  caches: caches & (CACHES_ALL | CACHE_CONTEXT),
  iovaPfn: 0 as IovaPfn,
  pages,
});

/** Without the size bit one page; with it the lowest zero bit of the address, from bit 12, says how many. */
function deviceRange(high: bigint, { pages }: StepContext): { iovaPfn: IovaPfn; pages: number } {
  const page = field(high, 63, 12);
  if ((high & 1n) === 0n) return { iovaPfn: page as IovaPfn, pages: 1 };
  let order = 1;
  while (order < 52 && Math.floor(page / 2 ** (order - 1)) % 2 === 1) order++;
  return 2 ** order >= pages ? { iovaPfn: 0 as IovaPfn, pages } : masked(page, order);
}
