import { EditScript } from "./script.ts";
import type { Step } from "./steps.ts";
import type { PinRun, ScriptIoctl } from "./text.ts";
import { MapText } from "./text-map.ts";
import type { LineSteps } from "./text-steps.ts";

/** What the lines of one call say, or those of a file that has no `call` lines. */
export class CallText {
  readonly label: string;
  /** Line of its `call` statement; 0 where there is none. */
  readonly line: number;
  readonly map = new MapText();
  pins: PinRun[] | null = null;
  readonly ioctls: ScriptIoctl[] = [];
  readonly steps: Step[] = [];
  readonly stepLines: number[] = [];
  readonly #unnumbered: number[] = [];

  constructor(label: string, line: number) {
    this.label = label;
    this.line = line;
  }

  push({ steps, isNumbered }: LineSteps, line: number): void {
    for (const step of steps) {
      if (!isNumbered) this.#unnumbered.push(this.steps.length);
      this.steps.push(step);
      this.stepLines.push(line);
    }
  }

  /** The steps, each line without `u=` as an update of its own. */
  script(): EditScript {
    const numbered = this.steps.reduce((most, s) => ("update" in s ? Math.max(most, s.update) : most), 0);
    this.#unnumbered.forEach((at, i) => {
      this.steps[at] = { ...this.steps[at]!, update: numbered + 1 + i } as Step;
    });
    return EditScript.from(this.steps);
  }
}
