import { type ByteCursor, bytesOf, QUAD_BYTES, wordOf } from "./byte-cursor.ts";
import { MAX_ID } from "./step-context.ts";
import { CACHE_ATC, CACHE_CONTEXT, CACHE_IOTLB, CACHE_WALK, CACHES_ALL } from "./steps.ts";

/** One bit for each option that a line in plain form may have. */
export const OPTION = {
  iova: 1,
  size: 2,
  frame: 4,
  rights: 8,
  u: 16,
  count: 32,
  stride: 64,
  expected: 128,
  domain: 256,
  scope: 512,
  caches: 1024,
} as const;

/** Stands for an update or a domain that the line does not name. */
export const UNNAMED = -1;

const IOVA = wordOf("iova=");
const SIZE = wordOf("size=");
const FRAME = wordOf("frame=");
const RIGHTS = wordOf("rights=");
const COUNT = wordOf("count=");
const STRIDE = wordOf("stride=");
const EXPECTED = wordOf("expected=");
const DOMAIN = wordOf("domain=");
const SCOPE = wordOf("scope=");
const CACHES = wordOf("caches=");
const UPDATE = bytesOf("u=");
const [LEAF, NON_LEAF] = [bytesOf("leaf"), bytesOf("nonLeaf")];
const CACHE_WORDS: readonly (readonly [Uint8Array, number])[] = [
  [bytesOf("all"), CACHES_ALL],
  [bytesOf("iotlb"), CACHE_IOTLB],
  [bytesOf("walk"), CACHE_WALK],
  [bytesOf("atc"), CACHE_ATC],
  [bytesOf("context"), CACHE_CONTEXT],
];
const [PLUS, R, W] = [0x2b, 0x72, 0x77];
const READ = 1;
const WRITE = 2;

/** The options of a line in plain form, and what stands for those that it leaves out. */
export class PlainOptions {
  iovaPfn = 0;
  pages = 0;
  framePfn = 0;
  rights = READ | WRITE;
  update = UNNAMED;
  count = 1;
  strideLow = 0;
  strideHigh = 0;
  expectedLow = 0;
  expectedHigh = 0;
  domain = UNNAMED;
  isLeafOnly = false;
  caches = CACHES_ALL;

  /** Reads the rest of a line. True iff it is options, each of them among `allowed` and given once, with all of `needed`. */
  read(cursor: ByteCursor, allowed: number, needed: number): boolean {
    if (allowed !== 0) this.#reset();
    let found = 0;
    for (;;) {
      const isParted = cursor.blanks();
      if (cursor.isOver()) return (found & needed) === needed;
      if (!isParted) return false;
      const option = this.#option(cursor);
      if ((option & allowed) === 0 || (option & found) !== 0) return false;
      found |= option;
    }
  }

  #reset(): void {
    this.rights = READ | WRITE;
    this.update = UNNAMED;
    this.count = 1;
    this.strideLow = 0;
    this.strideHigh = 0;
    this.domain = UNNAMED;
    this.isLeafOnly = false;
    this.caches = CACHES_ALL;
  }

  /** Reads one option and answers which; 0 where it is none, or has a value that might be refused. */
  #option(cursor: ByteCursor): number {
    switch (cursor.quad()) {
      case IOVA.quad:
        return cursor.skip(IOVA.rest) && (this.iovaPfn = cursor.page()) >= 0 ? OPTION.iova : 0;
      case SIZE.quad:
        return cursor.skip(SIZE.rest) && (this.pages = cursor.pages()) > 0 ? OPTION.size : 0;
      case FRAME.quad:
        return cursor.skip(FRAME.rest) && (this.framePfn = cursor.page()) >= 0 ? OPTION.frame : 0;
      case RIGHTS.quad:
        return cursor.skip(RIGHTS.rest) ? this.#rights(cursor) : 0;
      case COUNT.quad:
        return cursor.skip(COUNT.rest) && (this.count = cursor.integer(MAX_ID)) >= 0 ? OPTION.count : 0;
      case STRIDE.quad:
        return cursor.skip(STRIDE.rest) ? this.#stride(cursor) : 0;
      case EXPECTED.quad:
        return cursor.skip(EXPECTED.rest) ? this.#expected(cursor) : 0;
      case DOMAIN.quad:
        return cursor.skip(DOMAIN.rest) && (this.domain = cursor.integer(MAX_ID)) >= 0 ? OPTION.domain : 0;
      case SCOPE.quad:
        return cursor.skip(SCOPE.rest) ? this.#scope(cursor) : 0;
      case CACHES.quad:
        return cursor.skip(CACHES.rest) ? this.#caches(cursor) : 0;
      default:
        cursor.at -= QUAD_BYTES;
        return cursor.skip(UPDATE) && (this.update = cursor.integer(MAX_ID)) >= 0 ? OPTION.u : 0;
    }
  }

  #stride(cursor: ByteCursor): number {
    if (!cursor.number()) return 0;
    this.strideLow = cursor.low;
    this.strideHigh = cursor.high;
    return OPTION.stride;
  }

  #expected(cursor: ByteCursor): number {
    if (!cursor.number()) return 0;
    this.expectedLow = cursor.low;
    this.expectedHigh = cursor.high;
    return OPTION.expected;
  }

  #scope(cursor: ByteCursor): number {
    this.isLeafOnly = cursor.skip(LEAF);
    return this.isLeafOnly || cursor.skip(NON_LEAF) ? OPTION.scope : 0;
  }

  #rights(cursor: ByteCursor): number {
    let rights = 0;
    if (cursor.byte === R) {
      rights |= READ;
      cursor.at++;
    }
    if (cursor.byte === W) {
      rights |= WRITE;
      cursor.at++;
    }
    this.rights = rights;
    return rights === 0 ? 0 : OPTION.rights;
  }

  #caches(cursor: ByteCursor): number {
    this.caches = 0;
    for (;;) {
      const named = CACHE_WORDS.find(([word]) => cursor.skip(word));
      if (named === undefined) return 0;
      this.caches |= named[1];
      if (cursor.byte !== PLUS) return OPTION.caches;
      cursor.at++;
    }
  }
}
