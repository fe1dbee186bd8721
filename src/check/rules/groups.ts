import { joined, type PageRange, pagesIn } from "../maps/interest.ts";
import type { CallGap } from "./between-calls.ts";
import { hides } from "./dominance.ts";
import type { Cause, ViolationClass } from "./violation-class.ts";
import type { RawViolation, Violations } from "./violations.ts";

/** Violations of one class that one store, or one missing step, makes; or a crowd of those that nobody has looked into yet. */
export interface Group {
  readonly class: ViolationClass;
  /** What was met where the class itself is V15: a missing barrier shows as this. */
  readonly shows: ViolationClass;
  readonly domain: number;
  /** Only weak memory order shows it: what is missing for that is a barrier, or a clean. */
  readonly isWeakOnly: boolean;
  readonly ranges: readonly PageRange[];
  /** The violation whose first page stands for all of them; in strong memory order, where its cause was looked for and it shows there. */
  example: RawViolation;
  /** The rows that a crowd is made of; null for a group. */
  readonly crowd: Crowd | null;
  /** All rows that it is made of. */
  readonly members: readonly Crowd[];
  cause: Cause | null;
  /** Step the cause is about, or 0; the first of them where it is in many places. */
  causeStep: number;
  isEverywhere: boolean;
  /** The two calls it lies between, if it does. */
  gap: CallGap | null;
}

/** Violations of one class and domain, which may be too many to make a group of each. */
export interface Crowd {
  readonly violations: Violations;
  readonly rows: Uint32Array;
}

/** What has more groups than this is a crowd. */
const FEW = 64;

/** Groups of a crowd that are looked into before what heals them is tried on the rest. */
const FROM_CROWD = 4;

/** How many rows there are of one class and domain, and how often the next one is in another group, as far as that was counted. */
interface Kind {
  count: number;
  changes: number;
  last: number;
  /** Made when all are counted. */
  rows: Uint32Array;
}

const NO_ROWS = new Uint32Array(0);

/** Puts violations together that share class, the store that shows and the invalidations that reach; those of a crowd only by class. */
export function grouped(violations: Violations): Group[] {
  const kinds = new Map<string, Kind>();
  // What is found on one page after the other alternates between few places.
  const ofPlace: Kind[] = [];
  for (let i = 0; i < violations.length; i++) {
    const kind = (ofPlace[violations.place(i)] ??= kindOf(kinds, violations, i));
    if (kind.count++ === 0) kind.changes = 1;
    else if (kind.changes <= FEW && !violations.isOneStore(kind.last, i)) kind.changes++;
    kind.last = i;
  }
  for (const kind of kinds.values()) {
    kind.rows = new Uint32Array(kind.count);
    kind.count = 0;
  }
  for (let i = 0; i < violations.length; i++) {
    const kind = ofPlace[violations.place(i)]!;
    kind.rows[kind.count++] = i;
  }
  const groups: { readonly first: number; readonly group: Group }[] = [];
  for (const { rows, changes } of kinds.values()) {
    const lists = changes > FEW ? [rows] : byStore(violations, rows);
    for (const list of lists)
      groups.push({ first: list[0]!, group: groupOf(violations, list, changes > FEW) });
  }
  return groups.sort((a, b) => a.first - b.first).map(({ group }) => group);
}

function kindOf(kinds: Map<string, Kind>, violations: Violations, i: number): Kind {
  const key = `${violations.class(i)} ${violations.shows(i)} ${violations.domain(i)} ${violations.isWeakOnly(i)}`;
  let kind = kinds.get(key);
  if (kind === undefined) kinds.set(key, (kind = { count: 0, changes: 0, last: -1, rows: NO_ROWS }));
  return kind;
}

function byStore(violations: Violations, rows: Uint32Array): Uint32Array[] {
  const lists = new Map<string, number[]>();
  for (const i of rows)
    listOf(lists, `${violations.stretch(i)} ${violations.step(i)} ${violations.until(i)}`).push(i);
  return [...lists.values()].map((list) => Uint32Array.from(list));
}

