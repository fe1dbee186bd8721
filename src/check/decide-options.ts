import type { MemoryMode } from "./input.ts";
import type { OnlyPages } from "./maps/only-pages.ts";

/** How to decide; all given. */
export interface DecideOptions {
  readonly mode: MemoryMode;
  readonly collapse: boolean;
  readonly skipUntouched: boolean;
  readonly journalRules: boolean;
  /** Accept entries that are plainly right without telling what can be learned from them; default true. */
  readonly acceptPlain?: boolean;
  /** Do not look for what a violation that is found hides whatever its cause; default false. */
  readonly skipHidden?: boolean;
  /** Take it that nothing is wrong in a domain where another one, in which nothing is, can show all that it can; default false. */
  readonly skipTwins?: boolean;
  /** Look at these pages of this domain only. */
  readonly only: OnlyPages | null;
}
