import {
  Errno,
  VFIO_IOMMU_SET_MAP_FLAG_DRY_RUN,
  VFIO_IOMMU_SET_MAP_FLAG_EPOCH,
  VFIO_IOMMU_SET_MAP_FLAG_EXPECT_GENERATION,
} from "../../uapi/index.ts";
import type { PlannedChange } from "../iommu/index.ts";
import { chargePages, unchargePages } from "../mm/accounting.ts";
import type { AddressSpace } from "../mm/types.ts";
import type { Process } from "../process.ts";
import type { Mapping } from "./mapping.ts";
import { canSwitchRoots } from "./root-switch.ts";
import {
  checkArgument,
  emptyReport,
  type SetMapArgument,
  writeGeneration,
  writeReport,
} from "./set-map-argument.ts";
import { type Change, compareLists } from "./set-map-compare.ts";
import { type Delta, diff } from "./set-map-delta.ts";
import { adopt, type ListInForce, noList } from "./set-map-list.ts";
import { makeReport } from "./set-map-report.ts";
import { type Reservation, reserve } from "./set-map-reserve.ts";
import { moveCharges, track } from "./set-map-track.ts";
import type { Type1 } from "./type1.ts";

/** The list in force of each container that SET_MAP was called on. */
const listsInForce = new WeakMap<Type1, ListInForce>();

/** One call on its way: what the caller gave and where results go. */
interface Call {
  readonly iommu: Type1;
  readonly mm: AddressSpace;
  readonly address: bigint;
  readonly argument: SetMapArgument;
}

/** Everything the commit needs; taken before the first visible store. */
interface Prepared {
  readonly delta: Delta;
  readonly old: readonly Mapping[];
  readonly next: Mapping[];
  readonly reservation: Reservation;
  readonly planned: PlannedChange;
}

/**
 * VFIO_IOMMU_SET_MAP: makes the memory map of a container exactly the given one.
 *
 *     copy in → compare → reserve (pin, charge, plan with all tables) → write results back → commit → track
 *
 * Everything that can fail comes before the commit; a failed call leaves map, entries, pins, charges, dirty bits and
 * tables as they were. While the call runs a device sees, page by page, the old answer or the new one, and only that one
 * answer where they agree; on return nothing stale is usable. A call that changes nothing stores nothing.
 *
 * Returns 0 or -errno (causes in check order: `errno-causes-set-map.ts` of the uapi room; EBUSY while a vaddr is invalid).
 */
export function setMap(iommu: Type1, process: Process, address: bigint, head: Uint8Array): number {
  const { mm } = process;
  const argument = checkArgument(mm, address, head, iommu.limits.dmaEntryLimit);
  if (typeof argument === "number") return argument;
  const call: Call = { iommu, mm, address, argument };
  if (writeGeneration(mm, address, argument.generation) < 0 || writeReport(mm, argument, emptyReport) < 0)
    return -Errno.EFAULT;
  const inForce = listOf(iommu);
  const change = compareLists(iommu, mm, argument, inForce);
  if ("errno" in change) return refuse(call, change.errno, change.index);
  const { flags } = argument;
  const current = BigInt(iommu.generation);
  if ((flags & VFIO_IOMMU_SET_MAP_FLAG_EXPECT_GENERATION) !== 0 && argument.generation !== current) {
    writeGeneration(mm, address, current);
    return -Errno.ESTALE;
  }
  if (isEpoch(argument) && !canSwitchRoots(iommu)) return -Errno.EOPNOTSUPP;
  if (iommu.vaddrInvalidCount > 0) return -Errno.EBUSY;

  const prepared = prepare(call, change);
  if (typeof prepared === "number") return prepared;
  const dryRun = (flags & VFIO_IOMMU_SET_MAP_FLAG_DRY_RUN) !== 0;
  const isNewMap = prepared.delta.ranges.length > 0 || isRetracked(prepared);
  const generation = iommu.generation + (isNewMap && !dryRun ? 1 : 0);
  const results = writeResults(call, prepared, BigInt(generation));
  if (results < 0 || dryRun) {
    abandon(mm, prepared);
    return results;
  }
  commit(call, change, prepared);
  iommu.generation = generation;
  adopt(inForce, change.middle);
  Object.assign(inForce, { inOrder: change.inOrder, generation, mm });
  return 0;
}

