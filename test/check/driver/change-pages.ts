import {
  ABSENT,
  ACCESSED_DIRTY,
  addressIn,
  isLeaf,
  isLink,
  isPresent,
  leafOf,
  translationIn,
} from "./entries.ts";
import type { Place } from "./journal.ts";
import { cutAt, promote, split } from "./resize.ts";
import { type Target, within } from "./target.ts";
import type { TreeEditor } from "./tree-editor.ts";

/** Pages of a range, none of which is mapped, get translations. */
export function mapPages(editor: TreeEditor, start: number, end: number, target: Target): void {
  mapInto(editor, editor.tree.root, editor.machine.shape.levels - 1, 0, start, end, target);
}

function mapInto(
  editor: TreeEditor,
  table: number,
  level: number,
  tableStart: number,
  start: number,
  end: number,
  target: Target,
): void {
  const { style, random, flusher, journal, shape } = editor.machine;
  const most = style.superpages ? 2 : 0;
  const wanted = within(target, start, end);
  for (const place of editor.places(table, level, tableStart, start, end)) {
    const span = editor.spanOf(place);
    const [from, to] = [Math.max(start, place.start), Math.min(end, place.start + span)];
    const word = editor.read(place);
    const leaf = level <= most ? editor.leafFor(place.start, level, wanted) : null;
    if (!isPresent(word)) {
      if (leaf !== null) editor.write(place, leafOf(leaf, level));
      else if (style.linkEmpty && random(2) === 0) {
        editor.link(
          place,
          journal.build(new Array<bigint>(shape.entries).fill(ABSENT), level - 1, place.start),
        );
        mapInto(editor, addressIn(editor.read(place)), level - 1, place.start, from, to, target);
      } else {
        const built = editor.buildTable(place.start, level, wanted, most);
        editor.link(place, built);
      }
      continue;
    }
    if (isLeaf(word, level)) throw new Error(`page ${from} is mapped already`);
    if (leaf !== null && editor.isEmptyTable(addressIn(word))) {
      flusher.settle(editor.tree, place.start, place.start + span, true);
      editor.write(place, leafOf(leaf, level));
      editor.dropTables(word, level);
    } else if (!style.superpages || level !== 1 || !fill(editor, place, wanted))
      mapInto(editor, addressIn(word), level - 1, place.start, from, to, target);
  }
}

/** Holes that make a table agree throughout are filled by the leaf that takes its place. */
const fill = (editor: TreeEditor, place: Place, wanted: Target): boolean => {
  const rights = new Set<number>();
  for (let page = place.start; page < place.start + editor.spanOf(place); page++) {
    const own = editor.lookUp(page) ?? wanted.at(page);
    if (own === undefined) return false;
    rights.add(own.rights);
  }
  return rights.size === 1 && promote(editor, place, (page) => wanted.at(page)?.frame);
};

/** Pages of a range are mapped no more. */
export function unmapPages(editor: TreeEditor, start: number, end: number): void {
  const { style, shape } = editor.machine;
  const isHole = style.holes ? (page: number): boolean => start <= page && page < end : undefined;
  cutAt(editor, start, isHole);
  cutAt(editor, end, isHole);
  clear(editor, editor.tree.root, shape.levels - 1, 0, start, end);
}

function clear(
  editor: TreeEditor,
  table: number,
  level: number,
  tableStart: number,
  start: number,
  end: number,
): void {
  const { style, random } = editor.machine;
  const leaves: Place[] = [];
  for (const place of editor.places(table, level, tableStart, start, end)) {
    const word = editor.read(place);
    if (isLeaf(word, level)) leaves.push(place);
    if (!isLink(word, level)) continue;
    const span = editor.spanOf(place);
    const isWhole = start <= place.start && place.start + span <= end;
    if (isWhole && style.detaches) {
      editor.dropTables(word, level);
      editor.write(place, ABSENT);
      continue;
    }
    clear(
      editor,
      addressIn(word),
      level - 1,
      place.start,
      Math.max(start, place.start),
      Math.min(end, place.start + span),
    );
    if (style.prunes && random(3) > 0 && editor.isEmptyTable(addressIn(word))) {
      editor.dropTables(word, level);
      editor.write(place, ABSENT);
    }
  }
  clearLeaves(editor, leaves);
}

