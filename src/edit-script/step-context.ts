import { hex, hexPage, type IovaPfn, pageToBytes } from "../units/index.ts";
import type { DomainTags } from "./domain-tags.ts";
import type { KnownTags } from "./known-tags.ts";
import type { QueuedDrains } from "./queued-drains.ts";
import { CACHE_IOTLB, type WaitStep, waitStep } from "./steps.ts";
import type { ScriptDomain } from "./text.ts";
import type { TextLine } from "./text-line.ts";

/** Largest number a domain, tag, IOMMU or update can have. */
export const MAX_ID = 0xffff_ffff;
/** An address mask of more bits than this covers every IOVA there is. */
export const MAX_MASK = 45;
/** Largest number a descriptor can give a domain. */
const MAX_DID = 0xffff;

/** What the meaning of a step depends on besides its line. */
export interface StepContext {
  /** Pages of the IOVA space. */
  readonly pages: number;
  readonly levels: number;
  /** Those before this line. */
  readonly tags: KnownTags;
  /** Tags of domains that the text does not speak of, as far as lines before this one name them. */
  readonly foreign: Pick<ReadonlyMap<number, unknown>, "has">;
  readonly drains: QueuedDrains;
  readonly domains: readonly ScriptDomain[];
  /** The tags that these have. */
  readonly own: DomainTags;
}

/**
 * The `domain=` option, or the tag of the one domain there is, behind one IOMMU if it is given: the tag that it had when the call began, or
 * has at this line.
 */
export function domainOf(
  at: TextLine,
  { domains, tags, own }: StepContext,
  iommu?: number,
  when: "atCall" | "now" = "atCall",
): number {
  const text = at.take("domain");
  if (text !== undefined) {
    const domain = at.integer(text, "domain", MAX_ID);
    if (iommu !== undefined && tags.iommuOf(domain) !== iommu)
      at.fail(`domain ${domain} is behind IOMMU ${tags.iommuOf(domain)}, not ${iommu}`);
    return domain;
  }
  const [only, ...others] = domains.filter((d) => iommu === undefined || (d.iommu ?? 0) === iommu);
  if (only !== undefined && others.length === 0) return own[when](only.id);
  if (iommu !== undefined && only === undefined && domains.length > 0)
    at.fail(`iommu ${iommu}: no domain before this line is behind it`);
  return at.fail("domain= is needed where the text does not name exactly one domain before this line");
}

/** The `iommu=` option. */
export function iommuOf(at: TextLine): number | undefined {
  const text = at.take("iommu");
  return text === undefined ? undefined : at.integer(text, "iommu", MAX_ID);
}

/** The `did=` option. */
export function didOf(at: TextLine): number | undefined {
  const text = at.take("did");
  return text === undefined ? undefined : at.integer(text, "did", MAX_DID);
}

/** A wait; it drains only where the descriptors let it. One for all may do so behind some IOMMUs and not behind others. */
export function waited(drain: boolean, iommu: number | undefined, { drains, tags }: StepContext): WaitStep[] {
  const owing = drains.wait(iommu);
  if (!drain || owing.length === 0) return [waitStep(drain, iommu)];
  if (iommu !== undefined) return [waitStep(false, iommu)];
  const others = tags.iommus().filter((own) => !owing.includes(own));
  return [waitStep(false, undefined), ...others.map((own) => waitStep(true, own))];
}

/** Notes an invalidation that a line names in words: it asks for a drain, if what it drops are translations. */
export function asksToDrain(tag: number, caches: number, { drains, tags, foreign }: StepContext): void {
  if ((caches & CACHE_IOTLB) !== 0 && !foreign.has(tag)) drains.post(tags.iommuOf(tag), true);
}

/** Pages that 64 bits of address have. */
const ALL_PAGES = 2 ** 52;

/** What speaks against a range of a step; null where nothing does. It may reach past the IOVA space: "everything" often does. */
export function againstRange(first: number, pages: number, { pages: all }: StepContext): string | null {
  if (first + pages > ALL_PAGES)
    return `iova ${hexPage(first)} and size ${hexPage(pages)} add up to more than 64 bits`;
  if (first < all) return null;
  return `iova ${hexPage(first)} lies past ${hex(pageToBytes(all) - 1n)}, the last that the profile translates`;
}

/** 2^mask pages around a page, as hardware takes an address mask: low bits of the address do not count. */
export const masked = (page: number, mask: number): { iovaPfn: IovaPfn; pages: number } => {
  const pages = 2 ** mask;
  return { iovaPfn: (page - (page % pages)) as IovaPfn, pages };
};
