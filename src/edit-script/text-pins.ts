import { type Pfn, pfn } from "../units/index.ts";
import type { PlainLine } from "./plain-line.ts";
import { MAX_ID } from "./step-context.ts";
import type { PinRun } from "./text.ts";
import type { TextLine } from "./text-line.ts";

/** What the `pins` lines of a file say, or those of one call: that some are held, or that none are. */
export class PinText {
  readonly runs: PinRun[] = [];
  /** `pins none` */
  #isNone = false;

  read(at: TextLine): void {
    const what = at.only('a frame address or "none"');
    if (what === "none") {
      if (this.runs.length > 0) at.fail("pins are none, and some are given above");
      this.#isNone = true;
      return;
    }
    if (this.#isNone) at.fail("pins are given, and are none above");
    const first = at.page(what, "frame") as Pfn;
    const count = at.integer(at.take("count") ?? "1", "count", MAX_ID);
    this.runs.push({ pfn: first, pages: at.sizeOption(), count });
  }

  /** Reads a line in plain form. False, and nothing is changed, where pins are said to be none. */
  readPlain(plain: PlainLine): boolean {
    if (this.#isNone) return false;
    const { pages, count } = plain.options;
    this.runs.push({ pfn: pfn(plain.pfn), pages, count });
    return true;
  }
}
