import { Errno } from "../../uapi/errno.ts";
import type { Personality } from "../personality.ts";

/** Where the emulated kernels answer differently. Data, so that nothing else tests for a kernel by name. */
export interface Type1Behaviour {
  /** Errno of a range that runs over 2^64. */
  readonly wrapErrno: number;
  /** DIRTY_PAGES may ask for a range whose last byte is 2^64 - 1; older kernels take its end, 0, for a wrap. */
  readonly dirtyRangeMayReachTop: boolean;
  /** The nesting type is an extension (which no emulated IOMMU can serve). */
  readonly offersNesting: boolean;
  /** Errno of SET_CONTAINER with a file that is no container. */
  readonly foreignFileErrno: number;
  /** Capabilities of GET_INFO start at multiples of this many bytes. */
  readonly capabilityAlignBytes: number;
  /** Bytes of struct vfio_iommu_type1_info written back to a caller with this argsz (at least 16). */
  infoBytes(argsz: number): number;
}

const before73 = {
  wrapErrno: Errno.EINVAL,
  dirtyRangeMayReachTop: false,
  offersNesting: true,
};

export const BEHAVIOURS: Readonly<Record<Personality, Type1Behaviour>> = {
  "6.1": {
    ...before73,
    foreignFileErrno: Errno.EINVAL,
    capabilityAlignBytes: 1,
    /* The struct ended with cap_offset then; its padding is never written. */
    infoBytes: (argsz) => (argsz >= 20 ? 20 : 16),
  },
  "6.12": {
    ...before73,
    foreignFileErrno: Errno.EBADFD,
    capabilityAlignBytes: 8,
    infoBytes: (argsz) => Math.min(argsz, 24),
  },
  "7.3": {
    wrapErrno: Errno.EOVERFLOW,
    dirtyRangeMayReachTop: true,
    offersNesting: false,
    foreignFileErrno: Errno.EBADFD,
    capabilityAlignBytes: 8,
    infoBytes: (argsz) => Math.min(argsz, 24),
  },
};
