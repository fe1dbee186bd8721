/**
 * The vocabulary of addresses: every number that means an address or a page says so in its type.
 *
 * Inside the program addresses are page numbers held in a JavaScript number (a 57-bit IOVA is a 45-bit page number and
 * exact); 64-bit byte addresses appear only as bigint, at the uAPI edge and in reports.
 */
declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Byte address a device uses. */
export type Iova = Brand<bigint, "Iova">;
/** Byte address in physical memory. */
export type PhysAddr = Brand<bigint, "PhysAddr">;
/** Byte address in a process. */
export type Vaddr = Brand<bigint, "Vaddr">;
/** Physical page frame number: physical address / 4096. */
export type Pfn = Brand<number, "Pfn">;
/** IOVA / 4096. */
export type IovaPfn = Brand<number, "IovaPfn">;
/** Virtual address / 4096. */
export type VaddrPfn = Brand<number, "VaddrPfn">;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE_BYTES = 4096;
/** 2 MiB and 1 GiB in pages. */
export const PAGES_PER_2M = 512;
export const PAGES_PER_1G = 512 * 512;

/** Rights of a mapping, one bit each; the values are those of VFIO_DMA_MAP_FLAG_READ / _WRITE and of VT-d's R and W. */
export const READ = 1;
export const WRITE = 2;
export type Rights = number;

export const pfn = (n: number): Pfn => n as Pfn;
export const iovaPfn = (n: number): IovaPfn => n as IovaPfn;
export const vaddrPfn = (n: number): VaddrPfn => n as VaddrPfn;

/** Byte address of a page. */
export const pageToBytes = (page: number): bigint => BigInt(page) << 12n;
/** Page that contains a byte address; exact for all 64-bit addresses (52-bit page numbers). */
export const bytesToPage = (address: bigint): number => Number(BigInt.asUintN(64, address) >> 12n);

/** Lower-case hex with 0x, the one spelling of addresses in every output. */
export const hex = (value: number | bigint): string => "0x" + value.toString(16);
/** Byte address of a page as text. */
export const hexPage = (page: number): string => hex(pageToBytes(page));
