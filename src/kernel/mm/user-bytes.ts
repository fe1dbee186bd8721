import { PAGE_SIZE_BYTES } from "../../units/index.ts";

/** Backings up to this size keep their bytes in one array, so that a long list is copied in one piece. */
const DENSE_LIMIT_PAGES = 16384;

/**
 * The bytes user space wrote into one backing. Guest RAM is never written by the emulated user, so nothing is
 * held for it: small backings get one array at the first access, large ones a page at a time. Bytes never
 * written read as zero.
 */
export class UserBytes {
  readonly #pages: number;
  #dense: Uint8Array | null = null;
  #sparse: Map<number, Uint8Array> | null = null;

  constructor(pages: number) {
    this.#pages = pages;
  }

  /** View of [offset, offset + length), or null where bytes are not held in one piece. */
  view(offset: number, length: number): Uint8Array | null {
    if (this.#pages > DENSE_LIMIT_PAGES) return null;
    this.#dense ??= new Uint8Array(this.#pages * PAGE_SIZE_BYTES);
    return this.#dense.subarray(offset, offset + length);
  }

  read(dst: Uint8Array, offset: number): void {
    const view = this.view(offset, dst.length);
    if (view !== null) {
      dst.set(view);
      return;
    }
    this.#eachPage(offset, dst.length, (page, at, from, length) => {
      const bytes = this.#sparse?.get(page);
      if (bytes === undefined) dst.fill(0, at, at + length);
      else dst.set(bytes.subarray(from, from + length), at);
    });
  }

  write(offset: number, src: Uint8Array): void {
    const view = this.view(offset, src.length);
    if (view !== null) {
      view.set(src);
      return;
    }
    this.#sparse ??= new Map();
    const sparse = this.#sparse;
    this.#eachPage(offset, src.length, (page, at, from, length) => {
      let bytes = sparse.get(page);
      if (bytes === undefined) sparse.set(page, (bytes = new Uint8Array(PAGE_SIZE_BYTES)));
      bytes.set(src.subarray(at, at + length), from);
    });
  }

  #eachPage(
    offset: number,
    length: number,
    visit: (page: number, at: number, from: number, length: number) => void,
  ): void {
    for (let at = 0; at < length; ) {
      const page = Math.floor((offset + at) / PAGE_SIZE_BYTES);
      const from = offset + at - page * PAGE_SIZE_BYTES;
      const piece = Math.min(PAGE_SIZE_BYTES - from, length - at);
      visit(page, at, from, piece);
      at += piece;
    }
  }
}
