import { callScripts, callStart, type Recording, type ScriptFile } from "../../edit-script/index.ts";
import { CarriedMaps } from "../edited-maps.ts";
import type { CheckInput, MemoryMode, ReaderInput } from "../input.ts";
import { PinBalance } from "../pin-balance.ts";
import { checkedScriptOf, inputOf } from "../script-file.ts";
import { WeightedRuns } from "../weighted-runs.ts";
import { MaybeDirty } from "./maybe-dirty.ts";

/** A call of a recording, as a script of its own and as input of the checker. */
export interface CallInput {
  readonly file: ScriptFile;
  readonly input: CheckInput | ReaderInput;
  /** The script with what devices may have written in earlier calls as D = 1 in its tables, so that it can stand alone. */
  alone(): ScriptFile;
}

/** A call that edits more than one in so many runs of its map is decided on both maps as lists. */
const MANY = 8;

/**
 * Each call of a recording with what the calls before it leave: tables, roots, pins, and dirty bits that devices may have set
 * in them and nobody was told of. Pre: taken in order, one pass.
 */
export function* callInputs(recording: Recording, mode: MemoryMode = "weak"): Generator<CallInput> {
  let dirty = MaybeDirty.NONE;
  let left = recording.calls.length;
  const maps = new EditedCalls();
  for (const file of callScripts(recording)) {
    const input = maps.inputOf(file, dirty) ?? inputOf(file, dirty);
    const known = dirty;
    yield { file, input, alone: () => known.writtenInto(file) };
    if (--left > 0) dirty = dirty.after(input, mode);
  }
}

/** Makes inputs of calls that change little of a large map, so that each costs what it touches. */
class EditedCalls {
  /** Null in front of the first of a row of such calls. */
  #maps: CarriedMaps | null = null;
  #balance: PinBalance | null = null;

  /** Null where the maps and the pins have to be listed. */
  inputOf(file: ScriptFile, dirty: MaybeDirty): ReaderInput | null {
    const { before, map, edited, pins, pinned } = callStart(file)!;
    if (edited === null || edited.length * MANY > before.length) {
      this.#maps = this.#balance = null;
      return null;
    }
    // With a pin for each page nothing need be known of those of other pages.
    if (pins !== null) this.#balance ??= new PinBalance(pins.all(), before.all());
    if (this.#balance?.isEven === false) return null;
    this.#maps ??= new CarriedMaps(before);
    const maps = this.#maps.next(before, map, edited);
    this.#balance?.after(pinned, file.script, this.#maps.gone, this.#maps.come);
    const pinsTaken = pins === null ? null : WeightedRuns.ofPins(pinned);
    return { ...checkedScriptOf(file, dirty), maps, pinsTaken };
  }
}
