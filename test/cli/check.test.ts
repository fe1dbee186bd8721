import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { decodeToken, encodeToken, sequenceHash } from "../../src/harness/index.ts";
import { checkResultSchema } from "../../src/report/index.ts";
import { SCENARIOS } from "../../src/vmm/index.ts";
import { callCli } from "./call-cli.ts";
import { runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "hitless-check-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** Replaces times and whatever else differs from run to run. */
const stable = (text: string): string => text.replace(/ +\d+\.\d\d$/gm, " T");
const tokenIn = (text: string): string => /replay ([\w-]+)$/m.exec(text)![1]!;
/** From the line that names a class to the line that repeats it. */
const counterexampleIn = (text: string, violation: string): string =>
  new RegExp(`^${violation} in [\\s\\S]*?^Replay: .*$`, "m").exec(text)![0];

const MAP = "hitless-map 1\nmap one\nregion iova=0 size=2M backing=ram rights=rw\n";
const HOLE =
  "hitless-map 1\nmap two\nregion iova=0 size=1M backing=ram rights=rw\n" +
  "region iova=0x110000 size=960K backing=ram offset=0x110000 rights=rw\n";
const SCRIPT = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x1000000083
map old iova=0 size=0x200000 frame=0x1000000000
map new iova=0 size=0x200000 frame=0x1000000000
`;
const SPLIT = [
  "fill 0x100002000[0] = 0x1000000003 count=512 stride=0x1000 u=1",
  "barrier",
  "store 0x100001000[0] = 0x100002003 u=1",
  "barrier",
  "invalidate iova=0 size=0x200000",
  "wait drain",
];

describe("hitless check", () => {
  it("decides the map change of 2020: legacy breaks a rule, set-map none, and the baseline does not count", async () => {
    const { code, stdout, stderr } = await runCli(["check"]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const text = stable(stdout);
    expect(text).toMatch(
      /^hitless check: pam-2020, 4 maps, 4 changes; vtd-ss-48, backing pop, weak memory order, seed 1\n/,
    );
    expect(text).toMatch(
      /^ {2}STRATEGY +CHANGES +IOCTLS +SCRIPTS +STORES +CLASSES +PAGES +SCHEDULES +SECONDS$/m,
    );
    expect(text).toMatch(/^ {2}legacy +4 +16 +16 +3,492 .* 10\^\d+\.\d T$/m);
    expect(text).toMatch(/^ {2}set-map +4 +4 +4 +64 .* 10\^\d+\.\d T$/m);
    expect(text).toContain("Violations of legacy (baseline)\n");
    expect(text).toMatch(/^ {2}V01 +plan +1 +786,224 +1 {2}0xc0000 \+192\.00 KiB, 0x100000 \+3\.00 GiB$/m);
    expect(text).toMatch(/^set-map: all interleavings of 4 map changes decided, .* represented: clean$/m);
    expect(text).toMatch(
      /\nVerdict: clean: no interleaving of set-map breaks a rule \(legacy is the baseline and does not count\)\n$/,
    );
  });

  it("shows an interleaving in columns and a token of one short word", async () => {
    const { code, stdout } = await runCli(["check", "--strategy", "legacy", "--quiet"]);
    expect(code).toBe(1);
    expect(stdout).not.toContain("STRATEGY");
    const example = counterexampleIn(stdout, "V01");
    expect(example).toMatch(/^ {3}step \| kernel +\| device +\| caches$/m);
    expect(example).toContain("A page that both maps translate alike must never fault or lose rights.");
    expect(example.replaceAll("\n  ", " ")).toContain(
      "Cause: plan at step 1, the change is made of 4 calls; call 1 (UNMAP_DMA iova=0xc0000 size=0xbff40000) " +
        "takes the page away, call 2 (MAP_DMA iova=0xc0000 size=0x30000) maps it again.",
    );
    expect(example).toMatch(/^ {8}\| call 1 of 4: UNMAP_DMA iova=0xc0000 size=0xbff40000\n +1 \| storeRun /m);
    expect(example).toMatch(/^ {8}\| call 2 of 4: MAP_DMA iova=0xc0000 size=0x30000\n +\d+ \| storeRun /m);
    expect(tokenIn(example).length).toBeLessThanOrEqual(32);
    expect(stdout).toMatch(/Verdict: violation: V01 in legacy, V01b in legacy\n$/);
  });

  it("takes a pair of map files as one change", async () => {
    const [one, two] = [file("one.map", MAP), file("two.map", HOLE)];
    const both = await runCli(["check", one, two, "--json", "-"]);
    expect(both.code).toBe(0);
    const result = checkResultSchema.parse(JSON.parse(both.stdout));
    expect(result).toMatchObject({ maps: 2, verdict: "clean", backing: "thp" });
    const [legacy, setMap] = result.strategies;
    expect(setMap).toMatchObject({ changes: 1, ioctls: 1, violations: [] });
    expect(legacy!.violations).toMatchObject([
      {
        class: "V01",
        ranges: [
          { iova: "0x0", bytes: 1 << 20 },
          { iova: "0x110000", bytes: 960 << 10 },
        ],
      },
    ]);
    const alone = await callCli(["check", one, two, "--strategy", "legacy", "--as", "json"]);
    expect(alone.code).toBe(1);
    expect(JSON.parse(alone.stdout)).toMatchObject({ verdict: "violation" });
  });

  it("decides in both memory orders: a missing barrier shows in the weak one only", async () => {
    const args = ["check", "--inject", "M31", "--json", "-", "--mode"];
    const strong = await callCli([...args, "strong"]);
    const weak = await callCli([...args, "weak"]);
    const both = await callCli([...args, "both"]);
    expect([strong.code, weak.code, both.code]).toEqual([0, 1, 1]);
    for (const run of [weak, both]) {
      const { violations } = checkResultSchema.parse(JSON.parse(run.stdout));
      expect(new Set(violations.map((v) => v.class))).toEqual(new Set(["V15"]));
      expect(violations[0]).toMatchObject({ mode: "weak" });
    }
  });

  it("injects a fault into the strategy that can have it", async () => {
    const { code, stdout } = await callCli(["check", "--inject", "M41", "--quiet"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/Verdict: violation: V11 in epoch\n$/);
  });

  it("takes one address space of a dump that holds several, and keeps it in what repeats a finding", async () => {
    const view = (n: number, name: string, root: string, ranges: string[]): string =>
      [`FlatView #${n}`, ` AS "${name}", root: ${root}`, ` Root memory region: ${root}`, ...ranges].join(
        "\n",
      ) + "\n\n";
    const range = (start: string, last: string): string =>
      `  ${start}-${last} (prio 0, ram): pc.ram @${start}`;
    const whole = [range("0000000000000000", "00000000001fffff")];
    const holed = [
      range("0000000000000000", "00000000000fffff"),
      range("0000000000110000", "00000000001fffff"),
    ];
    const dump = (name: string, ranges: string[]): string =>
      file(name, view(0, "memory", "system", whole) + view(1, "nvme", "vtd-01.0", ranges));
    const inputs = [dump("one.txt", whole), dump("two.txt", holed)];
    const same = await callCli(["check", ...inputs, "--strategy", "legacy", "--json", "-"]);
    expect(JSON.parse(same.stdout)).toMatchObject({ maps: 2, verdict: "clean" });
    for (const name of ["nvme", "vtd-01.0"]) {
      const args = [...inputs, "--strategy", "legacy", "--address-space", name];
      const { code, stdout } = await callCli(["check", ...args]);
      expect(code).toBe(1);
      expect(stdout).toContain(`two.txt, address space '${name}', 2 maps`);
      const again = await callCli(["replay", tokenIn(stdout)]);
      expect(again.code).toBe(1);
      expect(again.stdout).toMatch(/^V01 in legacy at 0x0, for 496 pages/);
    }
    const wrong = await callCli(["check", ...inputs, "--address-space", "nvme0"]);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toContain(
      `an address space with name or root 'nvme0'; there are "memory" (root: system), "nvme" (root: vtd-01.0)`,
    );
    const none = await callCli(["stress", "pam-2020", "--address-space", "nvme"]);
    expect(none).toMatchObject({ code: 2, stdout: "" });
    expect(none.stderr).toContain("option '--address-space nvme': pam-2020 has no address spaces");
  });

  it("decides a fault of whole calls, repeats it from its token and from a saved file, without a script of it", async () => {
    const saved = join(folder, "calls");
    const { code, stdout } = await callCli(["check", "--inject", "M37", "--quiet", "--save", saved]);
    expect(code).toBe(1);
    const example = counterexampleIn(stdout, "V17");
    expect(example).toContain("Calls that run at the same time must leave what some order of them leaves.");
    expect(example).not.toContain("step |");
    expect(readdirSync(saved)).toEqual(["set-map-V17-change-0.json"]);
    for (const what of [tokenIn(example), join(saved, "set-map-V17-change-0.json")]) {
      const again = await callCli(["replay", what]);
      expect(again.code).toBe(1);
      expect(again.stdout.split("Replay:")[0]).toBe(example.split("Replay:")[0]);
    }
  });

  it.each([
    [["check", "no-such-input"], "no-such-input"],
    [["check", "--inject", "M09"], "M09 cannot be injected here. VT-d has no leaves that are replicated"],
    [["fuzz", "--inject", "M35"], "hitless check --inject M35 decides it"],
    [["stress", "--inject", "M39"], "hitless check --inject M39 decides it"],
    [["check", "--mode", "sloppy"], "sloppy"],
    [["check", "--format", "riscv"], "riscv"],
    [["check", "--strategy", "set-map,set-map"], "once"],
    [["check", "--script", "no-such-script"], "no-such-script"],
    [["check", "pam-2020", "--script", "x"], "a script stands for itself"],
    [["check", "--json", "/no/such/folder/x.json"], "/no/such/folder"],
  ])("exits with 2 and says what is wrong: %j", async (args, words) => {
    const { code, stdout, stderr } = await callCli(args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(words);
    expect(stderr).not.toContain("    at ");
  });
});

