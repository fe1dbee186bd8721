import { opAt } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import { LEAF } from "../entries/entry-kind.ts";
import { EntryReader } from "../entries/entry-reader.ts";
import { EntryWrites } from "../entries/entry-writes.ts";
import { FrameSet } from "../maps/frame-set.ts";
import type { Group } from "../rules/groups.ts";
import { Standing } from "../rules/standing.ts";
import type { RawViolation } from "../rules/violations.ts";

/**
 * The step that stores what no repair heals; 0 where none is known. It is mostly the one that was met; but
 * - a compare-exchange that met another value should have stored it;
 * - where a leaf is right and an entry above it denies the access, it is what stores that;
 * - where nothing was stored, or zeros, beside entries that are, it is what stores those and stops short;
 * - where a table says what the new map says of other pages, which lack it, it is what leads to the table;
 * - and so where all that is met was there before.
 */
export function plannedStep(decision: Decision, group: Group): number {
  const { start, from, access, step, table } = group.example;
  const standing = new Standing(decision, group.domain);
  const entry = new EntryPast(decision, group.example);
  if (entry.lostExchange > 0) return entry.lostExchange;
  const denying = access === 0 ? 0 : standing.denying(start, from, access);
  const own = denying || step;
  if (isAbsence(group) && entry.isEmpty && (own === 0 || (own === step && isFill(decision, own)))) {
    const short = entry.nextTo();
    if (short > own) return short;
  }
  const leading = standing.leading(start, from, table);
  if (own === 0 || (leading > own && isDisplaced(decision, group, entry, standing))) return leading;
  return own;
}

const isFill = ({ log }: Decision, step: number): boolean =>
  opAt(log.words, log.records[step - 1]!) === "fill";

const isAbsence = ({ shows }: Group): boolean => shows === "V01" || shows === "V01b" || shows === "V05";

/** True iff what is met is what the new map says of another page at the same place of another table, and that page is missing in the end. */
function isDisplaced(
  { reader, log, geometry, decoder }: Decision,
  { shows, example: { start, level } }: Group,
  { lo, hi }: EntryPast,
  standing: Standing,
): boolean {
  if (shows !== "V02" || decoder.kind(level, lo, hi) !== LEAF) return false;
  const frame = decoder.frame(lo, hi) + (start % geometry.span(level));
  const { starts, ends } = reader.pagesOn(
    FrameSet.of({ starts: Float64Array.of(frame), ends: Float64Array.of(frame + 1) }),
  );
  for (let i = 0; i < starts.length; i++)
    for (let page = starts[i]!; page < ends[i]!; page++) {
      if (page === start || (page - start) % geometry.tableSpan(level) !== 0) continue;
      standing.look(page, log.steps);
      if (standing.rights === 0) return true;
    }
  return false;
}

/** What became of the entry that was met, up to the position at which it was. */
class EntryPast {
  readonly #decision: Decision;
  readonly #example: RawViolation;
  readonly #writes: EntryWrites | null;
  /** What it holds there. */
  lo: number;
  hi: number;
  /** The last compare-exchange that stored nothing; 0 where all did. */
  lostExchange = 0;

  constructor(decision: Decision, example: RawViolation) {
    const { log, input, decoder, geometry } = decision;
    const { table, index, from } = example;
    this.#decision = decision;
    this.#example = example;
    const own = log.logAt(table, from);
    const before = new EntryReader(input.tables);
    before.read(table, own, index);
    this.lo = before.lo;
    this.hi = before.hi;
    this.#writes = own?.isWritten ? new EntryWrites(log.words, own, geometry.entries) : null;
    const writes = this.#writes;
    if (writes === null) return;
    for (let place = writes.begin(index); place < writes.begin(index + 1); place++) {
      if (writes.isLost(place, this, decoder)) this.lostExchange = writes.step(place);
      if (writes.step(place) <= from) writes.apply(place, index, this, decoder);
    }
  }

  get isEmpty(): boolean {
    return this.lo === 0 && this.hi === 0;
  }

  /** The step that stores something in the entry before this one, or behind it; 0 where none does. */
  nextTo(): number {
    const { geometry, decoder } = this.#decision;
    const { index } = this.#example;
    for (const beside of [index - 1, index + 1]) {
      if (this.#writes === null || beside < 0 || beside >= geometry.entries) continue;
      const entry = { lo: 0, hi: 0 };
      let last = 0;
      for (let place = this.#writes.begin(beside); place < this.#writes.begin(beside + 1); place++)
        if (this.#writes.apply(place, beside, entry, decoder)) last = this.#writes.step(place);
      if (last > 0 && (entry.lo !== 0 || entry.hi !== 0)) return last;
    }
    return 0;
  }
}
