import { setImmediate } from "node:timers/promises";
import type { MemoryMode } from "../../check/index.ts";
import { CATALOGUE, type CatalogueEntry, type Mutant } from "../../check/mutants/index.ts";
import { CAPABILITIES } from "../../edit-script/index.ts";
import {
  KILL_MATRIX_SCHEMA_ID,
  type KillMatrix,
  type KillRow,
  killFigures,
  rowResult,
} from "../../report/index.ts";
import { SCENARIOS, STRATEGIES } from "../../vmm/index.ts";
import { runStress } from "../stress/stress.ts";
import { type JudgeOptions, judgeCallMutant, judgeScriptMutant } from "./judge-mutant.ts";

/** Which mutants to run, and how. */
export interface KillMatrixOptions {
  /** Ids of the catalogue to run; all if empty. */
  readonly ids: readonly string[];
  /** Profile for all mutants; null lets each have the one it needs, `vtd-ss-48` where any will do. */
  readonly format: string | null;
  readonly mode: MemoryMode;
  readonly seed: number;
  /** Run device threads as well, so long for each mutant they can see; null for the checker alone. */
  readonly threads: { readonly timeMs: number; readonly devices: number } | null;
  /** The command line that runs one row again. */
  readonly replay: (id: string) => string;
  readonly signal?: AbortSignal;
  /** Share of the whole run, and the mutant in hand. */
  readonly onProgress?: (share: number, id: string) => void;
}

const DEFAULT_FORMAT = "vtd-ss-48";

/**
 * Runs every known-broken kernel in the scenario made for it and says who noticed what. Errors: RangeError for a mutant whose
 * scenario does not exist.
 */
export async function killMatrix(options: KillMatrixOptions): Promise<KillMatrix> {
  const wanted = CATALOGUE.filter(
    ({ mutant }) => options.ids.length === 0 || options.ids.includes(mutant.id),
  );
  const controls = new Map<string, KillMatrix["controls"][number]>();
  const matrix: KillRow[] = [];
  for (const [i, entry] of wanted.entries()) {
    options.onProgress?.(i / wanted.length, entry.mutant.id);
    await setImmediate();
    if (options.signal?.aborted) break;
    if (entry.kind !== "not-carried") control(entry, options, controls);
    matrix.push(await row(entry, options));
  }
  const partial = options.signal?.aborted === true;
  return {
    schema: KILL_MATRIX_SCHEMA_ID,
    command: "mutants",
    mode: options.mode,
    seed: options.seed,
    threads: options.threads,
    partial,
    ...killFigures(matrix, [...controls.values()], partial),
    controls: [...controls.values()],
    matrix,
  };
}

type Carried = Exclude<CatalogueEntry, { kind: "not-carried" }>;

function place(
  { mutant }: Carried,
  options: KillMatrixOptions,
): JudgeOptions & Pick<Required<JudgeOptions>, "strategy"> {
  const scenario = SCENARIOS.get(mutant.scenario);
  if (scenario === undefined) throw new RangeError(`mutant ${mutant.id}: no scenario '${mutant.scenario}'`);
  const format = options.format ?? mutant.format ?? DEFAULT_FORMAT;
  const { mode, seed } = options;
  const { strategy = "set-map", reports = false, iommus: units = 1 } = mutant;
  return { scenario, format, mode, seed, strategy, reports, units };
}

/** Decides the scenario as the correct kernel goes through it, once for each scenario and profile. */
function control(
  entry: Carried,
  options: KillMatrixOptions,
  known: Map<string, KillMatrix["controls"][number]>,
): void {
  const where = place(entry, options);
  const { format, scenario, strategy, reports, units } = where;
  const key = `${scenario.name} ${format} ${strategy} ${reports} ${units}`;
  if (known.has(key)) return;
  const { findings } = judgeScriptMutant(null, where);
  known.set(key, { scenario: scenario.name, format, strategy, found: classesOf(findings) });
}

async function row(entry: CatalogueEntry, options: KillMatrixOptions): Promise<KillRow> {
  const { id, title, source, expected } = entry.mutant;
  const facts = { id, title, source, kind: entry.kind, expected, replay: options.replay(id) };
  if (entry.kind === "not-carried")
    return {
      ...facts,
      scenario: null,
      format: null,
      strategy: null,
      found: [],
      causes: [],
      foundByThreads: null,
      caughtBy: [],
      equivalent: entry.mutant.reason,
      result: "equivalent",
      changes: 0,
      findings: [],
    };
  const where = place(entry, options);
  const verdict =
    entry.kind === "script" ? judgeScriptMutant(entry.mutant, where) : judgeCallMutant(entry.mutant, where);
  const found = classesOf(verdict.findings);
  const equivalent = entry.mutant.equivalent?.(CAPABILITIES.get(where.format)!, options.mode) ?? null;
  const foundByThreads =
    entry.kind === "script" && equivalent === null ? await threads(entry.mutant, where, options) : null;
  const caughtBy: KillRow["caughtBy"] = [];
  if (found.includes(expected)) caughtBy.push("checker");
  if (foundByThreads?.includes(expected)) caughtBy.push("threads");
  return {
    ...facts,
    scenario: where.scenario.name,
    format: where.format,
    strategy: where.strategy,
    found,
    causes: [
      ...new Set(verdict.findings.map((f) => (f.cause === null ? f.class : `${f.class} ${f.cause}`))),
    ].sort(),
    foundByThreads,
    caughtBy,
    equivalent,
    result: rowResult({ expected, found, foundByThreads, equivalent }),
    changes: verdict.changes,
    findings: verdict.findings.map((f) => f.text),
  };
}

/** Classes that device threads meet on a kernel that runs the mutant; null if none are asked for or none could see it. */
async function threads(
  mutant: Mutant,
  where: JudgeOptions,
  options: KillMatrixOptions,
): Promise<string[] | null> {
  if (options.threads === null || !mutant.seenByThreads) return null;
  const { scenario, format, seed } = where;
  const result = await runStress({
    sequence: scenario.sequence,
    input: scenario.name,
    strategies: [STRATEGIES.get(where.strategy ?? "set-map")!],
    format,
    seed,
    ...options.threads,
    backing: scenario.backing,
    perturb: true,
    mutant,
    replay: () => options.replay(mutant.id),
    ...(options.signal !== undefined && { signal: options.signal }),
  });
  // What only the tables showed, no device has met.
  return classesOf(result.violations.filter((violation) => violation.samples > 0));
}

const classesOf = (findings: readonly { readonly class: string }[]): string[] =>
  [...new Set(findings.map((f) => f.class))].sort();
