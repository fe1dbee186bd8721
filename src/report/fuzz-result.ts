import { z } from "zod";
import { checkedFindingSchema } from "./check-result.ts";
import { counterexample, powerOfTen } from "./check-terminal.ts";
import { groupDigits, plural } from "./figures.ts";
import { PLAIN } from "./paint.ts";
import { type Column, labelled, textTable, wrap } from "./table.ts";
import type { TerminalOptions } from "./terminal.ts";

/** The result of a fuzz run. Its JSON form is published as docs/schema/fuzz-result.json. */
export const FUZZ_RESULT_SCHEMA_ID = "hitless-fuzz-result/1";

const count = z.int().nonnegative();

export const fuzzResultSchema = z
  .object({
    schema: z.literal(FUZZ_RESULT_SCHEMA_ID),
    command: z.literal("fuzz"),
    verdict: z
      .enum(["clean", "violation", "inconclusive"])
      .describe("inconclusive: interrupted before the end, or not one case was run."),
    seed: count,
    skip: count.default(0).describe("Cases of the first seed that were left out."),
    nextSeed: count.describe("Seed to go on with: the first that has cases left."),
    nextSkip: count
      .default(0)
      .describe("Cases of that seed that were run, and that whoever goes on leaves out."),
    format: z.string().nullable().describe("The one IOMMU profile used, or null for any."),
    inject: z.string().nullable(),
    partial: z.boolean().describe("The run was interrupted before time or cases were over."),
    elapsedMs: z.number().nonnegative(),
    runs: count.describe("Cases run."),
    ioctls: count.describe("Calls made, each with its end state compared."),
    scripts: count.describe("Edit scripts decided."),
    stores: count.describe("Entry stores decided."),
    classes: count.describe("Entry histories decided."),
    schedules: z.number().nonnegative().describe("Interleavings the verdicts stand for, about."),
    shapes: z
      .array(z.object({ shape: z.string(), count }))
      .describe("What the planner did, counted in the scripts; 0 for what it never did."),
    failures: z
      .array(z.object({ site: z.string(), count }))
      .describe("Injected failures by the kind of thing that was refused."),
    failedCalls: z
      .array(
        z.object({
          call: z.string().describe("How the map was to be changed."),
          errno: z.string(),
          count,
          withScripts: count.describe("Those that had run edit scripts by then; the scripts were decided."),
        }),
      )
      .describe("Calls that failed, each of which had to leave everything as it was."),
    found: z
      .object({
        kind: z.string().describe("Violation class, or what was compared."),
        message: z.string(),
        shrinks: count.describe("Smaller cases taken on the way to this one."),
        finding: checkedFindingSchema
          .nullable()
          .default(null)
          .describe("What the checker says of it; null where something else is wrong."),
        case: z.unknown().describe("The case as drawn."),
        maps: z.string().describe("Its maps, as a hitless map file."),
        replay: z.string().describe("Command line that runs the case again."),
      })
      .nullable(),
  })
  .describe("Result of `hitless fuzz`.");

export type FuzzReport = z.infer<typeof fuzzResultSchema>;

/** The result as JSON text, ending in a newline. Throws ZodError when it breaks its schema. */
export const fuzzToJson = (result: FuzzReport): string =>
  `${JSON.stringify(fuzzResultSchema.parse(result), null, 2)}\n`;

/** The published JSON Schema of `fuzzToJson`'s output. */
export const fuzzResultJsonSchema = (): object => ({
  title: "hitless fuzz result",
  ...z.toJSONSchema(fuzzResultSchema),
});

const SHAPE_COLUMNS: readonly Column[] = [
  { title: "WHAT THE PLANNER DID", align: "left" },
  { title: "TIMES", align: "right" },
];

/** A failing case for a person: what is wrong, the maps, and the line that repeats it. */
export const fuzzFindingText = (found: NonNullable<FuzzReport["found"]>, width: number): string[] => [
  ...wrap(`${found.kind}: ${found.message}`, width),
  "",
  ...(found.finding === null ? [] : [...counterexample("the case", found.finding, width).slice(0, -1), ""]),
  ...found.maps.trimEnd().split("\n"),
  `Case: ${JSON.stringify(found.case)}`,
  `Replay: ${found.replay}`,
];

function failedText(failed: FuzzReport["failedCalls"]): string {
  const texts = failed.map(
    ({ call, errno, count, withScripts }) =>
      `${call} ${errno} ${groupDigits(count)}` +
      (withScripts === 0 ? "" : ` (${groupDigits(withScripts)} had run scripts, which were decided)`),
  );
  return `Calls that failed and left everything as it was: ${texts.length === 0 ? "none" : texts.join(", ")}`;
}

/** The whole result for a person. Ends in a newline. */
export function fuzzToTerminal(result: FuzzReport, options: TerminalOptions = {}): string {
  const width = options.width ?? 110;
  const paint = options.paint ?? PLAIN;
  const lines: string[] = [];
  if (!options.quiet) {
    const rows = result.shapes.map(({ shape, count }) => [shape, groupDigits(count)]);
    lines.push(...textTable(SHAPE_COLUMNS, rows, width));
    const never = result.shapes.filter((s) => s.count === 0).map((s) => s.shape);
    if (never.length > 0) lines.push(...wrap(`Never reached: ${never.join(", ")}`, width));
    const sites = result.failures.map(({ site, count }) => `${site} ${groupDigits(count)}`);
    lines.push(...wrap(`Failures injected: ${sites.length === 0 ? "none" : sites.join(", ")}`, width));
    lines.push(...wrap(failedText(result.failedCalls), width), "");
  }
  if (result.found !== null) lines.push(...fuzzFindingText(result.found, width), "");
  lines.push(
    ...wrap(
      `${plural(result.runs, "case")}, ${plural(result.ioctls, "call")}, ${plural(result.scripts, "script")} with ` +
        `${plural(result.stores, "store")} decided, ${powerOfTen(result.schedules)} schedules represented, in ` +
        `${(result.elapsedMs / 1000).toFixed(1)} s`,
      width,
    ),
  );
  if (result.partial) lines.push("Interrupted: the figures are those of the run so far.");
  if (result.found === null)
    lines.push(
      `Go on with: --seed ${result.nextSeed}${result.nextSkip === 0 ? "" : ` --skip ${result.nextSkip}`}`,
    );
  const verdict = {
    clean: "clean: every call was decided without a violation and left what the model says",
    violation: `violation: ${result.found?.kind}`,
    inconclusive: `inconclusive: ${result.runs === 0 ? "not one case was run" : "the run was stopped before its end"}`,
  }[result.verdict];
  lines.push(...labelled("Verdict", `: ${verdict}`, width, paint.bold));
  return `${lines.join("\n")}\n`;
}