function clearLeaves(editor: TreeEditor, leaves: readonly Place[]): void {
  const { style, journal, flusher, random } = editor.machine;
  if (style.shuffled && !style.runs) leaves = leaves.toReversed();
  for (let i = 0; i < leaves.length; ) {
    let count = 1;
    while (leaves[i + count]?.index === leaves[i]!.index + count) count++;
    if (style.runs && count > 1) {
      count = 1 + random(count);
      flusher.wrote(journal.storeRun(editor.tree, leaves.slice(i, i + count), ABSENT, 0n));
    } else {
      count = 1;
      editor.write(leaves[i]!, ABSENT);
    }
    i += count;
  }
}

/** Mapped pages of a range get other frames or other rights. */
export function changePages(editor: TreeEditor, start: number, end: number, target: Target): void {
  const { flusher, style } = editor.machine;
  cutAt(editor, start);
  cutAt(editor, end);
  for (let page = start; page < end; ) {
    const place = editor.placeOf(page);
    if (editor.leafFor(place.start, place.level, target) === null) split(editor, place);
    else page = place.start + editor.spanOf(place);
  }
  flusher.settle(editor.tree, start, end, false);
  if (style.rebuilds && rebuild(editor, start, end, target)) return;
  const isBroken = style.windows && editor.machine.random(2) === 0;
  if (isBroken) breakThenMake(editor, start, end, target);
  else
    for (const place of leavesOf(editor, start, end))
      editor.write(place, leafOf(target.at(place.start)!, place.level));
}

function leavesOf(editor: TreeEditor, start: number, end: number): Place[] {
  const places: Place[] = [];
  for (let page = start; page < end; ) {
    const place = editor.placeOf(page);
    if (isLeaf(editor.read(place), place.level)) places.push(place);
    page = place.start + editor.spanOf(place);
  }
  return editor.machine.style.shuffled ? places.toReversed() : places;
}

/** Through absence, in a window that says so. */
function breakThenMake(editor: TreeEditor, start: number, end: number, target: Target): void {
  const { journal, flusher } = editor.machine;
  const window = (state: "open" | "close"): void => {
    for (const { tag } of editor.tree.tags) journal.window(state, tag, start, end - start);
  };
  const leaves = leavesOf(editor, start, end);
  const bits = leaves.map((place) => editor.read(place) & ACCESSED_DIRTY);
  flusher.flush();
  window("open");
  for (const place of leaves) editor.write(place, ABSENT);
  flusher.flush();
  leaves.forEach((place, i) => {
    const dirty = journal.marksDirty ? ACCESSED_DIRTY : bits[i]!;
    editor.write(place, leafOf(target.at(place.start)!, place.level, dirty));
  });
  flusher.flush();
  window("close");
}

/** The lowest table is copied, edited and replaced by one store; false where the range is not in one. */
function rebuild(editor: TreeEditor, start: number, end: number, target: Target): boolean {
  const { memory, shape, journal, flusher } = editor.machine;
  const place = editor.placeOf(start, 1);
  const word = editor.read(place);
  const last = place.start + editor.spanOf(place);
  if (place.level !== 1 || !isLink(word, 1) || end > last) return false;
  flusher.settle(editor.tree, place.start, last, false);
  const words = Array.from({ length: shape.entries }, (_, i): bigint => {
    const old = memory.read(addressIn(word), i);
    const page = place.start + i;
    if (!isPresent(old)) return ABSENT;
    const now = start <= page && page < end ? target.at(page)! : translationIn(old);
    return leafOf(now, 0, journal.marksDirty ? ACCESSED_DIRTY : 0n);
  });
  editor.link(place, journal.build(words, 0, place.start));
  for (const table of editor.tablesBelow(word, 1)) flusher.freeLater(table);
  return true;
}
