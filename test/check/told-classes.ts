import type { Finding } from "../../src/check/index.ts";
import type { Audit } from "./table-lives.ts";

/**
 * Which classes a report owes for a page, given what the enumerator has seen on it. A class that was not seen may not be told. One that
 * was seen is told, or another is that may hide it: the graver one of the page, or what `docs/edit-script.md` says is told instead.
 * Whether the two come of one cause is not looked at.
 */
export interface PageCase {
  readonly told: ReadonlySet<string>;
  /** Of the whole call, this page included. */
  readonly toldOfOthers: ReadonlySet<string>;
  readonly strong: Seen;
  /** Null: in strong mode. */
  readonly weak: Seen | null;
}

type Seen = ReadonlyMap<string, ReadonlySet<string>>;

const WHOLE = ["V07", "V08", "V13"];
const HIDDEN_BY: Readonly<Record<string, readonly string[]>> = {
  V01: WHOLE,
  V01b: WHOLE,
  V02: WHOLE,
  V03: WHOLE,
  V04: ["V02", "V03", "V06", ...WHOLE],
  V04b: ["V01", "V01b", "V02", "V03", "V04", "V05", "V06", "V09", "V15", ...WHOLE],
  V05: ["V01", "V01b", "V02", ...WHOLE],
  V06: ["V02", ...WHOLE],
  V08: ["V07"],
  V09: ["V01", "V01b", "V02", "V03", "V06", ...WHOLE],
  V15: ["V08"],
};
/** Faults of a table that was linked before it was filled are told instead of the plain stores. */
const INSTEAD_OF_TORN = ["V01", "V01b", "V05", "V15"];

const list = (kinds: Iterable<string>): string => [...kinds].sort().join(" ") || "nothing";

/** Returns what is wrong with what was told, or null. */
export function unlikePage(page: PageCase): string | null {
  const { told, strong, weak } = page;
  const owed = new Set([...strong.keys(), ...(weak?.keys() ?? [])]);
  const isTold = `told ${list(told)}, seen ${list(strong.keys())}, in weak mode ${list(weak?.keys() ?? [])}`;
  const needsWeak = [...(weak?.values() ?? [])].some((all) =>
    [...all].some((what) => what.startsWith("old")),
  );
  for (const kind of told) {
    const isOfWeakMode = kind === "V15" ? needsWeak : kind === "V05" && needsWeak;
    if (!strong.has(kind) && !isOfWeakMode) return `false ${kind}: ${isTold}`;
  }
  for (const kind of owed) {
    if (told.has(kind) || HIDDEN_BY[kind]?.some((graver) => told.has(graver))) continue;
    if (!strong.has(kind) && (told.has("V15") || told.has("V05"))) continue;
    // Pages with no more than that are not listed beside a graver finding.
    if (kind === "V04b" && [...page.toldOfOthers].some((other) => other !== "V04b" && other !== "V12"))
      continue;
    if (kind === "V08" && INSTEAD_OF_TORN.some((other) => page.toldOfOthers.has(other))) continue;
    return `missed ${kind}: ${isTold}`;
  }
  return null;
}

/** A page that is freed while walks may hold it, used again and lost: the first is told, the second not. */
const isLostBesideFree = (findings: readonly Finding[], { lost, freed }: Audit): boolean =>
  findings.some((f) => f.class === "V07") && lost.every((page) => freed.includes(page));

/** A table that is lost is not told beside pages that are written wrongly. */
export function unlikeAudit(findings: readonly Finding[], audit: Audit): string | null {
  const { lost, freedTwice } = audit;
  const isTold = findings.some((f) => f.class === "V12");
  const owed = `lost ${list(lost.map(String))}, freed twice ${list(freedTwice.map(String))}`;
  if (isTold && lost.length + freedTwice.length === 0) return `false V12: ${owed}`;
  if (isTold || freedTwice.length + lost.length === 0) return null;
  if (freedTwice.length === 0 && findings.some((f) => f.cause === "plan")) return null;
  if (freedTwice.length === 0 && isLostBesideFree(findings, audit)) return null;
  return `missed V12: ${owed}`;
}
