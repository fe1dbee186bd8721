import { describe, expect, it } from "vitest";
import { type FlatRange, sameFlatRange } from "../../src/vmm/flat-view.ts";
import { topologyDelta } from "../../src/vmm/topology.ts";
import { ADDRESS_SPACES, asLogged, loggedCommits, viewsByCommit } from "./captures.ts";

const startOf = (range: FlatRange): bigint => range.start;

/** Commits per run and address space, the first one (all ranges added) not counted. */
const COMMITS: Readonly<Record<string, number>> = {
  "pc-seabios-boot memory": 29,
  "l2-pc-seabios-vfio memory": 15,
  "q35-ovmf-devices memory": 870,
  "q35-linux-boot-reboot memory": 227,
  "q35-linux-pci-hotplug memory": 138,
  "q35-linux-dimm-hotplug memory": 117,
  "q35-linux-vtd-strict memory": 150,
  "q35-linux-vtd-strict net0": 150,
  "q35-linux-vtd-strict nv0": 150,
  "q35-vhost-user-blk-memtable memory": 255,
};

describe("the listener rule on consecutive printed views", () => {
  for (const { run, logged, folder } of ADDRESS_SPACES)
    it(`tells the deletes and adds a real listener saw: ${run}, ${logged}`, () => {
      const romDevices = new Set(run === "q35-ovmf-devices" ? ["system.flash0", "system.flash1"] : []);
      const shown = (ranges: readonly FlatRange[]): string[] => ranges.map((r) => asLogged(r, romDevices));
      const views = new Map(viewsByCommit(folder).map((v) => [v.commit, v.view]));
      const commits = loggedCommits(run, logged);
      let view: readonly FlatRange[] = [];
      const used = new Set<number>();
      for (const { commit, deleted, added } of commits) {
        const next = views.get(commit)?.ranges ?? view;
        if (views.has(commit)) used.add(commit);
        const delta = topologyDelta(view, next, startOf, sameFlatRange);
        expect({ commit, deleted: shown(delta.deleted), added: shown(delta.added) }).toEqual({
          commit,
          deleted,
          added,
        });
        view = next;
      }
      expect(used.size).toBe(views.size);
      expect(commits.length - 1).toBe(COMMITS[`${run} ${logged}`]);
    });

  it.each([
    ["start", { start: 0x1000n }],
    ["end", { last: 0x5fffn }],
    ["memory region", { name: "other" }],
    ["owner", { owner: "dev id=b" }],
    ["offset", { offset: 0x1000n }],
    ["read-only", { kind: "rom" as const }],
    ["nonvolatile", { nonvolatile: true }],
  ])(
    "tells ranges apart by their %s, and not by priority, line or an owner that is not told",
    (_, difference) => {
      const range: FlatRange = {
        start: 0n,
        last: 0x4fffn,
        priority: 0,
        kind: "ram",
        nonvolatile: false,
        name: "ram",
        offset: 0n,
        owner: "dev id=a",
        line: 1,
      };
      expect(sameFlatRange(range, { ...range, priority: 1, line: 2 })).toBe(true);
      expect(sameFlatRange(range, { ...range, owner: null })).toBe(true);
      expect(sameFlatRange(range, { ...range, ...difference })).toBe(false);
    },
  );

  it("deletes and adds a whole range for a change of one page in it", () => {
    const ram = (start: bigint, last: bigint, kind: "ram" | "rom" = "ram"): FlatRange => ({
      start,
      last,
      priority: 0,
      kind,
      nonvolatile: false,
      name: "ram",
      offset: start,
      owner: null,
      line: 1,
    });
    const whole = [ram(0n, 0xbfff_ffffn)];
    const cut = [ram(0n, 0xc_ffffn), ram(0xd_0000n, 0xd_0fffn, "rom"), ram(0xd_1000n, 0xbfff_ffffn)];
    expect(topologyDelta(whole, cut, startOf, sameFlatRange)).toEqual({ deleted: whole, added: cut });
    expect(topologyDelta(cut, cut, startOf, sameFlatRange)).toEqual({ deleted: [], added: [] });
  });
});
