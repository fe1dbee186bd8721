import { EditScript, type ScriptFile, type Step, type TableRun, tableRuns } from "../../edit-script/index.ts";

/** A step, and the position in the list of ioctls of the one that ran it; -1 where none is named. */
export interface OwnedStep {
  readonly step: Step;
  readonly owner: number;
}

/** The position of the ioctl that ran a step. */
export const ownerOf = ({ ioctls }: ScriptFile, number: number): number =>
  ioctls.findLastIndex((ioctl) => ioctl.step <= number);

/** All steps of a script. */
export const ownedSteps = (file: ScriptFile): OwnedStep[] =>
  [...file.script].map((step, i) => ({ step, owner: ownerOf(file, i + 1) }));

/** A script of some of its steps, with those ioctls that still run one. */
export function withSteps(steps: readonly OwnedStep[], file: ScriptFile): ScriptFile {
  const ioctls: ScriptFile["ioctls"][number][] = [];
  let last = -1;
  steps.forEach(({ owner }, i) => {
    if (owner > last) ioctls.push({ label: file.ioctls[owner]!.label, step: i + 1 });
    last = Math.max(last, owner);
  });
  return { ...file, script: EditScript.from(steps.map(({ step }) => step)), ioctls, stepLines: [] };
}

/** The entries of tables in as few lines as can be; what each holds stays as it is. */
export function joinedTables(tables: readonly TableRun[]): TableRun[] {
  const contents = new Map<TableRun["table"], Map<number, bigint>>();
  for (const run of tables) {
    let content = contents.get(run.table);
    if (content === undefined) contents.set(run.table, (content = new Map()));
    for (let i = 0; i < run.count; i++) content.set(run.index + i, at(run, i));
  }
  return [...contents].flatMap(([table, content]) => tableRuns(table, (index) => content.get(index) ?? 0n));
}

type Run = Extract<Step, { readonly op: "fill" | "storeRun" }>;

/** Stores to neighbouring entries, one step each, as runs of equal stride. */
export function joinedSteps(steps: readonly OwnedStep[]): OwnedStep[] {
  const joined: OwnedStep[] = [];
  for (const { step, owner } of steps) {
    const own = asRun(step);
    const last = joined.at(-1);
    const before = last?.owner === owner ? asRun(last.step) : null;
    const both = own === null || before === null ? null : united(before, own);
    if (both === null) joined.push({ step, owner });
    else joined[joined.length - 1] = { step: both, owner };
  }
  return joined;
}

function asRun(step: Step): Run | null {
  if (step.op === "fill" || step.op === "storeRun") return step;
  if (step.op !== "store") return null;
  const { entry, ...where } = step;
  return { ...where, op: "storeRun", count: 1, first: entry, stride: 0n };
}

/** Two runs, the second of one entry, as one; null where they are none. */
function united(a: Run, b: Run): Run | null {
  if (a.op !== b.op || a.table !== b.table || b.index !== a.index + a.count || b.count > 1) return null;
  const stride = BigInt.asUintN(64, b.first - at(a, a.count - 1));
  return a.count === 1 || stride === a.stride ? { ...a, count: a.count + 1, stride } : null;
}

const at = ({ first, stride }: Pick<Run, "first" | "stride">, i: number): bigint =>
  BigInt.asUintN(64, first + BigInt(i) * stride);