describe("hitless check --script", () => {
  it("passes a correct script and finds a store in the wrong place", async () => {
    const good = file("good.script", SCRIPT + SPLIT.join("\n"));
    const clean = await callCli(["check", "--script", good]);
    expect(clean.code).toBe(0);
    expect(clean.stdout).toMatch(/Verdict: clean: no interleaving of script breaks a rule\n$/);
    const bad = file("bad.script", SCRIPT + [SPLIT[2]!, ...SPLIT.toSpliced(2, 1)].join("\n"));
    const broken = await callCli(["check", "--script", bad, "--shrink", "2s"]);
    expect(broken.code).toBe(1);
    expect(broken.stdout).toMatch(/^V01 in script at 0x0, for 512 pages: /m);
    expect(broken.stdout).toContain(`check --script ${bad}`);
    const smaller = broken.stdout.split(/\nSmaller script that shows V01, .*\n/)[1]!;
    const again = await callCli(["check", "--script", file("smaller.script", smaller)]);
    expect(again.code).toBe(1);
    expect(again.stdout).toContain("V01 in script");
  });

  it("judges each call of a recording, and names call and lines of what it finds", async () => {
    const head = SCRIPT.replace(/^map new .*\n/m, "");
    const calls = ["call split", ...SPLIT, "call unmap 0x0", "map remove iova=0 size=4K"];
    const forgotten = ["store 0x100002000[0] = 0", "barrier"];
    const flush = ["invalidate all", "wait drain"];
    const good = file("calls.script", [head, ...calls, ...forgotten, ...flush, "call idle"].join("\n"));
    const clean = await callCli(["check", "--script", good]);
    expect(clean.code).toBe(0);
    expect(clean.stdout).toMatch(/^hitless check: .*, 3 calls recorded; vtd-ss-39, weak memory order$/m);
    const bad = file("forgotten.script", [head, ...calls, ...forgotten, "call idle"].join("\n"));
    const broken = await callCli(["check", "--script", bad, "--json", "-"]);
    expect(broken.code).toBe(1);
    const result = checkResultSchema.parse(JSON.parse(broken.stdout));
    expect(result.calls).toMatchObject([
      { call: 1, label: "split", line: 7, verdict: "clean", classes: [] },
      { call: 2, label: "unmap 0x0", line: 14, verdict: "violation", classes: ["V04"] },
      { call: 3, label: "idle", line: 18, verdict: "clean", classes: [] },
    ]);
    const [found] = result.violations;
    expect(found).toMatchObject({
      cause: "missing-inv",
      changes: [{ step: 2, label: "unmap 0x0", line: 14 }],
    });
    expect(found!.events.find((e) => e.text.startsWith("store"))).toMatchObject({ line: 16 });
    const text = (await callCli(["check", "--script", bad])).stdout;
    expect(text).toMatch(/^V04 in script at 0x0, for 1 page, call 2 'unmap 0x0' in line 14: /m);
    expect(text).toMatch(/^ +2 +14 +V04 +unmap 0x0$/m);
    expect(text).toMatch(/^ +line \| kernel/m);
    expect(text).toMatch(/^ +16 \| store 0x100002000\[0\]/m);
  });

  it("says where tables and map of a recording do not fit, and decides nothing that rests on a broken call", async () => {
    const short = file("short.script", SCRIPT.replace("= 0x1000000083", "= 0x1000200083") + SPLIT.join("\n"));
    const doubtful = await callCli(["check", "--script", short]);
    expect(doubtful.code).toBe(1);
    expect(doubtful.stdout.replaceAll(/\n */g, " ")).toContain(
      "Note: before the first step IOVA 0x0 of domain 1 meets frame 0x1000200000 (read and write), which the old map does not say.",
    );
    const calls = [
      SCRIPT.replace(/^map new .*\n/m, "") + "call wrong frame",
      ...["store 0x100001000[0] = 0x1000200083", "invalidate all", "wait drain"],
      "call again",
      ...["store 0x100001000[0] = 0x1000200083", "invalidate all", "wait drain"],
      "call idle",
    ];
    const { code, stdout } = await callCli(["check", "--script", file("wrong.script", calls.join("\n"))]);
    expect(code).toBe(1);
    expect(stdout.replaceAll(/\n */g, " ")).toContain(
      "Calls from 2 on are not decided: the calls before leave tables that do not say what their map says.",
    );
  });

  it("saves the script of the call that shows a violation first, and a smaller one, to be judged without the recording", async () => {
    const head = SCRIPT.slice(0, SCRIPT.indexOf("map old"));
    const map = "map old iova=0x0 size=0x200000 frame=0x1000000000\n";
    const calls = [
      "call idle",
      "call unmap",
      "map remove iova=0x0 size=0x200000",
      "store 0x100001000[0] = 0x0",
      "barrier",
      "unpin 0x1000000000 size=0x200000",
    ];
    const recorded = file("recorded.script", head + map + calls.join("\n"));
    const into = join(folder, "kept");
    const args = ["check", "--script", recorded, "--save", into, "--shrink", "2s"];
    const { code, stdout } = await callCli(args);
    expect(code).toBe(1);
    const files = readdirSync(into).sort();
    expect(files).toEqual(["script-V06-call-2.script", "script-V06-call-2.shrunk.script"]);
    rmSync(recorded);
    for (const name of files) {
      const path = join(into, name);
      expect(stdout).toContain(`Saved: ${path}`);
      const again = await callCli(["check", "--script", path]);
      expect(again.code, name).toBe(1);
      expect(again.stdout, name).toMatch(/^Verdict: violation: V06 in script$/m);
    }
    expect(readFileSync(join(into, files[0]!), "utf8")).toMatch(
      /^# V06 in .*recorded\.script, call 2 'unmap' in line \d+: a frame that is no longer pinned\n/,
    );
  });

  it("says so where no folder can be made for what is to be saved", async () => {
    const good = file("good.script", SCRIPT + SPLIT.join("\n"));
    const { code, stderr } = await callCli(["check", "--script", good, "--save", join(good, "below")]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/option '--save .*below': no folder can be made/);
  });

  it.each([
    ["an empty file", () => file("empty.script", ""), /empty\.script:1: the first line must be /],
    [
      "a binary",
      () => file("elf.script", "\u007fELF\u0002\0\0\n\0"),
      /elf\.script:1: this is no plain text: it holds zero bytes/,
    ],
    ["a folder", () => folder, /: cannot be read \(EISDIR: /],
    [
      "another kind of file",
      () => file("one.map", MAP),
      /one\.map:1: the first line must be .*, not "hitless-map 1"/,
    ],
    [
      "a map outside the address space",
      () => file("far.script", `${SCRIPT}map new iova=0x8000000000 size=4K frame=0\n`),
      /far\.script:7: map reaches past 0x7fffffffff, the last IOVA that tables of 3 levels translate/,
    ],
    [
      "half a recording",
      () => file("half.script", `${SCRIPT}barrier\ncall one\n`),
      /half\.script:6: what a call does stands below its "call" line/,
    ],
  ] as const)("says in one line why it cannot read %s", async (_what, path, reason) => {
    const { code, stdout, stderr } = await callCli(["check", "--script", path()]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(reason);
    expect(stderr.trimEnd()).not.toContain("\n");
  });

  it("names file, line and reason of what it cannot read", async () => {
    const path = file("typo.script", `${SCRIPT}barrier\nstroe 0x100001000[0] = 0\n`);
    const { code, stderr } = await runCli(["check", "--script", path]);
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`^hitless: ${path}:8: .*stroe`));
  });
});

