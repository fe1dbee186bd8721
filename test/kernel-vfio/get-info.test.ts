import { describe, expect, it } from "vitest";
import {
  decode,
  Errno,
  vfio_info_cap_header,
  vfio_iommu_type1_info_cap_set_map,
} from "../../src/uapi/index.ts";
import { VfioUser } from "../helpers/vfio-user.ts";

const u32 = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer).getUint32(at, true);

/** Ids and offsets of the capability chain. */
function chain(bytes: Uint8Array): [id: number, at: number][] {
  const found: [number, number][] = [];
  for (let at = u32(bytes, 16); at !== 0; ) {
    const { id, next } = decode(vfio_info_cap_header, bytes, at);
    found.push([id, at]);
    at = next;
  }
  return found;
}

const written = (bytes: Uint8Array): number => bytes.findLastIndex((byte, i) => i >= 8 && byte !== 0xa5) + 1;

describe("GET_INFO", () => {
  it.each([
    ["6.1", 116, 68],
    ["6.12", 120, 72],
    ["7.3", 120, 72],
  ] as const)("of kernel %s needs %i bytes for the whole chain", (personality, needed, rangeAt) => {
    const u = VfioUser.ready({ personality, setMap: false, capability: "vtd-ss-39" });
    expect(u.getInfo(15).result).toBe(-Errno.EINVAL);
    for (const argsz of [16, 24, needed - 1]) {
      const { result, bytes } = u.getInfo(argsz);
      expect([result, u32(bytes, 0), u32(bytes, 4)]).toEqual([0, needed, 3]);
      expect(written(bytes)).toBe(argsz === 16 ? 16 : personality === "6.1" ? 20 : 24);
      if (argsz >= 20) expect(u32(bytes, 16)).toBe(0);
    }
    const { result, bytes } = u.getInfo(needed);
    expect([result, u32(bytes, 0), written(bytes)]).toEqual([0, needed, needed]);
    expect(chain(bytes)).toEqual([
      [2, 24],
      [3, 56],
      [1, rangeAt],
    ]);
  });

  it("names the ranges between which the interrupt window lies, up to the address width", () => {
    for (const bits of [39, 48, 57]) {
      const u = VfioUser.ready({ setMap: false, capability: `vtd-ss-${bits}` });
      const { bytes } = u.getInfo(4096);
      const ranges = new BigUint64Array(bytes.slice(88, 120).buffer);
      expect([...ranges]).toEqual([0n, 0xfedf_ffffn, 0xfef0_0000n, (1n << BigInt(bits)) - 1n]);
    }
  });

  it("offers set-map as a further capability, with its region limit", () => {
    const u = VfioUser.ready({ dmaEntryLimit: 77 });
    const { bytes } = u.getInfo(4096);
    const [id, at] = chain(bytes).at(-1)!;
    expect(id).toBe(0x8001);
    expect(decode(vfio_iommu_type1_info_cap_set_map, bytes, at)).toMatchObject({ max_regions: 77 });
    expect(VfioUser.ready().process.ioctl(3, 0x3b7c, 0n)).toBe(-Errno.EFAULT);
    expect(VfioUser.ready({ setMap: false }).process.ioctl(3, 0x3b7c, 0n)).toBe(-Errno.ENOTTY);
  });

  it("is EFAULT for a buffer that ends too early, and then has written what fits", () => {
    const u = VfioUser.ready({ setMap: false });
    const end = u.process.mmap(4096, "pop") + 4096n;
    const bytes = new Uint8Array(64).fill(0xa5);
    new DataView(bytes.buffer).setUint32(0, 120, true);
    u.process.write(end - 64n, bytes);
    expect(u.process.ioctl(u.container, 0x3b70, end - 64n)).toBe(-Errno.EFAULT);
    expect(u32(u.process.read(end - 64n, 64), 0)).toBe(120);
    expect(u.process.ioctl(u.container, 0x3b70, end - 8n)).toBe(-Errno.EFAULT);
  });
});
