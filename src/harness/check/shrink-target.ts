import {
  CheckInputError,
  type CheckOptions,
  type CheckResult,
  check,
  type Drifts,
  driftsOf,
  type Finding,
  inputOf,
  isAmong,
  unlikeOldMap,
} from "../../check/index.ts";
import type { MapRun, ScriptFile } from "../../edit-script/index.ts";

/** Pages of a map that are compared with its tables. */
const MOST_PAGES = 1 << 18;

/** What an edit script shows, and what has to be left of it however small the script becomes. */
export class ShrinkTarget {
  readonly #file: ScriptFile;
  readonly #options: CheckOptions;
  readonly #class: string;
  readonly #classes: ReadonlySet<string>;
  readonly #hasMismatch: boolean;
  readonly #lastLoad: string | null;
  /** The finding, if the script shows one of the class: one that has a cause where there are several. */
  readonly finding: Finding | null;
  /** What is lost, where the finding is about that. */
  readonly lost: Drifts | null;

  /** Errors: CheckInputError. */
  constructor(file: ScriptFile, violation: string, options: CheckOptions) {
    this.#file = file;
    this.#options = options;
    this.#class = violation;
    const { findings, mismatch } = check(inputOf(file), options);
    const own = findings.filter((f) => f.class === violation);
    this.#classes = new Set(findings.map((f) => f.class));
    this.#hasMismatch = mismatch !== null;
    this.finding = own.find(({ cause }) => cause !== null) ?? own[0] ?? null;
    this.#lastLoad = this.finding && lastLoad(this.finding);
    this.lost = violation === "V12" && this.finding !== null ? driftsOf(inputOf(file)) : null;
  }

  /**
   * True iff a candidate shows the same: the class with its cause, where one is known, on the same page, met by the same load; of no
   * tables and frames but those that the whole script loses; and no other class, nor tables that contradict the old map where those of
   * the whole script do not.
   */
  isShownBy(candidate: ScriptFile): boolean {
    if (this.finding === null || !this.#keepsPage(candidate)) return false;
    try {
      // Findings of different causes do not hide each other, so causes count; most candidates fail without them already.
      return (
        this.#isLike(check(inputOf(candidate), { ...this.#options, causes: false }), false) &&
        (this.lost === null || isAmong(driftsOf(inputOf(candidate)), this.lost)) &&
        this.#isLike(check(inputOf(candidate), { ...this.#options, causes: true }), true)
      );
    } catch (error) {
      if (error instanceof CheckInputError) return false;
      throw error;
    }
  }

  /** True iff both maps say of the page what they said at first. */
  #keepsPage(candidate: ScriptFile): boolean {
    const page = this.finding!.page;
    return (
      page === null ||
      (answerOf(candidate.oldMap, page) === answerOf(this.#file.oldMap, page) &&
        answerOf(candidate.newMap, page) === answerOf(this.#file.newMap, page))
    );
  }

  #isLike({ findings, mismatch }: CheckResult, causes: boolean): boolean {
    return (
      (mismatch === null || this.#hasMismatch) &&
      findings.every((f) => this.#classes.has(f.class)) &&
      findings.some((f) => f.class === this.#class && (!causes || this.#isSame(f)))
    );
  }

  #isSame(found: Finding): boolean {
    const { cause, shows, page } = this.finding!;
    return (
      (cause === null || found.cause === cause) &&
      found.shows === shows &&
      found.page === page &&
      lastLoad(found) === this.#lastLoad
    );
  }
}

/** The entry that the walk shown loads last, and what it finds there. */
const lastLoad = ({ events }: Finding): string | null => {
  const load = events.findLast(({ text }) => text.startsWith("loads level"));
  return load === undefined ? null : load.text.replace(/ \(.*/, "");
};

/** What a map says of a page. */
function answerOf(map: readonly MapRun[], page: number): string | null {
  const run = map.find(({ iovaPfn, pages }) => iovaPfn <= page && page < iovaPfn + pages);
  return run === undefined ? null : `${run.pfn + page - run.iovaPfn} ${run.rights}`;
}

/** True iff the tables of a script say what its old map says wherever those of another script do. */
export const saysAsMuch = (candidate: ScriptFile, of: ScriptFile): boolean =>
  unlikeOldMap(inputOf(candidate), MOST_PAGES) <= unlikeOldMap(inputOf(of), MOST_PAGES);
