import { errnoName } from "../uapi/index.ts";

/** A system call the VMM cannot do without failed while it set itself up. */
export class VmmError extends Error {
  override name = "VmmError";
  readonly errno: number;

  /** `what` names the call and its object; `errno` is its negative result. */
  constructor(what: string, errno: number) {
    super(`${what}: ${errnoName(errno)}`);
    this.errno = errno;
  }
}
