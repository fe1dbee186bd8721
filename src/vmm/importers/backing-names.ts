import type { FlatRange, FlatView } from "../flat-view.ts";
import type { ImportNote } from "../memory-map.ts";
import { isMemory } from "../vfio-rules.ts";

/** What is known of the owners of all memory regions of one name. */
interface Owners {
  readonly told: Set<string>;
  /** A range whose text does not say the owner, or null. */
  untold: { readonly range: FlatRange; readonly file: string } | null;
}

/** Names for the memory behind ranges, and what could not be told apart. */
export interface BackingNames {
  readonly backingOf: (range: FlatRange) => string;
  readonly notes: readonly ImportNote[];
}

/**
 * Names memory by its region's name. Only `-o` output can tell two regions of one name apart; there the owner becomes
 * part of the name, and only for names that need it.
 *
 * `views` are all that are compared with each other. Where only some of them tell the owners of a name, no owner counts:
 * a range must not be other memory because one dump says more of it than another.
 */
export function nameBackings(views: Iterable<FlatView>): BackingNames {
  const owners = new Map<string, Owners>();
  for (const { ranges, origin } of new Set(views))
    for (const range of ranges.filter(isMemory)) {
      const known = owners.get(range.name) ?? { told: new Set<string>(), untold: null };
      owners.set(range.name, known);
      if (range.owner !== null) known.told.add(range.owner);
      else known.untold ??= { range, file: origin.file };
    }
  const notes: ImportNote[] = [];
  for (const [name, { told, untold }] of owners)
    if (told.size > 1 && untold !== null)
      notes.push({
        origin: { file: untold.file, line: untold.range.line },
        text: `no owner here (\`info mtree -f\` without -o): all regions '${name}' count as one memory, though elsewhere they have ${told.size} owners`,
      });
  const needsOwner = ({ name }: FlatRange): boolean => {
    const { told, untold } = owners.get(name)!;
    return told.size > 1 && untold === null;
  };
  return {
    backingOf: (range) => (needsOwner(range) ? `${range.name} {${range.owner}}` : range.name),
    notes,
  };
}
