import { describe, expect, it } from "vitest";
import { type CheckCase, decideChanges } from "../../src/harness/index.ts";
import { parseMapFile, STRATEGIES } from "../../src/vmm/index.ts";

const decide = (text: string, format: string, strategy: string): unknown => {
  const sequence = parseMapFile(`hitless-map 1\n${text}`, "vm.map");
  const how: CheckCase = { sequence, format, seed: 1, backing: "pop", mutant: null };
  return [...decideChanges(how, STRATEGIES.get(strategy)!, ["weak"])];
};
const EMPTY_THEN = "map off\nmap on\nregion iova=";

describe("a map that the kernel refuses for its addresses", () => {
  it.each(["legacy", "vmm-diff", "set-map"])("is named with the region and what there is: %s", (strategy) => {
    const armGuest = `${EMPTY_THEN}0x40000000 size=4G backing=ram rights=rw`;
    expect(() => decide(armGuest, "vtd-ss-48", strategy)).toThrow(
      `${strategy}: the kernel refused the map 'on' (vm.map:3) with EINVAL: region ` +
        "0x40000000-0x13fffffff ram+0x0 rw is not within 0x0-0xfedfffff or 0xfef00000-0xffffffffffff, " +
        "which is all that vtd-ss-48 gives a device",
    );
  });

  it("is one that another format can translate, where its address is too high", () => {
    const high = `${EMPTY_THEN}1T size=2M backing=bar rights=rw`;
    expect(() => decide(high, "vtd-ss-39", "set-map")).toThrow("or 0xfef00000-0x7fffffffff,");
    expect(decide(high, "vtd-ss-48", "set-map")).toHaveLength(1);
  });
});
