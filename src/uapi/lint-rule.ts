import type { FlagBit, Struct } from "./descriptor.ts";
import type { IoctlNumber } from "./ioctl.ts";

/** What a lint run looks at: the structs and numbers under review, and those they must not collide with. */
export interface AbiUnderReview {
  readonly structs: readonly Struct[];
  readonly ioctls: readonly IoctlNumber[];
  /** Numbers in use elsewhere. */
  readonly takenIoctls: readonly IoctlNumber[];
  readonly capabilities: readonly FlagBit[];
  readonly takenCapabilities: readonly FlagBit[];
}

/** A rule with its source; `check` yields one message per violation. */
export interface LintRule<Subject> {
  readonly id: string;
  /** The rule as a sentence. */
  readonly text: string;
  /** Where the rule is written down. */
  readonly source: string;
  readonly check: (subject: Subject) => Iterable<string>;
}
