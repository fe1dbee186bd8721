/** Words of VT-d second-stage entries, as the specification has them: R 0, W 1, page size 7, A 8, D 9, address 51:12. */
const PAGE_SIZE_BIT = 0x80n;
export const ACCESSED_DIRTY = 0x300n;
export const ABSENT = 0n;

/** What a page translates to. */
export interface Translation {
  readonly frame: number;
  readonly rights: number;
}

export const leafOf = ({ frame, rights }: Translation, level: number, bits = 0n): bigint =>
  (BigInt(frame) << 12n) | BigInt(rights) | (level > 0 ? PAGE_SIZE_BIT : 0n) | bits;
/** Links grant everything: what is narrowed is narrowed in leaves. */
export const linkTo = (table: number): bigint => (BigInt(table) << 12n) | 3n;

export const isPresent = (word: bigint): boolean => (word & 3n) !== 0n;
export const isLeaf = (word: bigint, level: number): boolean =>
  isPresent(word) && (level === 0 || (word & PAGE_SIZE_BIT) !== 0n);
export const isLink = (word: bigint, level: number): boolean => isPresent(word) && !isLeaf(word, level);
export const addressIn = (word: bigint): number => Number((word >> 12n) & 0xff_ffff_ffffn);
export const translationIn = (word: bigint): Translation => ({
  frame: addressIn(word),
  rights: Number(word & 3n),
});
export const isSame = (a: Translation | undefined, b: Translation | undefined): boolean =>
  a?.frame === b?.frame && a?.rights === b?.rights;

/** How tables of one size and depth divide the pages. */
export class Shape {
  readonly levels: number;
  readonly entries: number;
  constructor(levels: number, indexLg2: number) {
    this.levels = levels;
    this.entries = 2 ** indexLg2;
  }
  /** Pages that one entry spans. */
  span(level: number): number {
    return this.entries ** level;
  }
  get pages(): number {
    return this.span(this.levels);
  }
  indexOf(page: number, level: number): number {
    return Math.floor(page / this.span(level)) % this.entries;
  }
}
