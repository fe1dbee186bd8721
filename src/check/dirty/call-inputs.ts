import { callScripts, type Recording, type ScriptFile } from "../../edit-script/index.ts";
import type { CheckInput, MemoryMode } from "../input.ts";
import { inputOf } from "../script-file.ts";
import { MaybeDirty } from "./maybe-dirty.ts";

/** A call of a recording, as a script of its own and as input of the checker. */
export interface CallInput {
  readonly file: ScriptFile;
  readonly input: CheckInput;
  /** The script with what devices may have written in earlier calls as D = 1 in its tables, so that it can stand alone. */
  alone(): ScriptFile;
}

/**
 * Each call of a recording with what the calls before it leave: tables, roots, pins, and dirty bits that devices may have set
 * in them and nobody was told of. Pre: taken in order, one pass.
 */
export function* callInputs(recording: Recording, mode: MemoryMode = "weak"): Generator<CallInput> {
  let dirty = MaybeDirty.NONE;
  let left = recording.calls.length;
  for (const file of callScripts(recording)) {
    const input = inputOf(file, dirty);
    const known = dirty;
    yield { file, input, alone: () => known.writtenInto(file) };
    if (--left > 0) dirty = dirty.after(input, mode);
  }
}
