import { z } from "zod";

/** The result of deciding map changes. Its JSON form is published as docs/schema/check-result.json. */
export const CHECK_RESULT_SCHEMA_ID = "hitless-check-result/1";

const count = z.int().nonnegative();
const address = z.string().regex(/^0x[0-9a-f]+$/);

const event = z
  .object({
    who: z.enum(["kernel", "device", "caches"]),
    step: count.describe("Step of the edit script, from 1, that this is or comes after; 0 before the first."),
    text: z.string(),
    call: z
      .string()
      .optional()
      .describe(
        "In a change of several calls the one that ran this step of the kernel, e.g. 'call 3 of 12: MAP_DMA …'.",
      ),
    line: count.optional().describe("Line of that step in the file, where an edit script was judged."),
  })
  .describe("One line of an interleaving.");

export const checkedFindingSchema = z
  .object({
    class: z.string().describe("Violation class, V01 to V16, V01b or V04b."),
    shows: z.string().describe("What a V15 shows as; else the class."),
    cause: z.string().nullable().describe("The one repair that heals it; null where none was looked for."),
    causeStep: count
      .default(0)
      .describe("Step of the edit script that the cause is about, from 1; 0 where none is."),
    causeLine: count.optional().describe("Line of that step in the file, where an edit script was judged."),
    causeText: z.string().nullable().default(null).describe("The cause in words."),
    mode: z.enum(["strong", "weak"]).describe("Weakest memory order that shows it."),
    domain: count,
    domains: count.optional().describe("How many domains there are, where it is more than one."),
    iova: address.describe("Byte address of the first page; 0x0 where pins or tables are concerned."),
    pages: count.describe("4 KiB pages concerned, in one change."),
    ranges: z.array(z.object({ iova: address, bytes: count })).describe("The pages, ascending."),
    access: z.enum(["read", "write", "any"]),
    met: z.string().describe("What a device, or the audit, meets."),
    rule: z.string().describe("The rule that is broken."),
    changes: z
      .array(z.object({ step: count, label: z.string(), line: count.optional() }))
      .describe(
        "The map changes with this finding: position and label of the map each leads to; of a recording, number, " +
          "label and line of the call.",
      ),
    events: z.array(event).describe("A minimal interleaving of the first of them."),
    replay: z.string().describe("Command line that shows the same finding again."),
  })
  .describe("One kind of violation on one set of pages.");

const recordedCall = z
  .object({
    call: count.describe("Number of the call, from 1."),
    label: z.string().describe("What its `call` line says."),
    line: count.describe("Line of its `call` statement; 0 where the file has none."),
    verdict: z
      .enum(["clean", "violation", "undecided"])
      .describe("undecided: an earlier call left tables that do not say what its map says."),
    classes: z.array(z.string()).describe("Violation classes found in it."),
    steps: count,
    stores: count,
    pages: count.describe("Pages looked at."),
    mismatch: z
      .string()
      .nullable()
      .describe(
        "Where the tables before the call do not say what the map before it says; null where they do.",
      ),
  })
  .describe("One call of a recorded edit script.");

const strategy = z.object({
  name: z.string(),
  baseline: z.boolean().describe("Shown, but decides neither verdict nor exit code."),
  changes: count.describe("Map changes decided, each over all its ioctls."),
  ioctls: count,
  scripts: count.describe("Edit scripts that the ioctls ran."),
  steps: count.describe("Steps of all scripts."),
  stores: count.describe("Entry stores decided, those into new tables included."),
  classes: count.describe("Entry histories decided, each for all pages that share it."),
  pages: count.describe("Pages looked at, summed over the changes."),
  schedules: z.number().nonnegative().describe("Interleavings that the verdicts stand for, about."),
  unneededStores: count.describe("Live stores that change nothing (V18, no violation)."),
  elapsedMs: z.number().nonnegative().describe("Time spent deciding."),
  crash: z
    .string()
    .nullable()
    .describe("What a broken kernel ran into on the way, which ended the sequence."),
  violations: z.array(checkedFindingSchema),
});

export const checkResultSchema = z
  .object({
    schema: z.literal(CHECK_RESULT_SCHEMA_ID),
    command: z.literal("check"),
    verdict: z.enum(["clean", "violation", "inconclusive"]).describe("inconclusive: stopped before the end."),
    seed: count,
    format: z.string().describe("Name of the IOMMU profile."),
    backing: z.string().nullable().describe("What guest RAM is made of; null for an edit script."),
    input: z.string(),
    maps: count,
    modes: z.array(z.enum(["strong", "weak"])),
    inject: z.string().nullable(),
    partial: z.boolean(),
    strategies: z.array(strategy),
    violations: z
      .array(checkedFindingSchema.extend({ strategy: z.string() }))
      .describe("Those of all strategies that decide the verdict."),
    calls: z.array(recordedCall).optional().describe("Where an edit script was judged: each of its calls."),
  })
  .describe("Result of `hitless check`.");

export type CheckReport = z.infer<typeof checkResultSchema>;
export type CheckedStrategy = CheckReport["strategies"][number];
export type CheckedCall = NonNullable<CheckReport["calls"]>[number];
export type CheckedFinding = CheckedStrategy["violations"][number];

/** The result as JSON text, ending in a newline. Throws ZodError when it breaks its schema. */
export const checkToJson = (result: CheckReport): string =>
  `${JSON.stringify(checkResultSchema.parse(result), null, 2)}\n`;

/** The published JSON Schema of `checkToJson`'s output. */
export const checkResultJsonSchema = (): object => ({
  title: "hitless check result",
  ...z.toJSONSchema(checkResultSchema),
});
