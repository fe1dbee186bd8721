import { accessSync, closeSync, constants, openSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { UsageError } from "./usage-error.ts";

/** Where the JSON of a run goes: standard output, a file that can be written, or nowhere. */
export interface JsonTarget {
  /** JSON is all that standard output gets. */
  readonly isStdout: boolean;
  write(json: string): void;
}

/**
 * Looks at the target of `--json` before the run, so that a run is not lost for want of a place to put its result. The file
 * stays as it is until there is one. Errors: UsageError when the file cannot be written, then or in the end.
 */
export function openJsonTarget(value: string | undefined, stdout: (text: string) => void): JsonTarget | null {
  if (value === undefined) return null;
  if (value === "-") return { isStdout: true, write: stdout };
  const attempt = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      throw new UsageError(
        `option '--json ${value}': the file cannot be written (${(error as Error).message})`,
      );
    }
  };
  attempt(() => tryToWrite(value));
  return { isStdout: false, write: (json) => attempt(() => writeFileSync(value, json)) };
}

/** Opens a file for writing and changes nothing. Errors: those of the file system. */
function tryToWrite(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) makeAndRemove(path);
  else if (found.isFile() || found.isDirectory()) closeSync(openSync(path, constants.O_WRONLY));
  else accessSync(path, constants.W_OK);
}

function makeAndRemove(path: string): void {
  try {
    closeSync(openSync(path, "wx"));
  } catch (error) {
    // A link to a file that is not there yet, or somebody else was faster: nothing here to take away again.
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw error;
  }
  unlinkSync(path);
}
