import type { CheckedCall, CheckedFinding, CheckedStrategy, CheckReport } from "./check-result.ts";
import { interleavingTable } from "./columns.ts";
import { formatBytes, groupDigits, plural } from "./figures.ts";
import { PLAIN } from "./paint.ts";
import { type Column, labelled, textTable, wrap } from "./table.ts";
import type { TerminalOptions } from "./terminal.ts";

const STRATEGY_COLUMNS: readonly Column[] = [
  { title: "STRATEGY", align: "left" },
  ...["CHANGES", "IOCTLS", "SCRIPTS", "STORES", "CLASSES", "PAGES", "SCHEDULES", "SECONDS"].map(
    (title): Column => ({ title, align: "right" }),
  ),
];
const CALL_COLUMNS: readonly Column[] = [
  { title: "CALL", align: "right" },
  { title: "LINE", align: "right" },
  { title: "CLASSES", align: "left" },
  { title: "LABEL", align: "left" },
];
const FINDING_COLUMNS: readonly Column[] = [
  { title: "CLASS", align: "left" },
  { title: "CAUSE", align: "left" },
  { title: "CHANGES", align: "right" },
  { title: "PAGES", align: "right" },
  { title: "FIRST IN", align: "right" },
  { title: "IOVA RANGES", align: "left" },
];
/** Findings and ranges listed; the JSON has them all. */
const MOST_ROWS = 20;
const MOST_RANGES = 3;

/** A large number as a power of ten: 3.3e9 → "10^9.5". Below 1000 as it is. */
export const powerOfTen = (n: number): string => (n < 1000 ? String(n) : `10^${Math.log10(n).toFixed(1)}`);

type Heading = Pick<CheckReport, "input" | "maps" | "format" | "backing" | "modes" | "seed" | "inject"> & {
  readonly cyclic?: boolean | undefined;
};

/** An edit script leads from one map to the next; a recording of calls has one more map than calls. */
const scriptText = (maps: number): string =>
  maps === 2 ? "one edit script" : `${plural(maps - 1, "call")} recorded`;

/** The line that says what is about to be decided. */
export const checkHeading = (r: Heading): string =>
  `hitless check: ${r.input}, ` +
  (r.backing === null
    ? `${scriptText(r.maps)}; ${r.format}`
    : `${plural(r.maps, "map")}, ${plural(changesOf(r), "change")}; ${r.format}, backing ${r.backing}`) +
  `, ${r.modes.join(" and ")} memory order` +
  `${r.backing === null ? "" : `, seed ${r.seed}`}${r.inject === null ? "" : `, fault ${r.inject} injected`}`;

/** From the last map of a circle the first one follows; one map follows none. */
const changesOf = ({ maps, cyclic }: Heading): number => Math.max(1, cyclic ? maps : maps - 1);

/** The whole result for a person: effort, findings, one interleaving of each class, verdict. Ends in a newline. */
export function checkToTerminal(result: CheckReport, options: TerminalOptions = {}): string {
  const width = options.width ?? 110;
  const paint = options.paint ?? PLAIN;
  const lines: string[] = [];
  if (!options.quiet) {
    lines.push(
      paint.bold("What was decided"),
      ...textTable(STRATEGY_COLUMNS, result.strategies.map(effort), width),
    );
    lines.push("");
  }
  for (const s of result.strategies) {
    if (s.violations.length === 0) continue;
    if (!options.quiet) lines.push(...findingTable(s, width, paint.bold), "");
    for (const f of firstOfEachClass(s.violations))
      lines.push(...counterexample(s.name, f, width, paint.red), "");
  }
  if (result.calls !== undefined) lines.push(...callLines(result.calls, width, paint.bold));
  if (result.partial) lines.push("Interrupted: the figures are those of the run so far.");
  for (const s of result.strategies) {
    const colour = s.violations.length > 0 || s.crash !== null ? paint.red : paint.green;
    lines.push(...labelled(s.name, `: ${provedSentence(s)}`, width, colour));
    if (s.crash !== null)
      lines.push(
        ...wrap(`The kernel did not survive its own script: ${s.crash}`, width - 2).map((l) => `  ${l}`),
      );
  }
  lines.push(...labelled("Verdict", `: ${checkVerdictSentence(result)}`, width, paint.bold));
  return `${lines.join("\n")}\n`;
}

const effort = (s: CheckedStrategy): string[] => [
  s.name,
  groupDigits(s.changes),
  groupDigits(s.ioctls),
  groupDigits(s.scripts),
  groupDigits(s.stores),
  groupDigits(s.classes),
  groupDigits(s.pages),
  powerOfTen(s.schedules),
  (s.elapsedMs / 1000).toFixed(2),
];

/** What is proved of a strategy, or that it is not. */
export function provedSentence(
  s: Pick<CheckedStrategy, "changes" | "classes" | "schedules"> & {
    readonly violations: readonly Pick<CheckedFinding, "class">[];
  },
): string {
  const classes = [...new Set(s.violations.map((v) => v.class))];
  return (
    `all interleavings of ${plural(s.changes, "map change")} decided, ${plural(s.classes, "class", "classes")}, ` +
    `${powerOfTen(s.schedules)} schedules represented: ${classes.length === 0 ? "clean" : classes.join(", ")}`
  );
}

