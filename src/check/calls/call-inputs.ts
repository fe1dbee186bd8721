import {
  type CarriedPins,
  callScripts,
  callStart,
  joinedPins,
  type PinRun,
  type Recording,
  type RunList,
  type ScriptFile,
  type UnpinStep,
} from "../../edit-script/index.ts";
import { DECODERS } from "../entries/decoder.ts";
import { CarriedLinks } from "../entries/linked-tables.ts";
import type { CheckInput, MemoryMode, ReaderInput } from "../input.ts";
import { CarriedDrift } from "../maps/carried-drift.ts";
import { CarriedMaps } from "../maps/edited-maps.ts";
import { FrameSet, framesOf } from "../maps/frame-set.ts";
import { WeightedRuns } from "../maps/weighted-runs.ts";
import { MaybeDirty } from "./maybe-dirty.ts";
import { checkedScriptOf, linkedAtFirst, inputOf as listed } from "./script-file.ts";

/** A call of a recording, as a script of its own and as input of the checker. */
export interface CallInput {
  readonly file: ScriptFile;
  readonly input: CheckInput | ReaderInput;
  /**
   * The script so that it can stand alone: with what devices may have written in earlier calls as D = 1 in its tables, and without
   * the pins that those have leaked.
   */
  alone(): ScriptFile;
}

/** A call that edits more than one in so many runs of its map is decided on both maps as lists. */
const MANY = 8;

/**
 * Each call of a recording with what the calls before it leave: tables, roots, pins, and dirty bits that devices may have set
 * in them and nobody was told of. Pre: taken in order, one pass. What a call does wrong it leaves: whoever decides them has to stop where
 * `isChangeUnlikeOldMap` says that an earlier one is to blame.
 */
export function* callInputs(recording: Recording, mode: MemoryMode = "weak"): Generator<CallInput> {
  let dirty = MaybeDirty.NONE;
  let left = recording.calls.length;
  const inputs = new CarriedInputs(recording);
  for (const file of callScripts(recording)) {
    const input = inputs.inputOf(file, dirty);
    const known = dirty;
    const drift = inputs.driftBefore;
    yield { file, input, alone: () => withoutDrift(known.writtenInto(file), drift?.all() ?? []) };
    if (--left > 0) dirty = dirty.after(input, mode);
  }
}

/** A script that starts with a pin for each page, but for those that it takes itself. */
function withoutDrift(file: ScriptFile, drift: readonly PinRun[]): ScriptFile {
  if (file.pins === null || drift.length === 0) return file;
  return {
    ...file,
    pins: joinedPins([...file.pins, ...drift.map((run) => ({ ...run, count: -run.count }))]),
  };
}

/** Makes inputs of calls: those that change little of a large map cost what they touch. */
class CarriedInputs {
  #isFirst = true;
  /** Null in front of the first call of a row that changes little, and what is not known where maps are given whole. */
  #maps: CarriedMaps | null = null;
  #drift: CarriedDrift | null = null;
  /** Frames that the last call pins, unpins, or changes pages of. */
  #touched: FrameSet | null = null;
  /** Frames whose pins earlier calls have left other than they should be, in front of the last call; null where none have. */
  driftBefore: RunList<PinRun> | null = null;
  readonly #links: CarriedLinks;

  constructor(recording: Recording) {
    const { capability } = recording;
    const decoder = DECODERS.get(capability.format)?.(capability);
    this.#links = new CarriedLinks(decoder, () => linkedAtFirst(recording));
  }

  inputOf(file: ScriptFile, dirty: MaybeDirty): CheckInput | ReaderInput {
    const { before, map, edited, pins, pinned, contents } = callStart(file)!;
    this.#links.begin({ contents, domains: file.domains });
    this.#finish(pins);
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const drift = pins === null ? null : (this.#drift ??= new CarriedDrift(pins.all(), before.all()));
    this.driftBefore = isFirst || drift === null ? null : drift.runs;
    const isLarge = edited === null || edited.length * MANY > before.length;
    // What frames have too many pins of from the start is told of the first call.
    if (isLarge || (isFirst && drift !== null && drift.runs.length > 0)) {
      this.#maps = this.#drift = null;
      const input = listed(file, dirty, this.#links);
      return isFirst || drift === null ? input : { ...input, knownDrift: drift.runs.all() };
    }
    this.#maps ??= new CarriedMaps(before);
    const maps = this.#maps.begin(before, map, edited);
    const input = { ...checkedScriptOf(file, dirty, this.#links), maps };
    if (drift === null) return input;
    this.#touched = FrameSet.union(framesOf(this.#maps.exchanged), framesOf(pinned), framesOf(unpins(file)));
    const knownDrift = drift.on(this.#touched);
    return { ...input, knownDrift, pinsTaken: WeightedRuns.ofPins([...pinned, ...knownDrift]) };
  }

  /** The last call is over; `pins` are those that it leaves. */
  #finish(pins: CarriedPins | null): void {
    this.#maps?.end();
    if (pins !== null && this.#touched !== null && this.#maps !== null)
      this.#drift?.renew(this.#touched, pins, this.#maps.leadingTo(this.#touched));
    this.#touched = null;
  }
}

function* unpins({ script }: ScriptFile): Generator<UnpinStep> {
  for (const step of script.releases()) if (step.op === "unpin") yield step;
}
