import type { CheckResult, Finding } from "../../check/index.ts";

const placeOf = (f: Finding): string =>
  [f.class === "V15" ? f.shows : f.class, f.domain, ...f.ranges.flatMap((r) => [r.start, r.end])].join(" ");

/** Findings of all modes, each once: a weak one that a strong one stands for already is left out. */
export function united(results: readonly CheckResult[]): Finding[] {
  const strong = results.find((r) => r.mode === "strong")?.findings ?? [];
  const weak = results.find((r) => r.mode === "weak")?.findings ?? [];
  const known = new Set(strong.map(placeOf));
  return [...strong, ...weak.filter((f) => !known.has(placeOf(f)))];
}
