import { z } from "zod";
import { plural } from "./figures.ts";
import { type Paint, PLAIN } from "./paint.ts";
import { type Column, hanging, textTable } from "./table.ts";
import type { TerminalOptions } from "./terminal.ts";

/** The result of running every known-broken kernel past the judges; a field may be added, none changes its meaning. */
export const KILL_MATRIX_SCHEMA_ID = "hitless-kill-matrix/1";

const count = z.int().nonnegative();

const row = z
  .object({
    id: z.string().describe("Stable id of the catalogue, M01 to M42."),
    title: z.string().describe("What the broken kernel does."),
    source: z.string().describe("The real bug it is modelled on."),
    kind: z
      .enum(["script", "call", "not-carried"])
      .describe("Whether it rewrites edit scripts, rewrites calls, or needs hardware no profile describes."),
    scenario: z.string().nullable().describe("Built-in scenario it ran in; null if it did not."),
    format: z.string().nullable().describe("IOMMU profile it ran on."),
    strategy: z.string().nullable().describe("How the map was changed; null if it did not run."),
    expected: z.string().describe("The violation class it must show, and the only one it may."),
    found: z.array(z.string()).describe("Classes that the exhaustive checker and the call rules found."),
    causes: z.array(z.string()).describe("Class and cause of each finding, e.g. 'V01 order'."),
    foundByThreads: z
      .array(z.string())
      .nullable()
      .describe("Classes that device threads met; null if none ran."),
    caughtBy: z.array(z.enum(["checker", "threads"])).describe("Who found the expected class."),
    equivalent: z
      .string()
      .nullable()
      .describe("Why nothing can tell it from a correct kernel here, or null."),
    result: z
      .enum(["killed", "impure", "missed", "equivalent"])
      .describe(
        "killed: the expected class and only it; impure: other classes too; missed: the expected class was not found; " +
          "an equivalent one that shows a violation is impure.",
      ),
    changes: count.describe("Calls of the scenario that the mutant alters."),
    findings: z.array(z.string()).describe("Every finding with the map change it belongs to, in words."),
    replay: z.string().describe("Command line that runs this row again."),
  })
  .describe("One mutant of the catalogue.");

export const killMatrixSchema = z
  .object({
    schema: z.literal(KILL_MATRIX_SCHEMA_ID),
    command: z.literal("mutants"),
    verdict: z.enum(["clean", "violation", "inconclusive"]).describe("clean: all is as the catalogue says."),
    mode: z.enum(["strong", "weak"]).describe("Memory order the checker assumed."),
    seed: count,
    threads: z
      .object({ timeMs: z.number().positive(), devices: count })
      .nullable()
      .describe("Time of each run under device threads; null if none ran."),
    partial: z.boolean().describe("The run was interrupted."),
    killed: count.describe("Mutants caught by their class and only it."),
    killable: count.describe("Mutants that ran and are not equivalent."),
    specificity: z
      .number()
      .min(0)
      .max(1)
      .describe("Share of the caught mutants that show the expected class only; 1 if none was caught."),
    controls: z
      .array(
        z.object({
          scenario: z.string(),
          format: z.string(),
          strategy: z.string(),
          found: z.array(z.string()),
        }),
      )
      .describe("Classes found in the same scenarios without a mutant: none, or the matrix says nothing."),
    matrix: z.array(row),
  })
  .describe("Result of `hitless mutants`.");

export type KillMatrix = z.infer<typeof killMatrixSchema>;
export type KillRow = KillMatrix["matrix"][number];

/** How a row turned out. Pre: `found` and `foundByThreads` are free of doubles. */
export function rowResult(
  row: Pick<KillRow, "expected" | "found" | "foundByThreads" | "equivalent">,
): KillRow["result"] {
  const seen = new Set([...row.found, ...(row.foundByThreads ?? [])]);
  if (row.equivalent !== null) return seen.size === 0 ? "equivalent" : "impure";
  if (!row.found.includes(row.expected)) return "missed";
  return seen.size === 1 ? "killed" : "impure";
}

/** The figures and the verdict that follow from the rows. */
export function killFigures(
  rows: readonly KillRow[],
  controls: KillMatrix["controls"],
  partial: boolean,
): Pick<KillMatrix, "verdict" | "killed" | "killable" | "specificity"> {
  const killable = rows.filter((r) => r.equivalent === null);
  const killed = killable.filter((r) => r.result === "killed").length;
  const caught = killable.filter((r) => r.caughtBy.length > 0).length;
  const isAsExpected =
    rows.every((r) => r.result === "killed" || r.result === "equivalent") &&
    controls.every((c) => c.found.length === 0);
  return {
    verdict: !isAsExpected
      ? "violation"
      : partial || rows.every((r) => r.scenario === null)
        ? "inconclusive"
        : "clean",
    killed,
    killable: killable.length,
    specificity: caught === 0 ? 1 : killed / caught,
  };
}

