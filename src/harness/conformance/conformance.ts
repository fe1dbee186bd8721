import { InputError } from "../../vmm/input-error.ts";
import { compareRecording, type Difference } from "./compare.ts";
import { readRecordings } from "./recordings.ts";
import type { IommuVersion } from "./session.ts";

/** Totals of one results folder, one IOMMU version. */
export interface KernelTotals {
  readonly kernel: string;
  readonly iommu: IommuVersion;
  readonly scripts: number;
  readonly compared: number;
  readonly equal: number;
  readonly deliberate: number;
  readonly unexplained: number;
}

/** Names the layout of the JSON result; a change of meaning gets a new number. */
export const CONFORMANCE_SCHEMA_ID = "hitless-conformance/1";

/** What replaying a folder of recordings gave; what `hitless conformance --json` writes. */
export interface ConformanceResult {
  readonly folder: string;
  readonly compared: number;
  readonly equal: number;
  readonly differences: readonly Difference[];
  readonly kernels: readonly KernelTotals[];
  /** Result files that scripts lack. */
  readonly missing: readonly string[];
}

export interface ReplayOptions {
  /** Only the results folder of this name. */
  readonly kernel?: string;
  /** Told before each recording: the share done, and what comes next. */
  readonly onProgress?: (share: number, text: string) => void;
}

/**
 * Replays every recording of a folder against the emulated kernel of its name.
 * Throws InputError for a folder that cannot be read, or that leaves nothing to compare.
 */
export function replayRecordings(folder: string, options: ReplayOptions = {}): ConformanceResult {
  const { recordings, missing } = readRecordings(folder, options.kernel);
  const totals = new Map<string, KernelTotals>();
  const differences: Difference[] = [];
  let compared = 0;
  for (const [i, recording] of recordings.entries()) {
    const { kernel, iommu, script } = recording;
    options.onProgress?.(i / recordings.length, `${kernel} ${iommu} ${script.name}`);
    const comparison = compareRecording(recording);
    const deliberate = comparison.differences.filter((difference) => difference.deliberate !== null).length;
    const key = `${kernel}/${iommu}`;
    const sum = totals.get(key);
    totals.set(key, {
      kernel,
      iommu,
      scripts: (sum?.scripts ?? 0) + 1,
      compared: (sum?.compared ?? 0) + comparison.compared,
      equal: (sum?.equal ?? 0) + comparison.equal,
      deliberate: (sum?.deliberate ?? 0) + deliberate,
      unexplained: (sum?.unexplained ?? 0) + comparison.differences.length - deliberate,
    });
    compared += comparison.compared;
    differences.push(...comparison.differences);
  }
  if (compared === 0) throw new InputError(folder, 0, "recorded lines to compare", null);
  return {
    folder,
    compared,
    equal: compared - differences.length,
    differences,
    kernels: [...totals.values()],
    missing,
  };
}
