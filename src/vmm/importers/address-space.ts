import type { FlatView } from "../flat-view.ts";
import { InputError } from "../input-error.ts";
import type { MtreeSnapshot } from "./mtree.ts";

/** Address space that devices use where there is no vIOMMU. */
export const DEFAULT_ADDRESS_SPACE = "memory";

/** Every address space of the snapshots as `"name" (root: root)`, sorted, each once. */
const listAddressSpaces = (snapshots: readonly MtreeSnapshot[]): string =>
  [
    ...new Set(
      snapshots.flatMap((s) =>
        s.views.flatMap((v) => v.addressSpaces.map((as) => `"${as.name}" (root: ${as.root})`)),
      ),
    ),
  ]
    .sort()
    .join(", ");

/**
 * The flat view of an address space, chosen by its name, or by the name of its root where no address space has that name;
 * null when the snapshot has none. Throws InputError when the choice fits address spaces that resolve to different views.
 */
export function selectView(snapshot: MtreeSnapshot, addressSpace: string): FlatView | null {
  const having = (key: "name" | "root"): FlatView[] =>
    snapshot.views.filter((view) => view.addressSpaces.some((as) => as[key] === addressSpace));
  const named = having("name");
  const fitting = named.length > 0 ? named : having("root");
  if (fitting.length > 1) {
    const roots = fitting.flatMap((v) =>
      v.addressSpaces.filter((as) => as.name === addressSpace).map((as) => as.root),
    );
    throw new InputError(
      snapshot.origin.file,
      fitting[1]!.origin.line,
      `one address space '${addressSpace}', but several differ; choose by root: ${roots.join(", ")}`,
      null,
    );
  }
  return fitting[0] ?? null;
}

/**
 * True iff snapshots show one view each and none of them the default address space: they were taken of a device's own
 * address space, and what is meant needs no name.
 */
export const showOneViewEach = (snapshots: readonly MtreeSnapshot[]): boolean =>
  snapshots.every(
    (s) => s.views.length === 1 && !s.views[0]!.addressSpaces.some((as) => as.name === DEFAULT_ADDRESS_SPACE),
  );

/** The error for an address space that is not there, with those that are. */
export const missingAddressSpace = (snapshots: readonly MtreeSnapshot[], addressSpace: string): InputError =>
  new InputError(
    snapshots[0]!.origin.file,
    snapshots[0]!.origin.line,
    `an address space with name or root '${addressSpace}'; there are ${listAddressSpaces(snapshots)}`,
    null,
  );
