import type { AbiUnderReview, LintRule } from "./lint-rule.ts";

const hex = (value: number): string => "0x" + value.toString(16);

/** Capability ids up to here are upstream's to give away. */
const UPSTREAM_CAPABILITY_LAST = 0x7fff;
const U16_MAX = 0xffff;

/** Rules about numbers, which only make sense among all others. A message starts with the name it is about. */
export const IOCTL_RULES: readonly LintRule<AbiUnderReview>[] = [
  {
    id: "unique-ioctl",
    text: "an ioctl number means one thing on every file of the subsystem",
    source: "Documentation/userspace-api/ioctl/ioctl-number.rst",
    *check({ ioctls, takenIoctls }) {
      for (const [i, { name, value }] of ioctls.entries()) {
        const other = [...takenIoctls, ...ioctls.slice(0, i)].find((t) => t.value === value);
        if (other !== undefined) yield `${name} = ${hex(value)} is ${other.name} on a ${other.fd} file`;
      }
    },
  },
  {
    id: "ioctl-type",
    text: "VFIO ioctls are _IO(';', n): size and direction stay out of the number, argsz carries the size",
    source: "include/uapi/linux/vfio.h",
    *check({ ioctls }) {
      for (const { name, value } of ioctls)
        if (value >>> 8 !== 0x3b) yield `${name} = ${hex(value)} is no _IO(';', n)`;
    },
  },
  {
    id: "capability-id",
    text: "a capability id is a u16, used once; what is not upstream keeps away from upstream's numbers",
    source: "include/uapi/linux/vfio.h, struct vfio_info_cap_header",
    *check({ capabilities, takenCapabilities }) {
      for (const [i, { name, value }] of capabilities.entries()) {
        const other = [...takenCapabilities, ...capabilities.slice(0, i)].find((t) => t.value === value);
        if (other !== undefined) yield `${name} = ${value} is ${other.name}`;
        else if (value <= UPSTREAM_CAPABILITY_LAST || value > U16_MAX)
          yield `${name} = ${hex(value)} is not within 0x8000..0xffff`;
      }
    },
  },
];
