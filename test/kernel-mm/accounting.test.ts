import { describe, expect, it } from "vitest";
import { KernelBug } from "../../src/kernel/fault-injection.ts";
import { chargePages, unchargePages } from "../../src/kernel/mm/accounting.ts";
import { Errno } from "../../src/uapi/errno.ts";
import { makeMachine } from "./machine.ts";

describe("charging pages to RLIMIT_MEMLOCK", () => {
  it("fills the limit exactly and fails one page beyond, changing nothing", () => {
    const mm = makeMachine().newMemory();
    mm.setMemlockLimit(64 << 10);
    expect(chargePages(mm, 15, false)).toBe(0);
    expect(chargePages(mm, 2, false)).toBe(-Errno.ENOMEM);
    expect(mm.lockedVm).toBe(15);
    expect(chargePages(mm, 1, false)).toBe(0);
    expect(chargePages(mm, 1, false)).toBe(-Errno.ENOMEM);
    expect(mm.lockedVm).toBe(16);
    unchargePages(mm, 16);
    expect(chargePages(mm, 17, false)).toBe(-Errno.ENOMEM);
    expect(mm.lockedVm).toBe(0);
    expect(chargePages(mm, 16, false)).toBe(0);
  });

  it("counts whole pages of the limit only", () => {
    const mm = makeMachine().newMemory();
    mm.setMemlockLimit(4095);
    expect(chargePages(mm, 1, false)).toBe(-Errno.ENOMEM);
    mm.setMemlockLimit(4096);
    expect(chargePages(mm, 1, false)).toBe(0);
  });

  it("counts but does not limit pages of mappings made with CAP_IPC_LOCK", () => {
    const mm = makeMachine().newMemory();
    mm.setMemlockLimit(0);
    expect(mm.capIpcLock).toBe(true);
    expect(chargePages(mm, 256, mm.capIpcLock)).toBe(0);
    mm.dropCapabilities();
    expect(chargePages(mm, 1, mm.capIpcLock)).toBe(-Errno.ENOMEM);
    expect(mm.lockedVm).toBe(256);
  });

  it("asks for an injected failure once a charge, and never for nothing", () => {
    const { faults, newMemory } = makeMachine();
    const mm = newMemory();
    faults.arm(1);
    expect(chargePages(mm, 0, false)).toBe(0);
    expect(faults.sites.get("account")).toBeUndefined();
    expect(chargePages(mm, 4, true)).toBe(-Errno.ENOMEM);
    expect(faults.hit).toBe("account");
    expect(mm.lockedVm).toBe(0);
  });

  it("treats an uncharge of more than is locked as a broken invariant", () => {
    const mm = makeMachine().newMemory();
    expect(chargePages(mm, 3, false)).toBe(0);
    expect(() => unchargePages(mm, 4)).toThrow(KernelBug);
    expect(mm.lockedVm).toBe(3);
  });
});
