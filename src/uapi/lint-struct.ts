import { type Field, place, type Struct } from "./descriptor.ts";
import type { LintRule } from "./lint-rule.ts";

const IOCTL_RST = "Documentation/driver-api/ioctl.rst";
const BOTCHING = "Documentation/process/botching-up-ioctls.rst";

/** Largest size an ioctl number can encode: 14 bits. */
const IOC_SIZE_MAX_BYTES = (1 << 14) - 1;

const flagFields = (struct: Struct): Field[] => struct.fields.filter((f) => f.name === "flags");
const isReserved = (f: Field): boolean => f.role === "reserved";

/** Rules a single struct must keep. */
export const STRUCT_RULES: readonly LintRule<Struct>[] = [
  {
    id: "natural-alignment",
    text: "a field lies at a multiple of its own size on every ABI",
    source: IOCTL_RST,
    *check(struct) {
      for (const { field, offsetBytes } of place(struct, "i386").fields)
        if (field.type === "u64" && offsetBytes % 8 !== 0)
          yield `${field.name} lies at offset ${offsetBytes} on i386`;
    },
  },
  {
    id: "no-holes",
    text: "padding is explicit, or it leaks kernel memory and cannot be given a meaning later",
    source: IOCTL_RST,
    *check(struct) {
      for (const abi of ["lp64", "i386"] as const) {
        const placed = place(struct, abi);
        for (const { field, holeBytes } of placed.fields)
          if (holeBytes > 0) yield `${holeBytes} bytes of padding in front of ${field.name} on ${abi}`;
        if (placed.tailHoleBytes > 0) yield `${placed.tailHoleBytes} bytes of padding at the end on ${abi}`;
      }
    },
  },
  {
    id: "compat-layout",
    text: "32-bit and 64-bit user space see the same layout, so that no compat handler is needed",
    source: IOCTL_RST,
    *check(struct) {
      const wide = place(struct, "lp64");
      const narrow = place(struct, "i386");
      const moved = wide.fields.find((p, i) => p.offsetBytes !== narrow.fields[i]!.offsetBytes);
      if (moved !== undefined) yield `${moved.field.name} moves between 64-bit and i386`;
      else if (wide.sizeBytes !== narrow.sizeBytes)
        yield `${wide.sizeBytes} bytes on 64-bit, ${narrow.sizeBytes} on i386`;
    },
  },
  {
    id: "aligned-u64",
    text: "a u64 is __aligned_u64, so that a struct that embeds this one is the same on i386",
    source: BOTCHING,
    *check(struct) {
      const first = struct.fields.find((f) => f.type === "u64");
      if (first !== undefined && !struct.alignedU64) yield `${first.name} is a plain __u64`;
    },
  },
  {
    id: "u64-pointers",
    text: "a pointer to user memory is passed as u64",
    source: BOTCHING,
    *check(struct) {
      for (const f of struct.fields) {
        if (f.type === "uptr") yield `${f.name} is a C pointer`;
        else if (f.role === "user-pointer" && f.type !== "u64") yield `${f.name} is a pointer but no u64`;
      }
    },
  },
  {
    id: "argsz-first",
    text: "an argument starts with u32 argsz and u32 flags",
    source: "include/uapi/linux/vfio.h",
    *check(struct) {
      if (!struct.argument) return;
      for (const [i, name] of ["argsz", "flags"].entries()) {
        const field = struct.fields[i];
        if (field?.name !== name || field.type !== "u32")
          yield `field ${i} is ${field?.name ?? "missing"}, not u32 ${name}`;
      }
    },
  },
  {
    id: "flag-bits",
    text: "every flag is one bit of its own, so that unknown ones can be refused",
    source: BOTCHING,
    *check(struct) {
      for (const f of flagFields(struct)) {
        let seen = 0;
        for (const { name, value } of f.bits ?? []) {
          if (value <= 0 || (value & (value - 1)) !== 0) yield `${name} = ${value} is no single bit`;
          if ((seen & value) !== 0) yield `${name} shares a bit with another flag`;
          seen |= value;
        }
      }
    },
  },
  {
    id: "reserved",
    text: "reserved space is u32 or u8, must be zero, and sits at the end or fills up to an aligned field",
    source: BOTCHING,
    *check(struct) {
      for (const [i, f] of struct.fields.entries()) {
        if (!isReserved(f)) {
          if (/^(reserved|pad|unused|__)/.test(f.name)) yield `${f.name} is not marked as reserved`;
          continue;
        }
        if (f.type !== "u32" && f.type !== "u8") yield `${f.name} is ${String(f.type)}`;
        if (!/\bzero\b/.test(f.doc)) yield `${f.name} is not documented to be zero`;
        const rest = struct.fields.slice(i + 1);
        const next = rest[0];
        const fills = next !== undefined && placedAlign(struct, next) === 8;
        if (!rest.every(isReserved) && !fills)
          yield `${f.name} is neither last nor fills up to ${next?.name}`;
      }
    },
  },
  {
    id: "flexible-tail",
    text: "only the last field has no fixed size, and a field in front of it or argsz counts it",
    source: "include/uapi/linux/stddef.h",
    *check(struct) {
      for (const [i, f] of struct.fields.entries()) {
        if (f.countedBy === undefined) continue;
        if (i !== struct.fields.length - 1) yield `${f.name} is flexible but not last`;
        if (!struct.fields.slice(0, i).some((g) => g.name === f.countedBy))
          yield `${f.name} is counted by ${f.countedBy}, which does not precede it`;
      }
    },
  },
  {
    id: "size",
    text: "a struct fits the 14-bit size of an ioctl number, and its size is a multiple of 8 if it holds a u64",
    source: IOCTL_RST,
    *check(struct) {
      if (struct.sizeBytes > IOC_SIZE_MAX_BYTES) yield `${struct.sizeBytes} bytes`;
      const narrow = place(struct, "i386").sizeBytes;
      const holdsU64 = struct.fields.some((f) => f.type === "u64");
      for (const bytes of new Set([struct.sizeBytes, narrow]))
        if (holdsU64 && bytes % 8 !== 0) yield `${bytes} bytes is no multiple of 8`;
    },
  },
  {
    id: "documented",
    text: "struct and fields have a one-line description",
    source: "Documentation/doc-guide/kernel-doc.rst",
    *check(struct) {
      for (const [name, doc] of [["struct", struct.doc], ...struct.fields.map((f) => [f.name, f.doc])])
        if (doc!.trim() === "" || /\n|\*\//.test(doc!)) yield `${name} has no one-line description`;
    },
  },
];

const placedAlign = (struct: Struct, field: Field): number =>
  place(struct, "lp64").fields.find((p) => p.field === field)?.alignBytes ?? 1;
