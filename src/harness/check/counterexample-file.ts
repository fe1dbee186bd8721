import { z } from "zod";
import { type CheckedFinding, checkedFindingSchema } from "../../report/index.ts";
import { type MapSequence, printMapFile } from "../../vmm/index.ts";
import type { CheckCase } from "./options.ts";

export const COUNTEREXAMPLE_SCHEMA_ID = "hitless-counterexample/1";

const schema = z
  .object({
    schema: z.literal(COUNTEREXAMPLE_SCHEMA_ID),
    strategy: z.string(),
    format: z.string(),
    backing: z.string(),
    seed: z.int().nonnegative(),
    inject: z.string().nullable(),
    modes: z.array(z.enum(["strong", "weak"])).min(1),
    step: z.int().nonnegative().describe("Position of the map that the change leads to."),
    maps: z.string().describe("The maps, as a hitless map file."),
    finding: checkedFindingSchema,
  })
  .describe("One finding with all it takes to show it again.");

/** A finding that needs no other file to be shown again. */
export type Counterexample = z.infer<typeof schema>;

/** A file that is no counterexample; the sentence says what is wrong with it. */
export class CounterexampleError extends Error {
  override name = "CounterexampleError";
}

/** The finding with its maps, as JSON text that ends in a newline. */
export function printCounterexample(
  how: CheckCase,
  found: {
    readonly strategy: string;
    readonly modes: Counterexample["modes"];
    readonly step: number;
    readonly sequence: MapSequence;
    readonly finding: CheckedFinding;
  },
): string {
  const { strategy, modes, step, sequence, finding } = found;
  const { format, backing, seed, mutant } = how;
  const file: Counterexample = {
    schema: COUNTEREXAMPLE_SCHEMA_ID,
    ...{ strategy, format, backing, seed, modes, step, finding },
    inject: mutant?.id ?? null,
    maps: printMapFile(sequence),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Reads what `printCounterexample` wrote. Errors: CounterexampleError. */
export function parseCounterexample(text: string, name: string): Counterexample {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CounterexampleError(`${name}: no JSON (${(error as Error).message})`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new CounterexampleError(
    `${name}: no counterexample of this program: ${issue!.path.join(".") || "the file"}: ${issue!.message}`,
  );
}
