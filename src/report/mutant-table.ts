import { CATALOGUE, type CatalogueEntry } from "../check/mutants/index.ts";

/** Lines between which docs/mutants.md holds the table. */
export const MUTANT_TABLE_MARKS = ["<!-- catalogue: begin -->", "<!-- catalogue: end -->"] as const;

/** The whole catalogue of known-broken kernels as a Markdown table, one line an id. Ends in a newline. */
export const mutantTable = (): string =>
  [
    "| id | class | a kernel that | shown in | threads | modelled on |",
    "|---|---|---|---|---|---|",
    ...CATALOGUE.map(
      (entry) => `| ${[entry.mutant.id, entry.mutant.expected, ...cells(entry)].map(escaped).join(" | ")} |`,
    ),
    "",
  ].join("\n");

function cells(entry: CatalogueEntry): string[] {
  const { title, source } = entry.mutant;
  if (entry.kind === "not-carried") return [title, `not here: ${entry.mutant.reason}`, "–", source];
  const { scenario, strategy, format } = entry.mutant;
  const where = [scenario, strategy, format].filter((word) => word !== undefined).join(", ");
  const threads = entry.kind === "call" ? "–" : entry.mutant.seenByThreads ? "yes" : "no";
  return [title, where, threads, source];
}

const escaped = (text: string): string => text.replaceAll("|", "\\|");
