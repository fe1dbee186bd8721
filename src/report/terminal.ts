import { provedSentence } from "./check-terminal.ts";
import { formatShare, groupDigits, plural } from "./figures.ts";
import { nextSteps, strategyFinding, verdictSentence, whyItMatters } from "./findings.ts";
import { type Paint, PLAIN } from "./paint.ts";
import type { Grade, OutcomeRow, RunResult, StrategyResult } from "./run-result.ts";
import { type Column, labelled, textTable, wrap } from "./table.ts";
import { hasViolation } from "./verdict.ts";

export interface TerminalOptions {
  /** Columns to fill; default 110. */
  readonly width?: number;
  readonly paint?: Paint;
  /** Only findings and verdict. */
  readonly quiet?: boolean;
}

const CHANGE_COLUMNS: readonly Column[] = [
  { title: "STRATEGY", align: "left" },
  ...["IOCTLS", "ENTRY STORES", "INVALIDATIONS", "PINNED", "UNPINNED", "KEPT BYTES LOST"].map(
    (title): Column => ({ title, align: "right" }),
  ),
];
const OUTCOME_COLUMNS: readonly Column[] = [
  { title: "RESULT", align: "left" },
  { title: "SAMPLES", align: "right" },
  { title: "FREQ", align: "right" },
  { title: "EXPECT", align: "left" },
  { title: "DESCRIPTION", align: "left" },
];
const GRADE_COLUMN = 3;
/** Longest description of an outcome that was not seen. */
const UNSEEN_WIDTH = 48;

/** The whole result for a person at a terminal or in a log: what was changed, what devices saw, what it means. Ends in a newline. */
export function toTerminal(result: RunResult, options: TerminalOptions = {}): string {
  const width = options.width ?? 110;
  const paint = options.paint ?? PLAIN;
  const lines: string[] = [];
  if (!options.quiet) {
    lines.push(...changesSection(result, width, paint), "");
    for (const s of result.strategies) lines.push(...outcomeSection(s, width, paint), "");
  }
  lines.push(...findingsSection(result, width, paint));
  return `${lines.join("\n")}\n`;
}

/** The lines that say what is about to run; printed before the run starts. */
export const runHeading = (
  r: Pick<RunResult, "input" | "maps" | "format" | "backing" | "devices" | "seed" | "inject" | "host">,
): string =>
  `hitless stress: ${r.input}, ${plural(r.maps, "map")}, ${plural(Math.max(0, r.maps - 1), "change")}; ` +
  `${r.format}, backing ${r.backing}, ${plural(r.devices, "device")}, seed ${r.seed}` +
  `${r.inject === null ? "" : `, fault ${r.inject} injected`} (Node ${r.host.node}, ${plural(r.host.cpus, "CPU")})`;

function changesSection(result: RunResult, width: number, paint: Paint): string[] {
  const rows = result.strategies.map((s) => [
    s.name,
    groupDigits(s.ioctls),
    groupDigits(s.entryStores),
    groupDigits(s.invalidations),
    groupDigits(s.pagesPinned),
    groupDigits(s.pagesUnpinned),
    groupDigits(s.keptBytesLost),
  ]);
  const changes = plural(Math.max(0, result.maps - 1), "map change");
  return [
    ...labelled("What was changed", ` (one pass over ${changes}; pins in 4 KiB pages)`, width, paint.bold),
    ...textTable(CHANGE_COLUMNS, rows, width),
  ];
}

function outcomeSection(s: StrategyResult, width: number, paint: Paint): string[] {
  const unseen = unseenClasses(s);
  const rows = s.outcomes.map((o) => [
    o.id,
    groupDigits(o.samples),
    formatShare(o.samples, s.accesses),
    o.grade,
    describe(o, unseen),
  ]);
  const seconds = (s.elapsedMs / 1000).toFixed(1);
  return [
    ...labelled(
      `What the devices saw with ${s.name}`,
      `${s.baseline ? " (baseline)" : ""}: ${plural(s.accesses, "access", "accesses")}, ` +
        `${plural(s.passes, "pass", "passes")} in ${seconds} s`,
      width,
      paint.bold,
    ),
    ...textTable(OUTCOME_COLUMNS, rows, width, (text, row, column) =>
      column === GRADE_COLUMN && s.outcomes[row]!.samples > 0
        ? paintGrade(s.outcomes[row]!.grade, text, paint)
        : text,
    ),
    ...provedLines(s, unseen, width),
  ];
}

/** Classes that are proved possible and that no thread has met. */
function unseenClasses(s: StrategyResult): string[] {
  const seen = new Set([
    ...s.outcomes.filter((o) => o.samples > 0).map((o) => o.class),
    ...s.violations.map((v) => v.class),
  ]);
  return (s.proved?.violations ?? []).filter((v) => !seen.has(v.class)).map((v) => v.class);
}

/** What is proved beside what was observed. */
function provedLines(s: StrategyResult, unseen: readonly string[], width: number): string[] {
  if (s.proved === undefined || s.proved === null) return [];
  const missed = unseen.length === 0 ? "" : `; predicted, 0 samples: ${unseen.join(", ")}`;
  const { passes = 1 } = s.proved;
  const rounds =
    passes === 1
      ? ""
      : `; ${plural(passes, "pass", "passes")} decided, for ${s.name} makes other calls the second time (the table of what was changed is the first pass)`;
  const surprises = s.violations.filter((v) => v.predicted === false).map((v) => `${v.class} at ${v.iova}`);
  const wrong =
    surprises.length === 0
      ? ""
      : `; SEEN BUT NOT PREDICTED: ${surprises.join(", ")}: the checker misses this, please report it`;
  return wrap(`proved: ${provedSentence(s.proved)}${rounds}${missed}${wrong}`, width - 2).map(
    (line) => `  ${line}`,
  );
}

/**
 * Why a row has its grade; of a row nobody met only the first words, to keep the table short, and whether it is possible
 * all the same.
 */
function describe(o: OutcomeRow, unseen: readonly string[]): string {
  const text = o.class === null || o.class === o.id ? o.description : `${o.class}: ${o.description}`;
  if (o.samples > 0) return text;
  const [name] = o.description.split(":", 1);
  const short =
    name!.length <= UNSEEN_WIDTH ? name! : `${name!.slice(0, name!.lastIndexOf(" ", UNSEEN_WIDTH))} …`;
  return o.class !== null && unseen.includes(o.class) ? `predicted, not seen: ${short}` : short;
}

function paintGrade(grade: Grade, text: string, paint: Paint): string {
  if (grade === "FORBIDDEN") return paint.red(text);
  return grade === "INTERESTING" ? paint.yellow(text) : paint.green(text);
}

function findingsSection(result: RunResult, width: number, paint: Paint): string[] {
  const lines: string[] = [];
  const why = whyItMatters(result);
  if (why !== null) lines.push(...labelled("Why it matters", `: ${why}`, width, paint.bold), "");
  for (const v of result.violations)
    lines.push(...labelled(v.class, ` in ${v.strategy} at ${v.iova}: ${v.detail}`, width, paint.red));
  for (const step of nextSteps(result)) lines.push(`Next: ${step.command}   # ${step.why}`);
  if (lines.length > 0 && lines.at(-1) !== "") lines.push("");
  if (result.partial) lines.push("Interrupted: the figures are those of the run so far.");
  for (const s of result.strategies) {
    const stress = hasViolation(s) ? paint.red : paint.green;
    lines.push(...labelled(s.name, `: ${strategyFinding(s)}`, width, stress));
  }
  lines.push(...labelled("Verdict", `: ${verdictSentence(result)}`, width, paint.bold));
  return lines;
}