describe("hitless replay", () => {
  it("prints the same counterexample from its token and exits with 1", async () => {
    const { stdout } = await runCli(["check", "--inject", "M01", "--quiet"]);
    const example = counterexampleIn(stdout, "V01");
    const again = await runCli(["replay", tokenIn(example)]);
    expect(again.code).toBe(1);
    expect(again.stdout).toBe(`${example}\n`);
  });

  it("exits with 0 when the finding does not show", async () => {
    const { stdout } = await callCli(["check", "--inject", "M01", "--quiet"]);
    const token = decodeToken(tokenIn(stdout));
    const healthy = await callCli(["replay", encodeToken({ ...token, inject: null })]);
    expect(healthy.code).toBe(0);
    expect(healthy.stdout).toBe("V01 does not show in change 1 of set-map: nothing is wrong with it\n");
  });

  it.each([
    [{ mode: "odd" }, "memory order 'odd', which is not known here"],
    [{ class: "V99" }, "violation class 'V99', which is not known here"],
    [{ inputs: [] }, "names no input"],
  ])("exits with 2 for a token that was made to hold %j", async (change, expected) => {
    const sequence = SCENARIOS.get("pam-2020")!.sequence;
    const token = {
      command: "check",
      inputs: ["pam-2020"],
      hash: sequenceHash(sequence),
      step: 1,
      pass: 1,
    } as const;
    const rest = {
      format: "vtd-ss-48",
      backing: "pop",
      mode: "weak",
      inject: null,
      seed: 1,
      iovaPfn: 0,
      addressSpace: null,
    };
    const what = { ...token, ...rest, strategy: "legacy", class: "V01", ...change };
    const { code, stderr } = await callCli(["replay", encodeToken(what)]);
    expect(code).toBe(2);
    expect(stderr).toContain(expected);
  });

  it("exits with 2 for a token it cannot read, and for one whose input is gone or another", async () => {
    const garbled = await callCli(["replay", "AQABLKyd6pgOAwsTCDUBAhjAAQR"]);
    expect(garbled.code).toBe(2);
    expect(garbled.stderr).toContain("is no replay token");
    const [one, two] = [file("old.map", MAP), file("new.map", HOLE)];
    const { stdout } = await callCli(["check", one, two, "--strategy", "legacy", "--quiet"]);
    const token = tokenIn(stdout);
    expect((await callCli(["replay", token])).code).toBe(1);
    writeFileSync(two, HOLE.replace("960K", "64K"));
    const other = await callCli(["replay", token]);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain("are not those that this token was made from");
    rmSync(two);
    const gone = await callCli(["replay", token]);
    expect(gone.code).toBe(2);
    expect(gone.stderr).toContain("new.map");
  });

  it("shows saved counterexamples again, as maps, as a script and shrunk, without the input they came from", async () => {
    const [one, two] = [file("a.map", MAP), file("b.map", HOLE)];
    const saved = join(folder, "saved");
    const args = ["check", one, two, "--inject", "M02", "--save", saved, "--shrink", "5s"];
    const { code, stdout } = await callCli(args);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^Smaller case of V01 in set-map: 2 maps with \d regions instead of 2 maps with 3 regions/m,
    );
    const files = readdirSync(saved).sort();
    expect(files).toEqual([
      "set-map-V01-change-1.json",
      "set-map-V01-change-1.script",
      "set-map-V01-change-1.shrunk.json",
    ]);
    for (const name of files) expect(stdout).toContain(`Saved: ${join(saved, name)}`);
    rmSync(one);
    rmSync(two);
    const texts: string[] = [];
    for (const name of files) {
      const again = await callCli(["replay", join(saved, name)]);
      expect(again.code, name).toBe(1);
      texts.push(again.stdout);
    }
    /* A script read from a file names its lines, where a plan numbers its steps. */
    const events = (text: string): string =>
      text
        .slice(text.search(/^ +(step|line) \|/m), text.indexOf("Replay:"))
        .replace(/^ +(step|line|\d+)(?= \|)/gm, "")
        .replace(/\b(step|line) +\d+/g, "place")
        .replace(/ +/g, " ");
    expect(events(texts[0]!)).toBe(events(stdout));
    expect(events(texts[1]!)).toBe(events(stdout));
    const path = join(saved, files[0]!);
    writeFileSync(path, readFileSync(path, "utf8").replace('"M02"', '"M99"'));
    const unknown = await callCli(["replay", path]);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("'M99', which is not known here");
    writeFileSync(path, "{}");
    expect((await callCli(["replay", path])).code).toBe(2);
  });
});
