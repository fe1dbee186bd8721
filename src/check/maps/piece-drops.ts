import type { FrameDrops } from "./frame-drops.ts";
import type { JointMap } from "./joint-map.ts";

/** The piece has several frames: they have to be asked for one by one. */
const SEVERAL = -1;

/**
 * Steps that take the last pins of the frames that two maps give to pages, piece by piece: frames of scattered memory are looked up
 * in a row, so that the machine fetches many at a time, and stand in the order in which pages are decided.
 */
export class PieceDrops {
  readonly maps: JointMap;
  /** By piece, the step for its frame in the old map and in the new one; 0 where none takes the last pin. */
  readonly #old: Int32Array;
  readonly #new: Int32Array;

  constructor(maps: JointMap, drops: FrameDrops) {
    this.maps = maps;
    this.#old = stepsOf(maps, maps.oldFrames, drops);
    this.#new = stepsOf(maps, maps.newFrames, drops);
  }

  /** The step of a piece's frame in one of the maps, or -1 where it has several. */
  stepIn(piece: number, isNew: boolean): number {
    return (isNew ? this.#new : this.#old)[piece]!;
  }
}

function stepsOf({ length, starts }: JointMap, frames: Float64Array, drops: FrameDrops): Int32Array {
  const steps = new Int32Array(length).fill(SEVERAL);
  for (let piece = 0; piece + 1 < length; piece++)
    if (starts[piece + 1]! - starts[piece]! === 1) steps[piece] = drops.stepOf(frames[piece]!);
  return steps;
}
