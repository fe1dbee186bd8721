import { callInputs, check, type Finding, isChangeUnlikeOldMap } from "../../src/check/index.ts";
import { parseRecording } from "../../src/edit-script/index.ts";
import { brutePage } from "./brute-tables.ts";
import type { PageAnswer } from "./page-answers.ts";
import { PAGES } from "./random-tables.ts";
import { type LivedStep, type Root, TableLives } from "./table-lives.ts";
import { type MapRun, scriptText, type TablesCall, type TablesScript } from "./tables-script.ts";
import { type PageCase, unlikeAudit, unlikePage } from "./told-classes.ts";

/** Holds the checker against the enumerator, call by call and page by page. */
export interface Compared {
  readonly differences: readonly string[];
  readonly cleanCalls: number;
  readonly wrongCalls: number;
  readonly undecidedCalls: number;
  /** Calls that begin with a link to a freed table, and all behind them: what they owe is not compared. */
  readonly leftAlone: number;
  readonly cleanPages: number;
  /** Pages on which each class was told. */
  readonly told: ReadonlyMap<string, number>;
}

type Mode = "strong" | "weak";

const answerIn = (map: readonly MapRun[], page: number): PageAnswer | null => {
  const run = map.find((r) => r.page <= page && page < r.page + r.pages);
  return run === undefined ? null : { frame: run.frame + page - run.page, rights: run.rights };
};
const isSame = (a: PageAnswer | null, b: PageAnswer | null): boolean =>
  a?.frame === b?.frame && a?.rights === b?.rights;

/** Pins of each frame: one for each page of the old map, and one for each that changes. */
function pinsOf(oldMap: readonly MapRun[], newMap: readonly MapRun[]): ReadonlyMap<number, number> {
  const pins = new Map<number, number>();
  const pin = (runs: readonly MapRun[], isPinned: (page: number) => boolean): void => {
    for (const { page, pages, frame } of runs)
      for (let i = 0; i < pages; i++)
        if (isPinned(page + i)) pins.set(frame + i, (pins.get(frame + i) ?? 0) + 1);
  };
  pin(oldMap, () => true);
  pin(newMap, (page) => !isSame(answerIn(oldMap, page), answerIn(newMap, page)));
  return pins;
}

const labelOf = (root: Root, page: number): string => `${root.id} ${page}`;
const isBelow = (root: Root, page: number): boolean => page < 512 ** root.levels;

/** Pages that the tables do not translate as the old map says, and whether the call is about one of them. */
function startOf(
  lives: TableLives,
  oldMap: readonly MapRun[],
  newMap: readonly MapRun[],
): { unlikeMap: Set<string>; isUndecided: boolean } {
  const unlikeMap = new Set<string>();
  let isUndecided = false;
  const edges = [...oldMap, ...newMap].flatMap((r) => [r.page, r.page + r.pages - 1, r.page + r.pages]);
  for (const root of lives.roots)
    for (const page of new Set([...PAGES, ...edges])) {
      if (!isBelow(root, page)) continue;
      const { leaf } = lives.path(root, page);
      const was = answerIn(oldMap, page);
      const isMapped = isSame(leaf, was);
      if (isMapped && !lives.leadsNowhere(root, page)) continue;
      unlikeMap.add(labelOf(root, page));
      isUndecided ||= !isMapped && !isSame(was, answerIn(newMap, page));
    }
  return { unlikeMap, isUndecided };
}

export function compareTables(script: TablesScript, mode: Mode): Compared {
  const { profile, hasAtc } = script;
  const differences: string[] = [];
  const told = new Map<string, number>();
  let [cleanCalls, wrongCalls, undecidedCalls, leftAlone, cleanPages] = [0, 0, 0, 0, 0];
  const lives = new TableLives(script);
  let oldMap = script.oldMap;
  let isWrongBefore = false;
  const comparePages = (call: TablesCall, steps: readonly LivedStep[], findings: readonly Finding[]) => {
    const pins = pinsOf(oldMap, call.map);
    return (root: Root, page: number): string | null => {
      const question = {
        root,
        page,
        isCoherent: !profile.includes("-nc"),
        cachesAbsent: profile.includes("-cm"),
        hasAtc,
        steps,
        old: answerIn(oldMap, page),
        new: answerIn(call.map, page),
        pinsOf: (frame: number) => pins.get(frame) ?? 0,
      };
      const isHere = (f: Finding): boolean => f.ranges.some((r) => r.start <= page && page < r.end);
      const ofDomain = findings.filter((f) => f.class !== "V12" && f.domain === root.tag);
      const pageCase: PageCase = {
        told: new Set(ofDomain.filter(isHere).map((f) => f.class)),
        toldOfOthers: new Set(findings.map((f) => f.class)),
        strong: brutePage({ ...question, mode: "strong" }).seen,
        weak: mode === "weak" ? brutePage({ ...question, mode }).seen : null,
      };
      for (const kind of pageCase.told) told.set(kind, (told.get(kind) ?? 0) + 1);
      if (pageCase.told.size === 0) cleanPages++;
      return unlikePage(pageCase);
    };
  };
  const inputs = [...callInputs(parseRecording(scriptText(script), "script"), mode)];
  for (const [number, call] of script.calls.entries()) {
    const { input } = inputs[number]!;
    const behind = script.calls.length - number;
    if ([...lives.reached()].some((life) => life.isFreed)) {
      leftAlone += behind;
      break;
    }
    const { unlikeMap, isUndecided } = startOf(lives, oldMap, call.map);
    const isRefused = isWrongBefore && isChangeUnlikeOldMap(input);
    if (isUndecided !== isRefused)
      differences.push(`call ${number + 1}: undecided ${isUndecided}, told ${isRefused}`);
    if (isUndecided || isRefused) {
      undecidedCalls += behind;
      break;
    }
    const { findings } = check(input, { mode });
    const steps = lives.enter(call);
    const compare = comparePages(call, steps, findings);
    for (const root of lives.roots)
      for (const page of PAGES) {
        if (unlikeMap.has(labelOf(root, page)) || !isBelow(root, page)) continue;
        const wrong = compare(root, page);
        if (wrong !== null) differences.push(`call ${number + 1}, domain ${root.id}, page ${page}: ${wrong}`);
      }
    const audit = unlikeAudit(findings, lives.leave(steps));
    if (audit !== null) differences.push(`call ${number + 1}: ${audit}`);
    if (findings.length === 0) cleanCalls++;
    else wrongCalls++;
    isWrongBefore ||= findings.length > 0;
    oldMap = call.map;
  }
  return { differences, cleanCalls, wrongCalls, undecidedCalls, leftAlone, cleanPages, told };
}