const isEpoch = ({ flags }: SetMapArgument): boolean => (flags & VFIO_IOMMU_SET_MAP_FLAG_EPOCH) !== 0;

function listOf(iommu: Type1): ListInForce {
  let list = listsInForce.get(iommu);
  if (list === undefined) {
    list = noList();
    listsInForce.set(iommu, list);
  }
  return list;
}

/** Names the region at fault in the report; the errno of the fault stands even if the report cannot be written any more. */
function refuse({ mm, argument }: Call, errno: number, region: number): number {
  if (region >= 0) writeReport(mm, argument, () => ({ ...emptyReport(), bad_region: region }));
  return errno;
}

/** Reserves all the change needs. Returns -errno with everything given back. */
function prepare(call: Call, change: Change): Prepared | number {
  const { iommu, mm } = call;
  const domain = iommu.domains[0];
  const old = iommu.mappings.slice(change.from, change.oldEnd);
  const delta = diff(old, change.regions, mm);
  const next = track(iommu, old, change.regions, mm);
  if (typeof next === "number") return next;
  const { iommu: driver } = iommu.kernel;
  const reservation = reserve(driver, domain ?? null, delta, mm);
  if (typeof reservation === "number") return reservation;
  if (reservation.netCharge > 0) {
    const error = chargePages(mm, reservation.netCharge, mm.capIpcLock);
    if (error < 0) {
      reservation.release();
      return error;
    }
  }
  const planned = isEpoch(call.argument)
    ? driver.planSwitch(iommu.domains, reservation.runs)
    : driver.plan(iommu.domains, reservation.runs, true);
  if (typeof planned === "number") {
    giveBack(mm, reservation);
    return planned;
  }
  for (const run of reservation.unpins) planned.change.unpin(run.pfn, run.pages);
  return { delta, old, next, reservation, planned };
}

function giveBack(mm: AddressSpace, reservation: Reservation): void {
  if (reservation.netCharge > 0) unchargePages(mm, reservation.netCharge);
  reservation.release();
}

function abandon(mm: AddressSpace, { planned, reservation }: Prepared): void {
  planned.abandon();
  giveBack(mm, reservation);
}

/** The translations stay, but regions start or end elsewhere than before: tracking must follow. */
const isRetracked = ({ old, next }: Prepared): boolean =>
  old.length !== next.length || next.some((mapping, i) => mapping !== old[i]);

/** Tells the caller what will have happened. The last thing that can fail. */
function writeResults(
  { iommu, mm, address, argument }: Call,
  prepared: Prepared,
  generation: bigint,
): number {
  if (writeGeneration(mm, address, generation) < 0) return -Errno.EFAULT;
  const { delta, reservation, planned } = prepared;
  return writeReport(mm, argument, () => makeReport(iommu, delta, reservation, planned));
}

/** Makes the new map visible. Cannot fail. */
function commit(
  { iommu, mm }: Call,
  change: Change,
  { delta, old, next, reservation, planned }: Prepared,
): void {
  iommu.kernel.iommu.commit(planned, iommu.domains);
  moveCharges(old, next, delta, reservation);
  for (const [mapping, pages] of reservation.uncharged)
    if (mapping.mm !== mm) unchargePages(mapping.mm, pages);
  if (reservation.netCharge < 0) unchargePages(mm, -reservation.netCharge);
  iommu.dmaAvail += old.length - next.length;
  replace(iommu.mappings, change.from, change.oldEnd, next);
}

/** Puts `next` in the place of mappings [from, end), in place where the number stays. */
function replace(mappings: Mapping[], from: number, end: number, next: readonly Mapping[]): void {
  if (next.length === end - from) for (let i = 0; i < next.length; i++) mappings[from + i] = next[i]!;
  else {
    const behind = mappings.slice(end);
    mappings.length = from;
    for (const mapping of next) mappings.push(mapping);
    for (const mapping of behind) mappings.push(mapping);
  }
}
