import type { IovaPfn } from "../units/index.ts";
import type { TextLine } from "./text-line.ts";

/** Largest number a domain, tag or update can have. */
export const MAX_ID = 0xffff_ffff;
/** An address mask of more bits than this covers every IOVA there is. */
export const MAX_MASK = 45;

/** What the meaning of a step depends on besides its line. */
export interface StepContext {
  /** Pages of the IOVA space. */
  readonly pages: number;
  readonly levels: number;
  /** Domains and tags known before this line, ascending in age. */
  readonly tags: readonly number[];
  /** The one domain there is before this line; null where there is none or there are several. */
  readonly onlyDomain: number | null;
}

/** The `domain=` option, or the one domain there is. */
export function domainOf(at: TextLine, context: StepContext): number {
  const text = at.take("domain");
  if (text !== undefined) return at.integer(text, "domain", MAX_ID);
  if (context.onlyDomain !== null) return context.onlyDomain;
  return at.fail("domain= is needed where the text does not name exactly one domain before this line");
}

/** 2^mask pages around a page, as hardware takes an address mask: low bits of the address do not count. */
export const masked = (page: number, mask: number): { iovaPfn: IovaPfn; pages: number } => {
  const pages = 2 ** mask;
  return { iovaPfn: (page - (page % pages)) as IovaPfn, pages };
};
