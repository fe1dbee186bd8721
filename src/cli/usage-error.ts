/** The command line is wrong; the sentence names the option and the value. Exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Exit codes of every command. */
export const EXIT = { clean: 0, violation: 1, usage: 2, toolFailed: 3, inconclusive: 4 } as const;
