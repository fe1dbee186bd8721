import type { Pfn } from "../units/index.ts";
import { LineNumbers } from "./line-numbers.ts";
import { UNNAMED } from "./plain-options.ts";
import { EditScript } from "./script.ts";
import type { ScriptIoctl } from "./text.ts";
import { MapText } from "./text-map.ts";
import type { PinText } from "./text-pins.ts";
import type { LineSteps } from "./text-steps.ts";

/** What the lines of one call say, or those of a file that has no `call` lines. */
export class CallText {
  readonly label: string;
  /** Line of its `call` statement; 0 where there is none. */
  readonly line: number;
  readonly map = new MapText();
  pins: PinText | null = null;
  readonly kept: Pfn[] = [];
  /** Levels of the deepest root that it switches to; 0 where it switches none. */
  rootLevels = 0;
  readonly ioctls: ScriptIoctl[] = [];
  /** The steps so far; an update that its line does not number is 0. */
  readonly steps = new EditScript();
  readonly stepLines = new LineNumbers();
  /** The highest number that a line gives. */
  #highest = 0;
  /** Words at which records begin whose lines number their update 0. */
  readonly #zeros = new Set<number>();

  constructor(label: string, line: number) {
    this.label = label;
    this.line = line;
  }

  push({ steps, isNumbered }: LineSteps, line: number): void {
    for (const step of steps) {
      this.announce(line, isNumbered && "update" in step ? step.update : UNNAMED);
      this.steps.push(step);
      if (step.op === "setRoot") this.rootLevels = Math.max(this.rootLevels, step.levels);
    }
  }

  /** Says which line the step to be appended next stands in, and answers the update it is to have. */
  announce(line: number, update = UNNAMED): number {
    this.stepLines.push(line);
    if (update === UNNAMED) return 0;
    if (update === 0) this.#zeros.add(this.steps.words.length);
    else if (update > this.#highest) this.#highest = update;
    return update;
  }

  /** The steps, each line without `u=` as an update of its own. Pre: all lines have been read. */
  script(): EditScript {
    this.steps.numberUpdates(this.#highest + 1, this.#zeros);
    return this.steps;
  }
}