/** The group, or the crowd, of some rows. Pre: they share class, domain and what they show as. */
function groupOf(violations: Violations, rows: Uint32Array, isCrowd: boolean): Group {
  const { first, ranges } = pagesOf(violations, rows);
  const example = violations.at(first);
  return {
    class: example.class,
    shows: violations.shows(first),
    domain: example.domain,
    isWeakOnly: violations.isWeakOnly(first),
    ranges,
    example,
    crowd: isCrowd ? { violations, rows } : null,
    members: [{ violations, rows }],
    cause: null,
    causeStep: 0,
    isEverywhere: false,
    gap: null,
  };
}

/** The pages of some rows, which nearly always come in ascending order, and the row with the first page. */
function pagesOf(
  violations: Violations,
  rows: Uint32Array,
): { readonly first: number; readonly ranges: readonly PageRange[] } {
  let first = rows[0]!;
  let least = Infinity;
  let last = { start: -1, end: -1 };
  let isAscending = true;
  const pages: { start: number; end: number }[] = [];
  for (const i of rows) {
    const start = violations.start(i);
    const end = violations.end(i);
    if (start < least) {
      least = start;
      first = i;
    }
    if (start >= last.start && start <= last.end) {
      if (end > last.end) last.end = end;
      continue;
    }
    if (start < last.start) isAscending = false;
    last = { start, end };
    pages.push(last);
  }
  return { first, ranges: isAscending ? pages : joined(pages, Infinity) };
}

/** The rows of a crowd for which something holds, and the others, as two crowds; null where there are none. */
export function parted(
  { violations, rows }: Crowd,
  holds: (row: number) => boolean,
): [Group | null, Group | null] {
  const some = new Uint32Array(rows.length);
  const others = new Uint32Array(rows.length);
  let length = 0;
  for (let i = 0; i < rows.length; i++)
    if (holds(rows[i]!)) some[length++] = rows[i]!;
    else others[i - length] = rows[i]!;
  const crowdOf = (own: Uint32Array): Group | null =>
    own.length === 0 ? null : groupOf(violations, own, true);
  return [crowdOf(some.subarray(0, length)), crowdOf(others.subarray(0, rows.length - length))];
}

/** Takes up to `most` groups to look into, the first ones of each crowd among them; and what is left. */
export function taken(groups: readonly Group[], most: number): { first: Group[]; others: Group[] } {
  const first: Group[] = [];
  const others: Group[] = [];
  let crowds = groups.filter(({ crowd }) => crowd !== null).length;
  let spare = Math.max(crowds, most - (groups.length - crowds));
  for (const group of groups) {
    if (group.crowd === null) {
      (first.length < most ? first : others).push(group);
      continue;
    }
    const share = Math.min(Math.ceil(spare / crowds--), FROM_CROWD, most - first.length);
    spare -= share;
    const { violations, rows } = group.crowd;
    let next = 0;
    for (let k = 0; k < share && next < rows.length; k++) {
      const from = next++;
      while (next < rows.length && violations.isOneStore(rows[from]!, rows[next]!)) next++;
      first.push(groupOf(violations, rows.slice(from, next), false));
    }
    if (next === 0) others.push(group);
    else if (next < rows.length) others.push(groupOf(violations, rows.slice(next), true));
  }
  return { first, others };
}

/**
 * Joins groups of one class, one cause and one step; all that lies between calls has one cause. What is in many places, or is likely to
 * be, is one finding as well: nobody reads the same thing twenty times.
 */
export function mergedByCause(groups: readonly Group[]): Group[] {
  const lists = new Map<string, Group[]>();
  for (const group of groups) {
    const step = group.gap === null ? group.causeStep : -1;
    listOf(lists, `${group.class} ${group.cause} ${group.domain} ${step}`).push(group);
  }
  const alike = new Map<string, Merged[]>();
  for (const list of lists.values()) {
    const group = mergedList(list);
    listOf(alike, `${group.class} ${group.domain} ${group.isWeakOnly}`).push({ group, parts: list.length });
  }
  return [...alike.values()].flatMap(mergedPlaces);
}

