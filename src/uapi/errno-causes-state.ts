import type { ErrnoCause } from "./errno-cause.ts";

type Causes = readonly (readonly [string, readonly ErrnoCause[]])[];

/* The container and group state machine: drivers/vfio/container.c, group.c, and recordings of real kernels. */

export const CONTAINER_CAUSES: Causes = [
  [
    "any other container ioctl",
    [
      { errno: "EINVAL", cause: "the container has no IOMMU type yet" },
      { errno: "ENOTTY", cause: "unknown number" },
    ],
  ],
  [
    "VFIO_SET_IOMMU",
    [
      { errno: "EINVAL", cause: "no group is attached, or a type is already set" },
      { errno: "ENODEV", cause: "nobody knows the type" },
      { errno: "EINVAL", cause: "an extension that is no type: VFIO_UNMAP_ALL" },
      {
        errno: "ENODEV",
        cause: "VFIO_TYPE1_NESTING_IOMMU, which is gone",
        differs: { "6.1": "EINVAL", "6.12": "EINVAL" },
      },
      { errno: "EPERM", cause: "no interrupt remapping and allow_unsafe_interrupts is off" },
    ],
  ],
  [
    "VFIO_IOMMU_GET_INFO",
    [
      { errno: "EFAULT", cause: "the first 16 bytes cannot be read" },
      { errno: "EINVAL", cause: "argsz < 16" },
      { errno: "EFAULT", cause: "the struct or the capabilities cannot be written" },
    ],
  ],
];

export const GROUP_CAUSES: Causes = [
  ["any other group ioctl", [{ errno: "ENOTTY", cause: "unknown number" }]],
  [
    "VFIO_GROUP_GET_STATUS",
    [
      { errno: "EFAULT", cause: "the struct cannot be read" },
      { errno: "EINVAL", cause: "argsz < 8" },
      { errno: "EFAULT", cause: "the struct cannot be written" },
    ],
  ],
  [
    "VFIO_GROUP_SET_CONTAINER",
    [
      { errno: "EFAULT", cause: "the file descriptor cannot be read" },
      { errno: "EBADF", cause: "no open file" },
      { errno: "EINVAL", cause: "the group already has a container" },
      { errno: "ENODEV", cause: "the group is gone" },
      { errno: "EBADFD", cause: "a file of another kind", differs: { "6.1": "EINVAL" } },
      { errno: "EPERM", cause: "no interrupt remapping and allow_unsafe_interrupts is off" },
      { errno: "EBUSY", cause: "a mapping of the container lost its vaddr" },
      { errno: "EINVAL", cause: "a mapping of the container lies in a reserved region of the group" },
    ],
  ],
  [
    "VFIO_GROUP_UNSET_CONTAINER",
    [
      { errno: "EINVAL", cause: "the group has no container" },
      { errno: "EBUSY", cause: "a device of the group is open" },
    ],
  ],
  [
    "VFIO_GROUP_GET_DEVICE_FD",
    [
      { errno: "EFAULT", cause: "the name cannot be read" },
      { errno: "ENODEV", cause: "no such device in the group" },
      { errno: "EINVAL", cause: "the group has no container, or the container no IOMMU type" },
    ],
  ],
];
