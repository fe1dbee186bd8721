/** What a listener is told about one commit, in the order in which it is told. */
export interface TopologyDelta<Range> {
  /** First, all of these in address order. */
  readonly deleted: readonly Range[];
  /** Then these in address order. */
  readonly added: readonly Range[];
}

/**
 * QEMU's rule for one address space and one commit: walk both sorted views; a range that has no equal counterpart is
 * deleted, one that had none is added; all deletes before all adds, whole ranges only.
 *
 * Pre: both views are sorted and free of overlap. `equal` may be true only of ranges with the same start.
 * Source: QEMU address_space_update_topology_pass.
 */
export function topologyDelta<Range>(
  old: readonly Range[],
  next: readonly Range[],
  startOf: (range: Range) => number | bigint,
  equal: (a: Range, b: Range) => boolean,
): TopologyDelta<Range> {
  const deleted: Range[] = [];
  const added: Range[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < next.length) {
    const a = old[i];
    const b = next[j];
    if (a !== undefined && b !== undefined && equal(a, b)) {
      i++;
      j++;
    } else if (a !== undefined && (b === undefined || startOf(a) <= startOf(b))) {
      deleted.push(a);
      i++;
    } else {
      added.push(b!);
      j++;
    }
  }
  return { deleted, added };
}
