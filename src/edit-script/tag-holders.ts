import type { Step } from "./steps.ts";

/** Which domain's devices use a tag, line by line: a root switch takes them from one tag to another. */
export class TagHolders {
  /** By tag, the domain as its line names it. */
  readonly #holders = new Map<number, number>();
  /** By tag that devices have left: whose they were, to which tag they went, in which line and call. */
  readonly #left = new Map<number, { domain: number; to: number; line: number; call: number }>();

  /** Tags of domains that the file does not speak of. */
  readonly #foreign: ReadonlySet<number>;

  constructor(domains: readonly { readonly id: number }[], foreign: ReadonlySet<number>) {
    this.#foreign = foreign;
    for (const { id } of domains) this.#holders.set(id, id);
  }

  /** True iff a domain has this tag, or had it, be it one that the file does not speak of. */
  isKnown(tag: number): boolean {
    return this.#holders.has(tag) || this.#left.has(tag) || this.#foreign.has(tag);
  }

  /** Follows a step; the answer is what speaks against it, null where nothing does. */
  follow(step: Step, line: number, call: number): string | null {
    if (!("domain" in step)) return null;
    const { domain } = step;
    const own = this.#holders.get(domain);
    const before = this.#left.get(domain);
    if (own === undefined && before === undefined)
      return this.#foreign.has(domain)
        ? `tag ${domain} is somebody else's: a ${step.op} line names a domain of this file`
        : `domain ${domain} has no "domain" line and is no tag of an earlier setRoot; a line "tag ${domain}" says that it is somebody else's`;
    if (step.op !== "setRoot") return null;
    if (own === undefined)
      return `no device uses tag ${domain} any more: line ${before!.line} gives them tag ${before!.to}, so that domain=${before!.to} names them`;
    const { tag } = step;
    if (tag === domain) return null;
    if (this.#foreign.has(tag)) return `tag ${tag} is somebody else's`;
    const holder = this.#holders.get(tag);
    if (holder !== undefined)
      return `tag ${tag} is taken by domain ${holder}${holder === tag ? "" : ", whose tag it is by now"}`;
    const last = this.#left.get(tag);
    if (last !== undefined && last.domain !== own && last.call === call)
      return `tag ${tag} was that of domain ${last.domain} until line ${last.line}; one call cannot give it to another`;
    this.#holders.delete(domain);
    this.#left.set(domain, { domain: own, to: tag, line, call });
    this.#left.delete(tag);
    this.#holders.set(tag, own);
    return null;
  }
}
