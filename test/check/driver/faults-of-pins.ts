import type { Step, UnpinStep } from "../../../src/edit-script/index.ts";
import { isChanged } from "./consequences.ts";
import { addressIn, isLeaf } from "./entries.ts";
import type { Flushed, Written } from "./journal.ts";
import { framesIn, spansOf } from "./page-map.ts";
import { edited, type Fault, oneOf, type Place, underEachTag } from "./planted.ts";
import type { RecordedCall } from "./recorded-call.ts";

/** Frames of a step that one page led to and none does any more, and what they were. */
function lastPins(call: RecordedCall, { pfn, pages }: UnpinStep): { page: number; frame: number }[] {
  const [was, left] = [framesIn(call.before), framesIn(call.after)];
  return [...call.before]
    .map(([page, { frame }]) => ({ page, frame }))
    .filter(
      ({ page, frame }) =>
        pfn <= frame &&
        frame < pfn + pages &&
        was.get(frame) === 1 &&
        !left.has(frame) &&
        isChanged(call, page),
    );
}

/** A frame is unpinned before what led to it has left the caches. */
export const unpinnedTooEarly: Fault = (call, random) => {
  const unpin = oneOf(call.journal.unpinned, random);
  const lost = unpin === null ? [] : lastPins(call, unpin);
  if (unpin === null || lost.length === 0) return null;
  const leads = (w: Written, { page, frame }: { page: number; frame: number }): boolean =>
    w.start <= page &&
    page < w.end &&
    isLeaf(w.before, w.level) &&
    addressIn(w.before) + page - w.start === frame;
  const flushOf = (one: { page: number; frame: number }): Flushed | undefined =>
    call.journal.flushed.find(({ written }) => written.some((w) => leads(w, one)));
  const flush = flushOf(oneOf(lost, random)!);
  if (flush === undefined) return null;
  const steps = edited(call.steps, [unpin], flush.invalidations[0], [unpin]);
  const must: Place[] = lost.flatMap((one) =>
    flush.written
      .filter((w) => leads(w, one))
      .flatMap((w) => underEachTag(w, [{ start: one.page, end: one.page + 1 }])),
  );
  const may = call.input.domains.flatMap(({ id }) =>
    spansOf(lost.map(({ page }) => page)).map((s) => ({ domain: id, ...s })),
  );
  return { steps, must: [{ classes: ["V06"], places: must }], may };
};

/** A frame that nobody reaches any more loses a pin more than it has. */
export const unpinnedTwice: Fault = (call, random) => {
  const unpin = oneOf(call.journal.unpinned, random);
  if (unpin === null || call.input.pins === null || lastPins(call, unpin).length !== unpin.pages) return null;
  const again: Step = { ...unpin };
  return { steps: [...call.steps, again], must: [{ classes: ["V12"], places: [] }], may: [] };
};

/** A frame keeps a pin that nothing needs. */
export const neverUnpinned: Fault = (call, random) => {
  const unpin = oneOf(call.journal.unpinned, random);
  if (unpin === null || call.input.pins === null) return null;
  return { steps: edited(call.steps, [unpin]), must: [{ classes: ["V12"], places: [] }], may: [] };
};

/** A frame that a page leads to loses its last pin. */
export const unpinnedInUse: Fault = (call, random) => {
  const page = oneOf([...call.after.keys()], random);
  if (page === null) return null;
  const { frame } = call.after.get(page)!;
  const steps: Step[] = [...call.steps, { op: "unpin", pfn: frame as UnpinStep["pfn"], pages: 1 }];
  if (framesIn(call.after).get(frame) !== 1) return null;
  // Where pins are not given, a page that changes its rights may have been pinned anew.
  const old = call.before.get(page);
  if (call.input.pins === null && old?.frame === frame && isChanged(call, page)) return null;
  const places = call.input.domains.map(({ id }) => ({ domain: id, start: page, end: page + 1 }));
  return { steps, must: [{ classes: ["V06", "V12"], places: [] }], may: places, beside: ["V06", "V12"] };
};
