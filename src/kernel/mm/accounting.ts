import { Errno } from "../../uapi/errno.ts";
import { KernelBug } from "../fault-injection.ts";
import type { AddressSpace } from "./types.ts";

/**
 * Charges one pinned run to RLIMIT_MEMLOCK. Returns 0, or -ENOMEM with nothing charged: a run that crosses
 * the limit fails whole.
 *
 * Older kernels count page by page and newer ones a run at once; since the former also give up the whole run
 * at the first page over the limit, the answer is the same. Pre: `pages` are the accounted ones only. Asks
 * fault injection once ("account").
 */
export function chargePages(mm: AddressSpace, pages: number, lockCap: boolean): number {
  if (pages === 0) return 0;
  if (mm.faults.shouldFail("account")) return -Errno.ENOMEM;
  if (!lockCap && mm.lockedVm + pages > mm.memlockLimitPages) return -Errno.ENOMEM;
  mm.lockedVm += pages;
  return 0;
}

/** Takes `pages` off the account again. */
export function unchargePages(mm: AddressSpace, pages: number): void {
  if (pages > mm.lockedVm) throw new KernelBug(`unchargePages: ${pages} pages of ${mm.lockedVm} locked ones`);
  mm.lockedVm -= pages;
}
