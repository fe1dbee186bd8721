import { z } from "zod";
import { type RunResult, runResultSchema } from "./run-result.ts";

/** The result as JSON text, two spaces deep, ending in a newline. Throws ZodError when the result breaks its schema. */
export const toJson = (result: RunResult): string =>
  `${JSON.stringify(runResultSchema.parse(result), null, 2)}\n`;

/** The published JSON Schema (draft 2020-12) of `toJson`'s output. */
export const runResultJsonSchema = (): object => ({
  title: "hitless run result",
  ...z.toJSONSchema(runResultSchema),
});
