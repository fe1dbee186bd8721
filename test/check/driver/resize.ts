import {
  ABSENT,
  ACCESSED_DIRTY,
  addressIn,
  isLeaf,
  isLink,
  leafOf,
  type Translation,
  translationIn,
} from "./entries.ts";
import type { Place } from "./journal.ts";
import type { TreeEditor } from "./tree-editor.ts";

/** A leaf becomes a table of the next smaller ones; those that `isHole` names are left out. */
export function split(
  editor: TreeEditor,
  place: Place,
  isHole: (page: number) => boolean = () => false,
): void {
  const { journal, flusher, shape } = editor.machine;
  const span = editor.spanOf(place);
  flusher.settle(editor.tree, place.start, place.start + span, true);
  const word = editor.read(place);
  const { frame, rights } = translationIn(word);
  const below = shape.span(place.level - 1);
  const words = Array.from({ length: shape.entries }, (_, i) =>
    isHole(place.start + i * below)
      ? ABSENT
      : leafOf({ frame: frame + i * below, rights }, place.level - 1, word & ACCESSED_DIRTY),
  );
  editor.link(place, journal.build(words, place.level - 1, place.start));
}

/** Splits whatever leaf reaches over a page, until one ends there. */
export function cutAt(editor: TreeEditor, page: number, isHole?: (page: number) => boolean): void {
  for (;;) {
    const place = editor.placeOf(page);
    if (!isLeaf(editor.read(place), place.level) || place.start === page) return;
    // Only the lowest leaves are single pages.
    split(editor, place, place.level === 1 ? isHole : undefined);
  }
}

/** A table whose leaves agree becomes one leaf; false where they do not. `fills`: pages that are absent count as wanted. */
export function promote(
  editor: TreeEditor,
  place: Place,
  fills?: (page: number) => number | undefined,
): boolean {
  const word = editor.read(place);
  if (!isLink(word, place.level)) return false;
  const table = addressIn(word);
  const { memory, shape, flusher, journal } = editor.machine;
  const below = shape.span(place.level - 1);
  let wanted: Translation | null = null;
  for (let i = 0; i < shape.entries; i++) {
    const entry = memory.read(table, i);
    const page = place.start + i * below;
    const absent = isLink(entry, place.level - 1) ? undefined : fills?.(page);
    const isThere = isLeaf(entry, place.level - 1);
    if (!isThere && absent === undefined) return false;
    const own: Translation = isThere ? translationIn(entry) : { frame: absent!, rights: wanted?.rights ?? 3 };
    wanted ??= own;
    if (own.frame !== wanted.frame + i * below || own.rights !== wanted.rights) return false;
  }
  if (wanted === null || wanted.frame % editor.spanOf(place) !== 0) return false;
  flusher.settle(editor.tree, place.start, place.start + editor.spanOf(place), true);
  editor.write(place, leafOf(wanted, place.level, journal.marksDirty ? ACCESSED_DIRTY : 0n));
  editor.dropTables(word, place.level);
  return true;
}
