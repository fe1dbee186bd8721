import type { Command } from "commander";
import {
  CONFORMANCE_SCHEMA_ID,
  type ConformanceResult,
  type Difference,
  replayRecordings,
} from "../harness/conformance/index.ts";
import { groupDigits, textTable } from "../report/index.ts";
import { terminalWidth } from "./check-output.ts";
import { openJsonTarget } from "./json-target.ts";
import { progressView } from "./progress.ts";
import { EXIT } from "./usage-error.ts";

interface ConformanceFlags {
  json?: string;
  kernel?: string;
  quiet?: true;
}

/** Differences nobody meant that the text output shows; the JSON has all. */
const SHOWN_DIFFERENCES = 20;

/**
 * Adds `hitless conformance DIR`: replays what real kernels answered against the emulated kernel.
 *
 * Exit codes: 0 every difference is deliberate, 1 one is not, 2 bad input or a result file that is missing.
 */
export function registerConformance(program: Command): void {
  program
    .command("conformance")
    .description("replay recordings of real kernels against the emulated one, line by line")
    .argument("<dir>", "folder with scripts/*.txt and results/KERNEL/{v1,v2}/*.tsv")
    .option("--kernel <name>", "only the results of one folder, e.g. 7.3.4+deb13-amd64")
    .option("--json <file>", "write every difference as JSON; - is standard output")
    .option("--quiet", "unexplained differences and totals only")
    .action(conformance);
}

function conformance(folder: string, flags: ConformanceFlags): void {
  const stdout = (text: string): void => void process.stdout.write(text);
  const json = openJsonTarget(flags.json, stdout);
  const progress = progressView(process.stderr, flags.quiet !== true);
  const result = replay(folder, flags, (share, text) => progress.update(share, text), progress.stop);
  json?.write(`${JSON.stringify({ schema: CONFORMANCE_SCHEMA_ID, ...result }, null, 2)}\n`);
  if (!json?.isStdout) stdout(conformanceText(result, flags.quiet === true));
  const unexplained = result.differences.some((difference) => difference.deliberate === null);
  process.exitCode = result.missing.length > 0 ? EXIT.usage : unexplained ? EXIT.violation : EXIT.clean;
}

function replay(
  folder: string,
  flags: ConformanceFlags,
  onProgress: (share: number, text: string) => void,
  stop: () => void,
): ConformanceResult {
  try {
    return replayRecordings(folder, {
      ...(flags.kernel !== undefined && { kernel: flags.kernel }),
      onProgress,
    });
  } finally {
    stop();
  }
}

/** What a reader of the terminal wants: totals, then the differences nobody meant, then why the others are meant. */
function conformanceText(result: ConformanceResult, quiet: boolean): string {
  const unexplained = result.differences.filter((difference) => difference.deliberate === null);
  const lines: string[] = [];
  if (!quiet) lines.push(...totalsTable(result), "", ...deliberateLines(result.differences));
  for (const difference of unexplained.slice(0, SHOWN_DIFFERENCES))
    lines.push(...differenceLines(difference));
  if (unexplained.length > SHOWN_DIFFERENCES)
    lines.push(`… and ${unexplained.length - SHOWN_DIFFERENCES} more (--json has all)`);
  for (const file of result.missing) lines.push(`missing: ${file}`);
  const deliberate = result.differences.length - unexplained.length;
  lines.push(
    `conformance: ${groupDigits(result.compared)} lines compared, ${groupDigits(result.equal)} equal, ` +
      `${deliberate} deliberately different, ${unexplained.length} unexplained` +
      (result.missing.length > 0 ? `, ${result.missing.length} result files missing` : ""),
  );
  return `${lines.join("\n")}\n`;
}

function totalsTable({ kernels }: ConformanceResult): string[] {
  const number = (title: string) => ({ title, align: "right" as const });
  return textTable(
    [
      { title: "recorded kernel", align: "left" },
      { title: "iommu", align: "left" },
      number("scripts"),
      number("lines"),
      number("equal"),
      number("deliberate"),
      number("unexplained"),
    ],
    kernels.map((k) => [
      k.kernel,
      k.iommu,
      ...[k.scripts, k.compared, k.equal, k.deliberate, k.unexplained].map(String),
    ]),
    terminalWidth(),
  );
}

function deliberateLines(differences: readonly Difference[]): string[] {
  const counts = new Map<string, number>();
  for (const { deliberate } of differences)
    if (deliberate !== null) counts.set(deliberate, (counts.get(deliberate) ?? 0) + 1);
  return [...counts].flatMap(([reason, count]) => [`deliberate, ${count} lines: ${reason}`, ""]);
}

const differenceLines = (d: Difference): string[] => [
  `${d.kernel} ${d.iommu} ${d.script} line ${d.line}: ${d.operation}`,
  `  expected  ${d.expected}`,
  `  got       ${d.got}`,
  "",
];
