import type { ErrnoName } from "./errno.ts";

/** Kernels whose behaviour is emulated; 6.18 and 7.2 behave as 7.3. */
export const PERSONALITIES = ["6.1", "6.12", "7.3"] as const;
export type Personality = (typeof PERSONALITIES)[number];

/** One reason for an ioctl to fail. */
export interface ErrnoCause {
  readonly errno: ErrnoName;
  readonly cause: string;
  /** What other kernels answer instead; `success` where they do not fail. */
  readonly differs?: Readonly<Partial<Record<Personality, ErrnoName | "success">>>;
}
