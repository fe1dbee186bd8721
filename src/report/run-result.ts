import { z } from "zod";

/**
 * The result of one run: the one artefact every printer takes. Its JSON form is published as docs/schema/run-result.json;
 * a field may be added, but none changes its meaning within one `schema` id.
 */
export const RUN_RESULT_SCHEMA_ID = "hitless-run-result/1";

const count = z.int().nonnegative();

const outcome = z
  .object({
    id: z.string().describe("Stable name of what an access met."),
    grade: z
      .enum(["ACCEPTABLE", "INTERESTING", "FORBIDDEN"])
      .describe("FORBIDDEN outcomes are violations; an outcome nobody declared is FORBIDDEN."),
    class: z.string().nullable().describe("Violation class (V01, V01b, …) of a forbidden outcome."),
    samples: count.describe("Accesses that met it."),
    description: z.string().describe("One sentence of why it has this grade."),
  })
  .describe("One row of the outcome table.");

const violation = z
  .object({
    class: z.string().describe("Violation class, V01 to V18 or V01b."),
    iova: z
      .string()
      .regex(/^0x[0-9a-f]+$/)
      .describe("Byte address of the page of the first occurrence seen."),
    samples: count.describe("Accesses that met it; 0 if only the tables showed it."),
    detail: z.string().describe("What was seen, in words."),
    replay: z.string().describe("Command line that runs the same case again."),
    decide: z
      .string()
      .optional()
      .describe(
        "Command line that lets the checker show the class on the same map change; threads are not deterministic, it is.",
      ),
    predicted: z
      .boolean()
      .optional()
      .describe(
        "The checker says that an interleaving breaks a rule on this page; false is a fault of the checker. Absent where it did not decide.",
      ),
  })
  .describe("One kind of violation that was seen.");

const proved = z
  .object({
    mode: z.enum(["strong", "weak"]).describe("Memory order; weak contains strong."),
    changes: count.describe("Map changes decided; the way back to the first map is one of them."),
    passes: z
      .int()
      .positive()
      .optional()
      .describe(
        "Times round the sequence, until a strategy made the same calls again; at most 4. Absent: once.",
      ),
    classes: count.describe("Entry histories decided, each for all pages that share it."),
    pages: count.describe("Pages looked at, summed over the changes."),
    schedules: z.number().nonnegative().describe("Interleavings that the verdicts stand for, about."),
    violations: z
      .array(z.object({ class: z.string(), pages: count, changes: count }))
      .describe("Classes that some interleaving shows; empty: proved clean."),
    elapsedMs: z.number().nonnegative(),
  })
  .describe("What the checker decided of the same map changes, without threads.");

const strategy = z
  .object({
    name: z.string(),
    baseline: z.boolean().describe("Shown and counted, but decides neither verdict nor exit code."),
    changes: count.describe("Map changes in one pass over the sequence."),
    passes: count.describe("Complete passes that devices saw."),
    ioctls: count.describe("ioctl calls that applied the map changes of one pass."),
    entryStores: count.describe("Single-entry stores to tables a walker can reach, one pass."),
    invalidations: count.describe("Invalidations posted, one pass."),
    pagesPinned: count.describe("4 KiB pages pinned, one pass."),
    pagesUnpinned: count.describe("4 KiB pages unpinned, one pass."),
    keptBytesLost: count.describe(
      "Sum over the map changes of one pass of the bytes whose backing and rights are the same before and after and " +
        "which lost their translation in between; measured by walking the tables after each store.",
    ),
    accesses: count.describe("Device accesses made and judged."),
    elapsedMs: z.number().nonnegative().describe("Time the devices ran."),
    outcomes: z.array(outcome),
    violations: z.array(violation),
    proved: proved.nullable().optional().describe("Null when it was interrupted."),
  })
  .describe("What one way of applying the map changes did, and what the devices saw meanwhile.");

export const runResultSchema = z
  .object({
    schema: z.literal(RUN_RESULT_SCHEMA_ID),
    command: z.literal("stress"),
    verdict: z
      .enum(["clean", "violation", "inconclusive"])
      .describe(
        "In a run with several strategies `legacy` is the baseline and does not decide; inconclusive: stopped before every strategy was seen through one pass.",
      ),
    seed: count.describe("Seed of every random choice of the run."),
    format: z.string().describe("Name of the IOMMU profile, e.g. vtd-ss-48."),
    backing: z.string().describe("What guest RAM is made of."),
    input: z.string().describe("Name of the scenario or path of the sequence."),
    maps: count.describe("Memory maps in the sequence."),
    devices: count.describe("Device threads."),
    inject: z.string().nullable().describe("Id of the fault injected into the kernel, or null."),
    partial: z.boolean().describe("The run was interrupted."),
    host: z.object({ node: z.string(), cpus: count }).describe("Where it ran."),
    strategies: z.array(strategy),
    violations: z
      .array(violation.extend({ strategy: z.string() }))
      .describe("Those of all strategies that decide the verdict."),
  })
  .describe("Result of `hitless stress`.");

export type RunResult = z.infer<typeof runResultSchema>;
export type StrategyResult = RunResult["strategies"][number];
export type OutcomeRow = StrategyResult["outcomes"][number];
export type Violation = StrategyResult["violations"][number];
export type Proved = z.infer<typeof proved>;
export type Verdict = RunResult["verdict"];
export type Grade = OutcomeRow["grade"];
