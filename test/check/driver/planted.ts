import { check, type Finding, type MemoryMode, type ViolationClass } from "../../../src/check/index.ts";
import { EditScript, type Step } from "../../../src/edit-script/index.ts";
import type { Written } from "./journal.ts";
import type { Span } from "./page-map.ts";
import type { RecordedCall } from "./recorded-call.ts";
import type { Random } from "./style.ts";
import { told } from "./verdict.ts";

/** Pages of one tag. */
export interface Place extends Span {
  readonly domain: number;
}

/** Pages that have to be told of, as one of some classes. */
export interface Damage {
  readonly classes: readonly ViolationClass[];
  /** None where it is about no page. */
  readonly places: readonly Place[];
}

/** A script with one fault in it, and what follows from that fault by the rules of the hardware. */
export interface Planted {
  readonly steps: readonly Step[];
  readonly must: readonly Damage[];
  /** Everything that the fault can reach. */
  readonly may: readonly Place[];
  /** Classes that may be told beside those of the damage, in reach of the fault. */
  readonly beside?: readonly ViolationClass[];
  /** It shows in weak order only. */
  readonly isWeakOnly?: boolean;
}

/** Makes one fault somewhere in a call, or null where there is no place for it. */
export type Fault = (call: RecordedCall, random: Random) => Planted | null;

/** What is wrong with the verdict on a script with a fault, in words; nothing where it is right. */
export function complaints(call: RecordedCall, planted: Planted, mode: MemoryMode): string[] {
  const { findings } = check({ ...call.input, script: EditScript.from(planted.steps) }, { mode });
  if (planted.isWeakOnly && mode === "strong")
    return told(findings).map((text) => `in strong order: ${text}`);
  const isFreed = planted.beside?.includes("V07") ?? false;
  const freed = [
    ...planted.must.flatMap(({ classes, places }) => (classes[0] === "V07" ? places : [])),
    ...(isFreed ? placesIn(findings.filter((f) => f.class === "V07")) : []),
  ];
  const missed = planted.must.flatMap(({ classes, places: all }) => {
    // What is read through a freed table is told as that and nothing else.
    const places = classes[0] === "V07" ? all : all.flatMap((place) => without(place, freed));
    if (all.length > 0 && places.length === 0) return [];
    const fit = findings.filter((f) => classes.includes(f.class));
    if (places.length === 0) return fit.length === 0 ? [`no ${classes.join("/")} is told`] : [];
    return uncovered(places, fit).map((place) => `${classes.join("/")} missed on ${textOf(place)}`);
  });
  const allowed = new Set([...planted.must.flatMap(({ classes }) => classes), ...(planted.beside ?? [])]);
  const wrong = findings.filter((f) => !allowed.has(f.class));
  const outside = findings.flatMap((f) =>
    f.ranges
      .map((range) => ({ ...range, domain: f.domain }))
      .flatMap((place) => without(place, planted.may))
      .map((place) => `${f.class} told on ${textOf(place)}, which the fault does not reach`),
  );
  const lines = [...missed, ...told(wrong).map((text) => `not expected: ${text}`), ...outside];
  return lines.length > 0 ? [...lines.slice(0, 5), "told:", ...told(findings).slice(0, 5)] : [];
}

const textOf = ({ domain, start, end }: Place): string =>
  `domain ${domain} 0x${start.toString(16)}-0x${end.toString(16)}`;

const uncovered = (places: readonly Place[], findings: readonly Finding[]): Place[] => {
  const found = placesIn(findings);
  return places.flatMap((place) => without(place, found));
};
const placesIn = (findings: readonly Finding[]): Place[] =>
  findings.flatMap((f) => f.ranges.map(({ start, end }) => ({ start, end, domain: f.domain })));

/** What is left of a place when others are taken away. */
function without(place: Place, taken: readonly Place[]): Place[] {
  let left: Place[] = [place];
  for (const { domain, start, end } of taken)
    if (domain === place.domain)
      left = left.flatMap((l) => {
        if (end <= l.start || l.end <= start) return [l];
        return [
          { ...l, end: start },
          { ...l, start: end },
        ].filter((part) => part.start < part.end);
      });
  return left;
}

/** The same pages under every tag of the tree in which something was written. */
export const underEachTag = (w: Written, spans: readonly Span[]): Place[] =>
  w.tree.tags.flatMap(({ tag }) => spans.map(({ start, end }) => ({ domain: tag, start, end })));

/** Steps with some taken out, and others put in front of one of them. */
export function edited(
  steps: readonly Step[],
  removed: Iterable<Step>,
  before?: Step,
  added: readonly Step[] = [],
): Step[] {
  const gone = new Set(removed);
  return steps.flatMap((step) => [...(step === before ? added : []), ...(gone.has(step) ? [] : [step])]);
}
export const replaced = (steps: readonly Step[], step: Step, by: readonly Step[]): Step[] =>
  steps.flatMap((each) => (each === step ? by : [each]));

export const oneOf = <T>(list: readonly T[], random: Random): T | null =>
  list.length === 0 ? null : list[random(list.length)]!;
