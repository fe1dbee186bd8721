import type { ErrnoCause, Personality } from "./errno-cause.ts";
import { SET_MAP_CAUSES } from "./errno-causes-set-map.ts";
import { CONTAINER_CAUSES, GROUP_CAUSES } from "./errno-causes-state.ts";
import { DIRTY_PAGES_CAUSES, MAP_DMA_CAUSES, UNMAP_DMA_CAUSES } from "./errno-causes-type1.ts";

/** A cause with its place: `order` counts from 1 in the order in which the kernel checks. */
export interface ErrnoRow extends ErrnoCause {
  readonly ioctl: string;
  readonly order: number;
}

const causesByIoctl: readonly (readonly [string, readonly ErrnoCause[]])[] = [
  ...CONTAINER_CAUSES,
  ...GROUP_CAUSES,
  ["VFIO_IOMMU_MAP_DMA", MAP_DMA_CAUSES],
  ["VFIO_IOMMU_UNMAP_DMA", UNMAP_DMA_CAUSES],
  ["VFIO_IOMMU_DIRTY_PAGES", DIRTY_PAGES_CAUSES],
  ["VFIO_IOMMU_SET_MAP", SET_MAP_CAUSES],
];

/**
 * Every reason for which an emulated ioctl fails, by ioctl and in check order: of several that apply, the first is returned.
 *
 * With a personality, `errno` is what that kernel answers and causes it does not know are left out.
 */
export function errnoTable(personality?: Personality): readonly ErrnoRow[] {
  return causesByIoctl.flatMap(([ioctl, causes]) =>
    causes.flatMap((c, i): ErrnoRow[] => {
      const row = { ioctl, order: i + 1, ...c };
      if (personality === undefined) return [row];
      const answer = c.differs?.[personality] ?? c.errno;
      if (answer === "success") return [];
      return [{ ioctl, order: i + 1, errno: answer, cause: c.cause }];
    }),
  );
}

const differences = (row: ErrnoRow): string => {
  const entries = Object.entries(row.differs ?? {});
  return entries.length === 0 ? "" : ` [${entries.map(([kernel, e]) => `${kernel}: ${e}`).join(", ")}]`;
};

/** The table as text, one block an ioctl; what an older kernel answers instead stands in brackets. */
export function formatErrnoTable(rows: readonly ErrnoRow[]): string {
  let ioctl = "";
  const lines: string[] = [];
  for (const row of rows) {
    if (row.ioctl !== ioctl) {
      if (ioctl !== "") lines.push("");
      lines.push(row.ioctl);
      ioctl = row.ioctl;
    }
    lines.push(`  ${String(row.order).padStart(2)}  ${row.errno.padEnd(11)} ${row.cause}${differences(row)}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}
