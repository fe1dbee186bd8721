/**
 * Fault injection: the n-th allocation or pin point of a call fails, for n = 1, 2, … until a run meets none.
 *
 * Every place in the kernel that can fail for lack of something asks here first, naming itself. Sites that no sweep
 * ever reached are visible in `sites`, so that a sweep can be shown to be complete.
 */
export type FaultSite = "pin" | "account" | "table" | "tracking" | "bitmap" | "copy" | "script" | "tag";

export class FaultInjector {
  #failAt = 0;
  #seen = 0;
  #hit: FaultSite | null = null;
  /** How often each site asked since the last `arm`. */
  readonly sites = new Map<FaultSite, number>();

  /** The `nth` question (1-based) from now on is answered yes, once; 0 disarms. */
  arm(nth: number): void {
    this.#failAt = nth;
    this.#seen = 0;
    this.#hit = null;
    this.sites.clear();
  }

  /** The site that was made to fail since `arm`, or null: then the run met no injected failure. */
  get hit(): FaultSite | null {
    return this.#hit;
  }

  /** True iff this allocation or pin must fail now. */
  shouldFail(site: FaultSite): boolean {
    this.sites.set(site, (this.sites.get(site) ?? 0) + 1);
    if (this.#failAt === 0 || ++this.#seen !== this.#failAt) return false;
    this.#hit = site;
    return true;
  }
}

/** A broken invariant of the emulated kernel: our BUG_ON. The message starts with the function's name. */
export class KernelBug extends Error {
  override name = "KernelBug";
}
