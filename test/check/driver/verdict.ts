import { type CheckInput, check, type Finding, type MemoryMode } from "../../../src/check/index.ts";
import { printStep, type Step } from "../../../src/edit-script/index.ts";
import { isSame } from "./entries.ts";
import type { DriverAtWork } from "./recorded-call.ts";

/** Findings in words. */
export const told = (findings: readonly Finding[]): string[] =>
  findings.map((f) => {
    const ranges = f.ranges.slice(0, 4).map(({ start, end }) => `${start.toString(16)}-${end.toString(16)}`);
    return `${f.class} ${f.cause} step ${f.causeStep} domain ${f.domain} [${ranges.join(" ")}] ${f.met}`;
  });

/** What the checker says of a script, in words. */
export function verdictOn(input: CheckInput, mode: MemoryMode): string[] {
  const { findings, mismatch } = check(input, { mode });
  return [...(mismatch === null ? [] : [mismatch]), ...told(findings)];
}

/** Where the tables say something else than the map does, in words; null where nowhere. */
export function unlikeMap({ trees, memory, shape, map }: DriverAtWork): string | null {
  for (const { root } of trees) {
    let pages = 0;
    for (const leaf of memory.leaves(root))
      for (let i = 0; i < shape.span(leaf.level); i++) {
        pages++;
        const said = { frame: leaf.frame + i, rights: leaf.rights };
        if (!isSame(map.get(leaf.page + i), said)) return `page 0x${(leaf.page + i).toString(16)} is another`;
      }
    if (pages !== map.size) return `${map.size - pages} pages are missing`;
  }
  return null;
}

/** The steps, to be looked at. */
export const listed = (steps: readonly Step[]): string =>
  steps.map((step, i) => `${i + 1}: ${printStep(step)}`).join("\n");
