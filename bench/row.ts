/**
 * What a benchmark row is: one or two figures measured together, what they must reach, and how to take a sample.
 *
 * A row exists only when it measures something, and every sample checks what it timed: a wrong outcome throws.
 */
export interface Figure {
  /** Unique over all rows, e.g. `walk, 64 KiB of tables`. */
  readonly name: string;
  /** e.g. `ns/walk` or `M stores/s`. */
  readonly unit: string;
  readonly goal: Goal;
  /** Which of the numbers the yardstick answers this figure is compared with; null = there is no C counterpart. */
  readonly yardstickAnswer: 0 | 1 | null;
}

/** `ratio`: ours / best C; `value`: the figure itself, in its unit. */
export type Goal =
  | { readonly kind: "ratio"; readonly atMost: number }
  | { readonly kind: "value"; readonly atMost: number }
  | { readonly kind: "value"; readonly atLeast: number }
  | { readonly kind: "none"; readonly why: string };

export interface Row {
  /** What `--only` matches, e.g. `walk`. */
  readonly group: string;
  readonly figures: readonly Figure[];
  /** Command for the C yardstick without its time, e.g. `walk 65536`; null = no counterpart. */
  readonly yardstick: string | null;
  /**
   * Measured in a process of its own: how the compiler has laid out large code depends on all that it did before, and a
   * command does one thing. Pre: no C counterpart.
   */
  readonly isApart?: boolean;
  /** Rounds of a row too long for the usual number. */
  readonly rounds?: number;
  /** Builds what the samples need; memory is touched and code warm when it returns. */
  prepare(): Sampler | Promise<Sampler>;
}

export interface Sampler {
  /** One sample, one number for each figure, in the figures' units. */
  sample(): readonly number[] | Promise<readonly number[]>;
  close?(): void | Promise<void>;
}

/** Timed work of one sample; both sides use it. */
export const SAMPLE_MS = 50;

/** A measured operation did not do what it was timed for. The figure would be a lie, so the run ends. */
export class WrongOutcome extends Error {
  override name = "WrongOutcome";
}

export function expectOutcome(isRight: boolean, sentence: string): void {
  if (!isRight) throw new WrongOutcome(sentence);
}
