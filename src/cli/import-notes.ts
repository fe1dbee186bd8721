import { plural } from "../report/index.ts";
import {
  formatOrigin,
  type ImportNote,
  type MapSequence,
  type MapStep,
  type SkipReason,
} from "../vmm/index.ts";

/** Reasons that say nothing new: most ranges of a machine are no memory, and BARs are sized at every boot. */
const EXPECTED: ReadonlySet<SkipReason> = new Set(["not RAM", "skipped by QEMU", "address bit 63 set"]);

/** What a reason leaves unsaid. */
const CONSEQUENCE: Partial<Record<SkipReason, string>> = {
  "translated by a vIOMMU": ", whose own map is not in the input",
};

/** Ranges a reader may take for mapped and that are not, each named once. */
function skipNotes(sequence: MapSequence): ImportNote[] {
  const notes = new Map<string, ImportNote>();
  for (const { skipped } of sequence.steps)
    for (const { start, last, name, reason, origin } of skipped) {
      if (EXPECTED.has(reason)) continue;
      const range = `0x${start.toString(16)}-0x${last.toString(16)}${name === "" ? "" : ` (${name})`}`;
      const key = `${range} ${reason}`;
      if (!notes.has(key))
        notes.set(key, { origin, text: `not mapped: ${reason}${CONSEQUENCE[reason] ?? ""}, as ${range} is` });
    }
  return [...notes.values()];
}

const isEmpty = ({ map }: MapStep): boolean => map.regions.length === 0;
const isTranslated = ({ skipped }: MapStep): boolean =>
  skipped.some(({ reason }) => reason === "translated by a vIOMMU");

/**
 * Places where a device loses all of its memory. That is no finding, since each change is judged alone; a reader may take
 * "clean" for more than that.
 */
function emptyMapNotes({ steps }: MapSequence): ImportNote[] {
  const notes: ImportNote[] = [];
  for (const [i, step] of steps.entries()) {
    if (i === 0 || !isEmpty(step) || isEmpty(steps[i - 1]!)) continue;
    const until = steps.findIndex((later, j) => j > i && !isEmpty(later));
    const gap = steps.slice(i, until < 0 ? undefined : until);
    notes.push({
      origin: step.origin,
      text: gap.some(isTranslated)
        ? "the map becomes empty: QEMU turns a vIOMMU on and off in two commits with no map between them, a gap that one call for each commit does not close; changes are judged one by one, so it is no finding"
        : "the map becomes empty: changes are judged one by one, so memory that goes here and returns with a later map is no finding",
    });
  }
  return notes;
}

/** What notes of one kind have in common. */
const kindOf = (note: ImportNote): string => note.text.replace(/, as 0x.*/, "");

/**
 * What a reader of the result has to know about how the input was read, one line a kind: the first place, and how many
 * more there are.
 */
export function importNotes(sequence: MapSequence): string[] {
  const kinds = new Map<string, ImportNote[]>();
  for (const note of [...sequence.notes, ...skipNotes(sequence), ...emptyMapNotes(sequence)]) {
    const known = kinds.get(kindOf(note));
    if (known === undefined) kinds.set(kindOf(note), [note]);
    else known.push(note);
  }
  const lines = [...kinds.values()].map(([first, ...more]) => {
    const others = more.length === 0 ? "" : ` (and ${plural(more.length, "place")} more)`;
    return `Note: ${formatOrigin(first!.origin)}: ${first!.text}${others}`;
  });
  if (sequence.steps.every((step) => step.map.regions.length === 0))
    lines.push("Note: no map holds any memory, so there is nothing that could go wrong");
  return lines;
}
