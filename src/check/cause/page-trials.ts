import { EditScript, type Step } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import type { OnlyPages } from "../maps/only-pages.ts";
import type { Violations } from "../rules/violations.ts";
import { listedSteps } from "../script/script-steps.ts";
import type { PageHistory } from "./page-history.ts";
import type { RepairContext } from "./repair.ts";
import { contextOf } from "./trial.ts";
import { callsOfTrial } from "./trial-calls.ts";

/** Trials one finding may cost before its cause is left unnamed. */
const MAX_TRIALS = 200;
/** Steps that all trials of one finding may replay where a change takes several calls: their scripts are long together. */
const MAX_REPLAYED_OF_CALLS = 20_000;
/** A history of so many steps costs as many steps of the budget. */
const STEPS_LIKE_ONE = 1000;

/** What is left of what all trials of a script together may take. */
export interface Budget {
  steps: number;
}

/** Decides what a page shows where its history is all that happens to it, as it is and with repairs, within a budget. */
export class PageTrials {
  readonly #decision: Decision;
  readonly #domain: number;
  readonly #history: PageHistory;
  readonly #page: OnlyPages;
  readonly #options: DecideOptions;
  readonly #budget: Budget;
  readonly #cost: number;
  #left: number;

  constructor(
    decision: Decision,
    domain: number,
    history: PageHistory,
    page: OnlyPages,
    options: DecideOptions,
    budget: Budget,
  ) {
    const { length } = history.steps;
    this.#decision = decision;
    this.#domain = domain;
    this.#history = history;
    this.#page = page;
    this.#options = options;
    this.#budget = budget;
    this.#cost = (length * length * decision.rootsOf(domain).length) / STEPS_LIKE_ONE;
    this.#left = decision.input.calls ? Math.min(MAX_TRIALS, MAX_REPLAYED_OF_CALLS / length) : MAX_TRIALS;
  }

  /** Takes one trial from the budget; false where none is left. */
  mayTry(): boolean {
    this.#budget.steps -= this.#cost;
    this.#left--;
    return !this.isCut;
  }

  /** True iff a trial was asked for that the budget does not have. */
  get isCut(): boolean {
    return this.#left < 0 || this.#budget.steps <= 0;
  }

  /** What the page shows where these steps are all: the history, perhaps with repairs. */
  decided(steps: readonly Step[], how: Partial<DecideOptions> = {}): Violations {
    const { calls } = this.#decision.input;
    const { steps: own, numbers } = this.#history;
    const parts = calls ? callsOfTrial(calls, own, numbers, steps) : null;
    const trial = this.#decision.withScript(EditScript.from(steps), parts);
    return trial.violations({ ...this.#options, ...how, only: this.#page });
  }

  /** What repairs of the history may use once it has been repaired before. */
  contextOf(steps: readonly Step[]): RepairContext {
    return contextOf(this.#decision, this.#domain, listedSteps(steps), this.#history.tables);
  }
}
