import { CACHES_ALL, type EditScript } from "../../edit-script/index.ts";
import { iovaPfn } from "../../units/index.ts";

/** Ranges to invalidate for one domain; neighbours join as they arrive in ascending order. */
class InvalidationRanges {
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  add(start: number, end: number): void {
    const last = this.starts.length - 1;
    if (last >= 0 && start <= this.ends[last]! && end >= this.starts[last]!) {
      this.starts[last] = Math.min(this.starts[last]!, start);
      this.ends[last] = Math.max(this.ends[last]!, end);
      return;
    }
    this.starts.push(start);
    this.ends.push(end);
  }

  get isEmpty(): boolean {
    return this.starts.length === 0;
  }
}

/** More ranges than this become one that spans them all: hardware does the same above its largest page-selective range. */
const MAX_RANGES = 64;

interface DomainInvalidations {
  readonly leaf: InvalidationRanges;
  readonly nonLeaf: InvalidationRanges;
}

/** What caches may hold of entries that were overwritten, by domain tag. */
export class Invalidations {
  readonly domains = new Map<number, DomainInvalidations>();

  /** The caches of `domain` may hold what stood in [start, end); `nonLeaf` when a table pointer did or does. */
  add(domain: number, nonLeaf: boolean, start: number, end: number): void {
    let of = this.domains.get(domain);
    if (of === undefined) {
      of = { leaf: new InvalidationRanges(), nonLeaf: new InvalidationRanges() };
      this.domains.set(domain, of);
    }
    (nonLeaf ? of.nonLeaf : of.leaf).add(start, end);
  }
}

/** Appends barrier, invalidations and a draining wait; false when there was nothing to do. */
export function settle(script: EditScript, parts: readonly Invalidations[]): boolean {
  const domains = new Map<number, DomainInvalidations[]>();
  for (const part of parts)
    for (const [domain, of] of part.domains) domains.set(domain, [...(domains.get(domain) ?? []), of]);
  if (domains.size === 0) return false;
  script.barrier();
  for (const [domain, those] of domains) {
    for (const scope of ["leaf", "nonLeaf"] as const) {
      const ranges = join(those.map((part) => part[scope]));
      for (let i = 0; i < ranges.starts.length; i++)
        script.invalidate(
          domain,
          scope,
          CACHES_ALL,
          iovaPfn(ranges.starts[i]!),
          ranges.ends[i]! - ranges.starts[i]!,
        );
    }
  }
  script.wait(true);
  return true;
}

function join(parts: readonly InvalidationRanges[]): InvalidationRanges {
  const used = parts.filter((part) => !part.isEmpty);
  let all = used[0] ?? new InvalidationRanges();
  if (used.length > 1) {
    const pairs = used.flatMap((part) => part.starts.map((start, i) => [start, part.ends[i]!] as const));
    pairs.sort((a, b) => a[0] - b[0]);
    all = new InvalidationRanges();
    for (const [start, end] of pairs) all.add(start, end);
  }
  if (all.starts.length <= MAX_RANGES) return all;
  // One by one: there may be more ranges than a call can have arguments.
  let [start, end] = [Infinity, 0];
  for (let i = 0; i < all.starts.length; i++) {
    start = Math.min(start, all.starts[i]!);
    end = Math.max(end, all.ends[i]!);
  }
  const span = new InvalidationRanges();
  span.add(start, end);
  return span;
}
