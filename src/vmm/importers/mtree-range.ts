import type { FlatRange, FlatRangeKind } from "../flat-view.ts";
import { InputError } from "../input-error.ts";

/** `container` is what QEMU from 2025 on calls a root without memory that is a range itself: a device's IOMMU region. */
const RANGE =
  /^ {2}([0-9a-f]{16})-([0-9a-f]{16}) \(prio (-?\d{1,10}), (nv-)?(ram|rom|romd|ramd|i\/o|container)\): (.+)$/;
const KVM_SUFFIX = / KVM$/;
const PARENT_SUFFIX = / parent:\{((?:dev|obj) (?:id|path|type)=[^{}]*)\}$/;
const OWNER_SUFFIX = / owner:\{((?:dev|obj) (?:id|path|type)=[^{}]*)\}$/;
const ORPHAN_SUFFIX = / orphan$/;
const OFFSET_SUFFIX = / @([0-9a-f]{16})$/;

/** What follows the name is optional and free of marks that a name could not contain, so it is taken off from the end. */
const splitTail = (tail: string): { name: string; offset: bigint; owner: string | null } => {
  let rest = tail;
  while (KVM_SUFFIX.test(rest)) rest = rest.replace(KVM_SUFFIX, "");
  const isOrphan = ORPHAN_SUFFIX.test(rest);
  rest = rest.replace(ORPHAN_SUFFIX, "");
  const parent = PARENT_SUFFIX.exec(rest)?.[1];
  rest = rest.replace(PARENT_SUFFIX, "");
  const owner = OWNER_SUFFIX.exec(rest)?.[1];
  rest = rest.replace(OWNER_SUFFIX, "");
  const offset = OFFSET_SUFFIX.exec(rest)?.[1];
  return {
    name: offset === undefined ? rest : rest.replace(OFFSET_SUFFIX, ""),
    offset: offset === undefined ? 0n : BigInt("0x" + offset),
    owner: owner ?? (parent !== undefined ? `parent ${parent}` : isOrphan ? "orphan" : null),
  };
};

/**
 * Parses one range line of `info mtree -f`, with or without the suffixes of `-o` and of an accelerator.
 * Throws InputError when the line has another form or ends before it starts.
 */
export function parseRangeLine(text: string, file: string, line: number): FlatRange {
  const m = RANGE.exec(text);
  if (m === null)
    throw new InputError(
      file,
      line,
      "a range like '  0000000000000000-000000000009ffff (prio 0, ram): pc.ram @0000000000000000'",
      text,
    );
  const start = BigInt("0x" + m[1]!);
  const last = BigInt("0x" + m[2]!);
  if (last < start) throw new InputError(file, line, "a range that ends after it starts", text);
  return {
    start,
    last,
    priority: Number(m[3]),
    kind: m[5] === "container" ? "i/o" : (m[5] as FlatRangeKind),
    nonvolatile: m[4] !== undefined,
    ...splitTail(m[6]!),
    line,
  };
}
