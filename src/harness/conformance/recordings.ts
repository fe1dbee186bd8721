import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { KernelOptions, Personality } from "../../kernel/index.ts";
import { InputError } from "../../vmm/input-error.ts";
import type { Row } from "./row.ts";
import { parseScript, type Script } from "./script.ts";
import type { IommuVersion } from "./session.ts";

/** What one kernel answered to one script. */
export interface Recording {
  /** Folder name of the results. */
  readonly kernel: string;
  readonly iommu: IommuVersion;
  readonly script: Script;
  readonly rows: readonly Row[];
  /** Boots the emulated kernel that must answer alike. */
  readonly machine: KernelOptions;
}

/** A folder `scripts/` and `results/KERNEL/{v1,v2}/`. */
export interface RecordingFolder {
  readonly recordings: readonly Recording[];
  /** Result files that should be there and are not: one for each script, kernel and IOMMU version. */
  readonly missing: readonly string[];
}

const VERSIONS: readonly IommuVersion[] = ["v1", "v2"];

/**
 * Reads a folder of recordings; with `kernel` only the results whose folder has that name.
 * Throws InputError with the path of what is missing or the line that cannot be understood.
 */
export function readRecordings(folder: string, kernel?: string): RecordingFolder {
  const scripts = readScripts(join(folder, "scripts"));
  const results = join(folder, "results");
  const kernels = foldersIn(results, "a folder of results, one for each kernel");
  const wanted = kernel === undefined ? kernels : kernels.filter((name) => name === kernel);
  if (wanted.length === 0)
    throw new InputError(results, 0, `results of one of the kernels ${kernels.join(", ")}`, kernel ?? null);
  const recordings: Recording[] = [];
  const missing: string[] = [];
  for (const name of wanted) {
    const machine = machineOf(results, name);
    for (const iommu of VERSIONS) {
      const files = join(results, name, iommu);
      if (!isFolder(files)) throw new InputError(files, 0, "a folder of .tsv files", null);
      refuseStrangers(files, scripts);
      for (const script of scripts) {
        const file = join(files, `${script.name}.tsv`);
        if (existsSync(file))
          recordings.push({ kernel: name, iommu, script, machine, rows: readRows(file, script) });
        else missing.push(file);
      }
    }
  }
  return { recordings, missing };
}

const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();

function namesIn(folder: string, expected: string): string[] {
  if (!isFolder(folder)) throw new InputError(folder, 0, expected, null);
  return readdirSync(folder).sort();
}

function foldersIn(folder: string, expected: string): string[] {
  const names = namesIn(folder, expected).filter((name) => isFolder(join(folder, name)));
  if (names.length === 0) throw new InputError(folder, 0, expected, null);
  return names;
}

function readScripts(folder: string): Script[] {
  const names = namesIn(folder, "a folder of .txt scripts").filter((name) => name.endsWith(".txt"));
  if (names.length === 0) throw new InputError(folder, 0, "at least one .txt script", null);
  return names.map((name) => {
    const file = join(folder, name);
    return parseScript(name.slice(0, -".txt".length), file, readFileSync(file, "utf8"));
  });
}

/** A recording nobody can replay would be a hole that no total shows. */
function refuseStrangers(folder: string, scripts: readonly Script[]): void {
  for (const name of namesIn(folder, "a folder of .tsv files"))
    if (name.endsWith(".tsv") && !scripts.some((script) => `${script.name}.tsv` === name))
      throw new InputError(join(folder, name), 0, "a script of the same name in scripts/", null);
}

const PERSONALITY_OF: readonly (readonly [RegExp, Personality])[] = [
  [/^6\.1(?!\d)/, "6.1"],
  [/^6\.12(?!\d)/, "6.12"],
  [/^(6\.18|7\.2|7\.3)(?!\d)/, "7.3"],
];
const WIDTHS: readonly string[] = ["39", "48", "57"];

/** The machine behind a folder name such as `6.12.95+deb12-amd64` or `7.3.4+deb13-amd64.aw48`. */
function machineOf(results: string, name: string): KernelOptions {
  const personality = PERSONALITY_OF.find(([pattern]) => pattern.test(name))?.[1];
  if (personality === undefined)
    throw new InputError(
      join(results, name),
      0,
      "a folder name that starts with 6.1, 6.12, 6.18, 7.2 or 7.3",
      name,
    );
  const width = /\.aw(\d+)$/.exec(name)?.[1] ?? "39";
  if (!WIDTHS.includes(width))
    throw new InputError(
      join(results, name),
      0,
      `an address width of ${WIDTHS.join(", ")} bits`,
      `.aw${width}`,
    );
  return { personality, capability: `vtd-ss-${width}` };
}

/** Rows of a result file, which must be those of its script, line by line. */
function readRows(file: string, script: Script): Row[] {
  const lines = readFileSync(file, "utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  const rows = lines.map((line, i) => {
    const columns = line.split("\t");
    const [id, operation, result, errno, fields] = columns;
    if (columns.length !== 5 || !/^L\d{3,}$/.test(id!) || !/^-?\d+$/.test(result!))
      throw new InputError(file, i + 1, "id, operation, return value, errno and fields between tabs", line);
    const at = Number(id!.slice(1));
    const scripted = script.operations[i];
    if (scripted === undefined || scripted.line !== at || scripted.text !== operation)
      throw new InputError(file, i + 1, `the answer to ${expectedLine(script, i)}`, `${id} ${operation}`);
    return { line: at, operation: operation!, result: result!, errno: errno!, fields: fields! };
  });
  if (rows.length < script.operations.length)
    throw new InputError(file, rows.length + 1, `the answer to ${expectedLine(script, rows.length)}`, null);
  return rows;
}

function expectedLine(script: Script, index: number): string {
  const operation = script.operations[index];
  return operation === undefined
    ? `no further line: ${script.file} has ${index} operations`
    : `line ${operation.line} of ${script.file}, '${operation.text}'`;
}