export function checkVerdictSentence(result: CheckReport): string {
  const deciding = result.strategies.filter((s) => !s.baseline).map((s) => s.name);
  const baseline = result.strategies.find((s) => s.baseline);
  const beside = baseline === undefined ? "" : ` (${baseline.name} is the baseline and does not count)`;
  switch (result.verdict) {
    case "clean":
      return `clean: no interleaving of ${deciding.join(", ")} breaks a rule${beside}`;
    case "violation":
      return `violation: ${[...new Set(result.violations.map((v) => `${v.class} in ${v.strategy}`))].join(", ")}${beside}`;
    case "inconclusive":
      return "inconclusive: the run was stopped before every change was decided";
  }
}

function findingTable(s: CheckedStrategy, width: number, bold: (text: string) => string): string[] {
  const rows = s.violations
    .slice(0, MOST_ROWS)
    .map((f) => [
      f.class === f.shows ? f.class : `${f.class} (${f.shows})`,
      f.cause ?? "",
      groupDigits(f.changes.length),
      groupDigits(f.pages),
      String(f.changes[0]!.step),
      rangesText(f),
    ]);
  const more = s.violations.length - rows.length;
  return [
    bold(`Violations of ${s.name}`) + (s.baseline ? " (baseline)" : ""),
    ...textTable(FINDING_COLUMNS, rows, width),
    ...(more > 0 ? [`  … and ${groupDigits(more)} more (--json has them all)`] : []),
  ];
}

function rangesText(f: CheckedFinding): string {
  if (f.ranges.length === 0) return f.met;
  const shown = f.ranges
    .slice(0, MOST_RANGES)
    .map(({ iova, bytes }) => `${iova} +${formatBytes(bytes)}`)
    .join(", ");
  const more = f.ranges.length - MOST_RANGES;
  return more > 0 ? `${shown} and ${groupDigits(more)} more` : shown;
}

/** One interleaving of each class, of the first change that shows it. */
export const firstOfEachClass = (findings: readonly CheckedFinding[]): CheckedFinding[] =>
  findings.filter((f, i) => findings.findIndex((other) => other.class === f.class) === i);

/** What an access meets, or what the books say where no access is concerned. */
const meets = (f: CheckedFinding): string =>
  f.pages > 0 && f.class !== "V12" && f.shows !== "V10" ? `an access meets ${f.met}` : f.met;

/** Which change, or which call of a recording, a finding is from; nothing where there is only one without a name. */
function changeText({ changes }: CheckedFinding): string {
  const { step, label, line } = changes[0]!;
  const name = label === "" ? "" : ` '${label}'`;
  if (line !== undefined) return `, call ${step}${name} in line ${line}`;
  return name === "" ? "" : `, change ${step}${name}`;
}

/** Calls of a recording that are not clean, and what makes a verdict doubtful. */
function callLines(calls: readonly CheckedCall[], width: number, bold: (text: string) => string): string[] {
  const lines: string[] = [];
  const broken = calls.filter((c) => c.verdict === "violation");
  if (calls.length > 1 && broken.length > 0) {
    const rows = broken
      .slice(0, MOST_ROWS)
      .map((c) => [String(c.call), String(c.line), c.classes.join(", "), c.label]);
    const more = broken.length - rows.length;
    lines.push(bold("Calls with violations"), ...textTable(CALL_COLUMNS, rows, width));
    lines.push(...(more > 0 ? [`  … and ${groupDigits(more)} more (--json has them all)`] : []), "");
  }
  for (const { call, mismatch } of calls)
    if (mismatch !== null)
      lines.push(
        ...wrap(
          `Note: ${calls.length > 1 ? `call ${call}: ` : ""}${mismatch}. Either the tables given are not all there ` +
            "were, or the map is another; what is found on such pages means little.",
          width,
        ),
        "",
      );
  const undecided = calls.filter((c) => c.verdict === "undecided");
  if (undecided.length > 0)
    lines.push(
      ...wrap(
        `Calls from ${undecided[0]!.call} on are not decided: the calls before leave tables that do not say what their ` +
          "map says.",
        width,
      ),
      "",
    );
  return lines;
}

/** A finding as a person reads it: where, which rule, the interleaving in columns, and the line that repeats it. */
export function counterexample(
  strategy: string,
  f: CheckedFinding,
  width: number,
  red: (text: string) => string = (text) => text,
): string[] {
  const pages = f.pages === 0 ? "" : ` at ${f.iova}, for ${plural(f.pages, "page")}`;
  const domain = f.domains === undefined ? "" : ` in domain ${f.domain}`;
  const where = f.causeLine === undefined ? `step ${f.causeStep}` : `line ${f.causeLine}`;
  const at = f.causeStep > 0 ? ` at ${where}` : "";
  const cause =
    f.cause === null ? "" : ` Cause: ${f.cause}${at}${f.causeText === null ? "" : `, ${f.causeText}`}.`;
  const weak = f.mode === "weak" ? " Shows only where stores become visible late." : "";
  return [
    ...labelled(f.class, ` in ${strategy}${pages}${domain}${changeText(f)}: ${meets(f)}.`, width, red),
    ...wrap(`Rule: ${f.rule}${cause}${weak}`, width - 2).map((l) => `  ${l}`),
    ...(f.events.length > 0 ? interleavingTable(f.events, width - 2).map((l) => `  ${l}`) : []),
    `Replay: ${f.replay}`,
  ];
}