/** A group, and how many were put together for it. */
interface Merged {
  readonly group: Group;
  readonly parts: number;
}

/** As many places are told one by one. */
const FEW_PLACES = 4;

/** Joins those with one cause in many places, and with them what nobody has looked into, if there is no other cause. */
function mergedPlaces(merged: readonly Merged[]): Group[] {
  const groups = merged.map(({ group }) => group);
  const byCause = new Map<string, Group[]>();
  let rest: Group[] = [];
  let unnamed: Group[] = [];
  for (const group of groups)
    if (group.gap !== null) rest.push(group);
    else if (group.cause === null) unnamed.push(group);
    else listOf(byCause, group.cause).push(group);
  const isOnly = byCause.size === 1;
  // No trial tells whether a plan is as wrong elsewhere, and it names the same step wherever that is the old map's.
  const planned = merged.reduce((sum, { group, parts }) => sum + (group.cause === "plan" ? parts : 0), 0);
  const isPlanned = isOnly && unnamed.length > 0 && planned > FEW_PLACES;
  for (const list of byCause.values()) {
    if (list.length <= FEW_PLACES && !isPlanned) {
      // Two stores that go wrong on one page are told once.
      const all = mergedList(list);
      const sum = list.reduce((pages, { ranges }) => pages + pagesIn(ranges), 0);
      rest.push(...(pagesIn(all.ranges) < sum ? [all] : list));
      continue;
    }
    const all = isOnly ? [...list, ...unnamed] : list;
    if (isOnly) unnamed = [];
    const causeStep = Math.min(...list.map((group) => group.causeStep));
    rest.push({ ...mergedList(all), cause: list[0]!.cause, causeStep, isEverywhere: true });
  }
  rest = [...rest, ...unnamed];
  const place = new Map(groups.map((group, i) => [group, i]));
  const placeOf = (group: Group): number => place.get(group) ?? -1;
  return rest.sort((a, b) => placeOf(a) - placeOf(b));
}

function mergedList(list: readonly Group[]): Group {
  const first = list.reduce((best, g) => (isBefore(g, best) ? g : best));
  const ranges = list.flatMap((group) => group.ranges);
  const members = list.flatMap((group) => group.members);
  return { ...first, crowd: null, members, ranges: list.length === 1 ? ranges : joined(ranges, Infinity) };
}

/** The same group, with what was found on its first page to stand for all: another finding may have taken the page that did. */
export function onFirstPage(group: Group): Group {
  const page = group.ranges[0]?.start;
  const { example, members } = group;
  // Two answers of the old map and the new one stand for all where they show what no single page does.
  if (page === undefined || page === example.start || example.relapse !== undefined) return group;
  let shown: Group | null = null;
  for (const { violations, rows } of members)
    for (const row of rows) {
      if (violations.start(row) > page || page >= violations.end(row)) continue;
      const shows = violations.shows(row);
      if (shown === null || hides(shows, shown.shows))
        shown = { ...group, shows, example: violations.at(row, page) };
    }
  return shown ?? group;
}

function listOf<T>(lists: Map<string, T[]>, key: string): T[] {
  let list = lists.get(key);
  if (list === undefined) lists.set(key, (list = []));
  return list;
}

/**
 * The lowest page stands for all; of several faults on it the one that the cause itself makes, and of what a missing barrier
 * shows there what would hide the rest.
 */
function isBefore(a: Group, b: Group): boolean {
  if (a.example.start !== b.example.start) return a.example.start < b.example.start;
  if (a.class === "V15" && a.shows !== b.shows) return hides(a.shows, b.shows);
  return a.gap !== null && a.example.step === a.gap.goneAt && b.example.step !== b.gap?.goneAt;
}
