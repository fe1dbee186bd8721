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
import {
  type MapRun,
  parseScript,
  printScript,
  type ScriptFile,
  ScriptTextError,
} from "../../edit-script/index.ts";

/** Pages of a map that are compared with its tables. */
const MOST_PAGES = 1 << 18;

/** What an edit script shows, and what has to be left of it however small the script becomes. */
export class ShrinkTarget {
  readonly #file: ScriptFile;
  readonly #options: CheckOptions;
  readonly #class: string;
  readonly #classes: ReadonlySet<string>;
  /** Each class with each of its causes. */
  readonly #kinds: ReadonlySet<string>;
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
    this.#kinds = new Set(findings.map(kindOf));
    this.#hasMismatch = mismatch !== null;
    this.finding = own.find(({ cause }) => cause !== null) ?? own[0] ?? null;
    this.#lastLoad = this.finding && lastLoad(this.finding);
    this.lost = violation === "V12" && this.finding !== null ? this.#driftsOf(file) : null;
  }

  /**
   * True iff a candidate shows the same: the class with its cause, where one is known, on the same page, met by the same load; of no
   * tables and frames but those that the whole script loses; and no other class or cause, nor tables that contradict the old map where those of
   * the whole script do not.
   */
  isShownBy(candidate: ScriptFile): boolean {
    if (this.finding === null || !this.#keepsPage(candidate)) return false;
    try {
      // Findings of different causes do not hide each other, so causes count; most candidates fail without them already.
      return (
        this.#isLike(check(inputOf(candidate), { ...this.#options, causes: false }), false) &&
        (this.lost === null || isAmong(this.#driftsOf(candidate), this.lost)) &&
        this.#isLike(check(inputOf(candidate), { ...this.#options, causes: true }), true) &&
        parseScript(printScript(candidate)).script.steps === candidate.script.steps
      );
    } catch (error) {
      // What cannot be read again, such as a window that is closed and was never open, is no script.
      if (error instanceof CheckInputError || error instanceof ScriptTextError) return false;
      throw error;
    }
  }

  #driftsOf(file: ScriptFile): Drifts {
    return driftsOf(inputOf(file), this.#options.mode ?? "weak");
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
      findings.every((f) => (causes ? this.#isKnown(f) : this.#classes.has(f.class))) &&
      findings.some((f) => f.class === this.#class && (!causes || this.#isSame(f)))
    );
  }

  /** True iff the whole script shows that class with that cause, or with a cause that nobody looked for. */
  #isKnown(found: Finding): boolean {
    if (this.#kinds.has(kindOf(found))) return true;
    const isUnnamed = this.#kinds.has(kindOf({ ...found, cause: null }));
    return isUnnamed && (found.class !== this.#class || this.#isSame(found));
  }

  #isSame(found: Finding): boolean {
    const { cause, shows, page } = this.finding!;
    return (
      (cause === null || found.cause === cause) &&
      found.shows === shows &&
      (page === null || found.ranges.some(({ start, end }) => start <= page && page < end)) &&
      lastLoad(found) === this.#lastLoad
    );
  }
}

const kindOf = ({ class: kind, cause }: Finding): string => `${kind} ${cause}`;

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
