import type { SetRootStep } from "./steps.ts";

/** The tag of each domain, line by line, for lines that name none: a root switch may give a domain another. */
export class DomainTags {
  /** By domain, as its line names it, once it has another tag. */
  readonly #now = new Map<number, number>();
  #atCall: ReadonlyMap<number, number> = new Map();

  /** Notes that a call begins here. */
  beginCall(): void {
    this.#atCall = new Map(this.#now);
  }

  /** Follows a root switch. Pre: `domains` are those of the lines above it. */
  follow({ domain, tag }: SetRootStep, domains: readonly { readonly id: number }[]): void {
    const own = domains.find(({ id }) => this.now(id) === domain);
    if (own !== undefined) this.#now.set(own.id, tag);
  }

  /** The tag that a domain has at this line. */
  now(id: number): number {
    return this.#now.get(id) ?? id;
  }

  /** The one it had when the call began: what the call invalidates behind a switch is what was cached before. */
  atCall(id: number): number {
    return this.#atCall.get(id) ?? id;
  }
}
