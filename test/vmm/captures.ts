import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { FlatRange, FlatView } from "../../src/vmm/flat-view.ts";
import { parseMtree } from "../../src/vmm/importers/mtree.ts";

const root = join(import.meta.dirname, "../..");

/** Folder with the snapshots and sequence.tsv of a recorded run. */
export const snapshotFolder = (run: string): string =>
  join(root, run === "pc-seabios-boot" ? "data/qemu" : "test/data/qemu", run);

/** A file of a recorded run, unpacked. */
export function recorded(run: string, name: string): string {
  const bytes = readFileSync(join(root, "test/data/qemu", run, name));
  return (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

/** The runs and their address spaces as listener.log names them, with the folder that holds the snapshots. */
export const ADDRESS_SPACES: readonly { run: string; logged: string; folder: string; name: string }[] = [
  "pc-seabios-boot",
  "l2-pc-seabios-vfio",
  "q35-ovmf-devices",
  "q35-linux-boot-reboot",
  "q35-linux-pci-hotplug",
  "q35-linux-dimm-hotplug",
  "q35-linux-vtd-strict",
  "q35-vhost-user-blk-memtable",
]
  .map((run) => ({ run, logged: "memory", folder: snapshotFolder(run), name: "memory" }))
  .concat(
    ["net0", "nv0"].map((logged) => ({
      run: "q35-linux-vtd-strict",
      logged,
      folder: join(snapshotFolder("q35-linux-vtd-strict"), `as-${logged}`),
      name: "vtd-root",
    })),
  );

/** What a listener was told in one commit, as `<start>-<last> type name+offset` lines. */
export interface LoggedCommit {
  readonly commit: number;
  readonly deleted: string[];
  readonly added: string[];
}

const EVENT =
  /^[\d.]+ (\S+) (add|del) ([0-9a-f]{16})-([0-9a-f]{16}) (\w+)((?:\/ro)?)(?:\/nv)? off=([0-9a-f]+) mr="(.*?)"/;
const COMMIT = /^[\d.]+ commit (\d+)$/;

/** The commits of listener.log for one address space; the registration of a listener (commit 0) belongs to the commit before. */
export function loggedCommits(run: string, addressSpace: string): LoggedCommit[] {
  const commits: LoggedCommit[] = [];
  let open: LoggedCommit = { commit: 0, deleted: [], added: [] };
  for (const line of recorded(run, "listener.log.gz").split("\n")) {
    if (line === "") continue;
    const end = COMMIT.exec(line);
    if (end !== null) {
      const number = Number(end[1]);
      if (number === 0) {
        commits.at(-1)!.deleted.push(...open.deleted);
        commits.at(-1)!.added.push(...open.added);
      } else commits.push({ ...open, commit: number });
      open = { commit: 0, deleted: [], added: [] };
      continue;
    }
    const m = EVENT.exec(line);
    if (m === null) throw new Error(`listener.log of ${run}: cannot read ${line}`);
    if (m[1] !== addressSpace) continue;
    const kind = m[5] === "iommu" ? "io" : m[5]! + m[6]!;
    (m[2] === "add" ? open.added : open.deleted).push(`${m[3]}-${m[4]} ${kind} ${m[8]}+${m[7]}`);
  }
  return commits;
}

const LOGGED_KIND = { ram: "ram", rom: "ram/ro", ramd: "ramd", romd: "romd", "i/o": "io" } as const;

/** A range the way `loggedCommits` prints it. A rom device in its i/o mode is printed as i/o and logged as romd. */
export const asLogged = (range: FlatRange, romDevices: ReadonlySet<string>): string =>
  `${range.start.toString(16).padStart(16, "0")}-${range.last.toString(16).padStart(16, "0")} ` +
  `${romDevices.has(range.name) ? "romd" : LOGGED_KIND[range.kind]} ${range.name}+${range.offset.toString(16)}`;

/** The flat views of a folder by commit number, as sequence.tsv has them. */
export function viewsByCommit(folder: string): { commit: number; view: FlatView }[] {
  const cache = new Map<string, FlatView>();
  for (const file of readdirSync(folder).filter((f) => /^\d+\.txt$/.test(f)))
    cache.set(file, parseMtree(readFileSync(join(folder, file), "utf8"), file)[0]!.views[0]!);
  return readFileSync(join(folder, "sequence.tsv"), "utf8")
    .split("\n")
    .slice(1)
    .filter((line) => line !== "")
    .map((line) => {
      const [, file, commit] = line.split("\t");
      return { commit: Number(commit), view: cache.get(file!)! };
    });
}