/** The matrix as JSON text, two spaces deep, ending in a newline. Throws ZodError when it breaks its schema. */
export const killMatrixToJson = (matrix: KillMatrix): string =>
  `${JSON.stringify(killMatrixSchema.parse(matrix), null, 2)}\n`;

/** The published JSON Schema (draft 2020-12) of `killMatrixToJson`'s output. */
export const killMatrixJsonSchema = (): object => ({
  title: "hitless kill matrix",
  ...z.toJSONSchema(killMatrixSchema),
});

const COLUMNS: readonly Column[] = [
  "ID",
  "SCENARIO",
  "EXPECTED",
  "FOUND",
  "THREADS",
  "RESULT",
  "A KERNEL THAT",
].map((title): Column => ({ title, align: "left" }));
const THREADS_COLUMN = COLUMNS.findIndex(({ title }) => title === "THREADS");
const USUAL_STRATEGY = "set-map";
/** Findings listed for a row that is looked at closely. */
const MOST_FINDINGS = 12;

/** The matrix for a person. With `details` the findings of every row are listed. Ends in a newline. */
export function killMatrixToTerminal(
  matrix: KillMatrix,
  options: TerminalOptions & { readonly details?: boolean } = {},
): string {
  const width = options.width ?? 110;
  const paint = options.paint ?? PLAIN;
  const rows = matrix.matrix.filter((r) => r.kind !== "not-carried");
  const lines: string[] = [];
  if (!options.quiet && rows.length > 0) {
    lines.push(paint.bold("Kill matrix") + ` (${matrix.mode} memory order)`);
    const hasThreads = matrix.threads !== null;
    const shown = <T>(row: readonly T[]): T[] => row.filter((_, i) => hasThreads || i !== THREADS_COLUMN);
    const columns = shown(COLUMNS);
    lines.push(
      ...textTable(columns, rows.map(cells).map(shown), width, (text, at, column) =>
        columns[column]!.title === "RESULT" ? paintResult(rows[at]!.result, text, paint) : text,
      ),
      "",
    );
  }
  if (options.details)
    for (const r of rows)
      if (r.findings.length > 0) lines.push(paint.bold(r.id), ...detailLines(r, width), "");
  const equivalent = matrix.matrix.filter((r) => r.equivalent !== null);
  if (!options.quiet && equivalent.length > 0) {
    lines.push(paint.bold("Nothing to kill here"));
    for (const r of equivalent) lines.push(...hanging(`${r.id}  ${r.title}: ${r.equivalent}`, width, 5));
    lines.push("");
  }
  for (const c of matrix.controls)
    if (c.found.length > 0)
      lines.push(
        `${paint.red("control")}: ${c.scenario} on ${c.format} by ${c.strategy} shows ${c.found.join(", ")} without a mutant`,
      );
  for (const r of matrix.matrix)
    if (r.result === "missed" || r.result === "impure") lines.push(paint.red(missLine(r)));
  if (matrix.partial) lines.push("Interrupted: rows not run are left out.");
  lines.push(summary(matrix));
  return `${lines.join("\n")}\n`;
}

const summary = (m: KillMatrix): string =>
  `kills ${m.killed}/${m.killable}, specificity ${Math.floor(m.specificity * 100)} %` +
  `; ${plural(m.matrix.length - m.killable, "mutant")} equivalent here`;

const missLine = (r: KillRow): string =>
  `${r.id}: expected ${r.equivalent === null ? r.expected : "nothing"}, found ${list(r.found)}` +
  `${r.foundByThreads === null ? "" : `, threads ${list(r.foundByThreads)}`}. Repeat: ${r.replay}`;

const list = (classes: readonly string[]): string => classes.join("+") || "nothing";

/** Scenario, and what else is not as usual: the strategy, and what the profile has besides its levels. */
function placeText({ scenario, strategy, format }: KillRow): string {
  const special = format?.replace(/^vtd-ss-\d+-?/, "") ?? "";
  const words = [strategy === USUAL_STRATEGY ? "" : (strategy ?? ""), special].filter((word) => word !== "");
  return `${scenario}${words.length === 0 ? "" : ` (${words.join(", ")})`}`;
}

const cells = (r: KillRow): string[] => [
  r.id,
  placeText(r),
  r.expected,
  r.found.join("+") || "-",
  r.foundByThreads === null ? "" : r.foundByThreads.join("+") || "-",
  r.result,
  r.title,
];

function paintResult(result: KillRow["result"], text: string, paint: Paint): string {
  if (result === "killed") return paint.green(text);
  return result === "equivalent" ? paint.dim(text) : paint.red(text);
}

function detailLines(r: KillRow, width: number): string[] {
  const shown = r.findings
    .slice(0, MOST_FINDINGS)
    .flatMap((f) => hanging(f, width - 2, 3).map((l) => `  ${l}`));
  const more = r.findings.length - MOST_FINDINGS;
  return [...shown, ...(more > 0 ? [`  and ${more} more; the JSON has them all`] : [])];
}
