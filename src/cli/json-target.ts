import { closeSync, openSync, writeFileSync } from "node:fs";
import { UsageError } from "./usage-error.ts";

/** Where the JSON of a run goes: standard output, a file that can be written, or nowhere. */
export interface JsonTarget {
  /** JSON is all that standard output gets. */
  readonly isStdout: boolean;
  write(json: string): void;
}

/**
 * Opens the target of `--json` before the run, so that a run is not lost for want of a place to put its result.
 * Errors: UsageError when the file cannot be written.
 */
export function openJsonTarget(value: string | undefined, stdout: (text: string) => void): JsonTarget | null {
  if (value === undefined) return null;
  if (value === "-") return { isStdout: true, write: stdout };
  try {
    closeSync(openSync(value, "a"));
  } catch (error) {
    throw new UsageError(
      `option '--json ${value}': the file cannot be written (${(error as Error).message})`,
    );
  }
  return { isStdout: false, write: (json) => writeFileSync(value, json) };
}
