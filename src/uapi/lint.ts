import {
  VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
  VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
  VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
} from "./constants.ts";
import type { FlagBit } from "./descriptor.ts";
import { EMULATED_IOCTLS, FOREIGN_IOCTLS, NEW_IOCTLS } from "./ioctl.ts";
import { IOCTL_RULES } from "./lint-ioctl.ts";
import type { AbiUnderReview, LintRule } from "./lint-rule.ts";
import { STRUCT_RULES } from "./lint-struct.ts";
import { SET_MAP_STRUCTS, VFIO_IOMMU_TYPE1_INFO_CAP_SET_MAP } from "./structs-set-map.ts";
import { UPSTREAM_STRUCTS } from "./structs-type1.ts";

export interface LintFinding {
  readonly rule: string;
  /** What it is about: a struct, an ioctl or a capability. */
  readonly subject: string;
  readonly message: string;
  /** The rule as a sentence, and where it is written down. */
  readonly because: string;
  readonly source: string;
}

const capability = (name: string, value: number): FlagBit => ({ name, value, doc: "" });

const UPSTREAM_CAPABILITIES: readonly FlagBit[] = [
  capability("VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE", VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE),
  capability("VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION", VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION),
  capability("VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL", VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL),
];

/** The ABI this project adds: must be free of findings. */
export const NEW_ABI: AbiUnderReview = {
  structs: SET_MAP_STRUCTS,
  ioctls: NEW_IOCTLS,
  takenIoctls: [...EMULATED_IOCTLS, ...FOREIGN_IOCTLS],
  capabilities: [capability("VFIO_IOMMU_TYPE1_INFO_CAP_SET_MAP", VFIO_IOMMU_TYPE1_INFO_CAP_SET_MAP)],
  takenCapabilities: UPSTREAM_CAPABILITIES,
};

/** The upstream ABI by the rules of today: older than some of them, so it has findings. Its numbers are not judged. */
export const UPSTREAM_ABI: AbiUnderReview = {
  structs: UPSTREAM_STRUCTS,
  ioctls: [],
  takenIoctls: [],
  capabilities: [],
  takenCapabilities: [],
};

const finding = (rule: LintRule<never>, subject: string, message: string): LintFinding => ({
  rule: rule.id,
  subject,
  message,
  because: rule.text,
  source: rule.source,
});

/**
 * Checks an ABI against the rules for kernel interfaces.
 *
 * @throws RangeError when there is no struct to look at: a lint of nothing proves nothing.
 */
export function lint(abi: AbiUnderReview = NEW_ABI): readonly LintFinding[] {
  if (abi.structs.length === 0) throw new RangeError("lint: no struct to look at");
  const findings: LintFinding[] = [];
  for (const struct of abi.structs)
    for (const rule of STRUCT_RULES)
      for (const message of rule.check(struct))
        findings.push(finding(rule, `struct ${struct.name}`, message));
  for (const rule of IOCTL_RULES)
    for (const message of rule.check(abi)) findings.push(finding(rule, message.split(" ", 1)[0]!, message));
  return findings;
}

/** All rules, for documentation. */
export const LINT_RULES: readonly LintRule<never>[] = [...STRUCT_RULES, ...IOCTL_RULES];

/** Findings as text, one paragraph each, with the rule they break. */
export const formatFindings = (findings: readonly LintFinding[]): string =>
  findings.map((f) => `${f.subject}: ${f.message} [${f.rule}]\n    ${f.because} (${f.source})\n`).join("");
