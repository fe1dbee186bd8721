import { plural } from "../report/index.ts";
import { formatOrigin, type ImportNote, type MapSequence, type SkipReason } from "../vmm/index.ts";

/** Reasons that say nothing new: most ranges of a machine are no memory, and BARs are sized at every boot. */
const EXPECTED: ReadonlySet<SkipReason> = new Set(["not RAM", "skipped by QEMU", "address bit 63 set"]);

/** Ranges a reader may take for mapped and that are not, each named once. */
function skipNotes(sequence: MapSequence): ImportNote[] {
  const notes = new Map<string, ImportNote>();
  for (const { skipped } of sequence.steps)
    for (const { start, last, name, reason, origin } of skipped) {
      if (EXPECTED.has(reason)) continue;
      const range = `0x${start.toString(16)}-0x${last.toString(16)}${name === "" ? "" : ` (${name})`}`;
      const key = `${range} ${reason}`;
      if (!notes.has(key)) notes.set(key, { origin, text: `not mapped: ${reason}, as ${range} is` });
    }
  return [...notes.values()];
}

/** What notes of one kind have in common. */
const kindOf = (note: ImportNote): string => note.text.replace(/, as 0x.*/, "");

/**
 * What a reader of the result has to know about how the input was read, one line a kind: the first place, and how many
 * more there are.
 */
export function importNotes(sequence: MapSequence): string[] {
  const kinds = new Map<string, ImportNote[]>();
  for (const note of [...sequence.notes, ...skipNotes(sequence)]) {
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
