/** Grades of an outcome; anything not in this table is FORBIDDEN. */
export type Grade = "ACCEPTABLE" | "INTERESTING" | "FORBIDDEN";

export interface OutcomeSpec {
  readonly id: OutcomeId;
  readonly grade: Grade;
  /** One sentence: what the device saw and why it is graded so. */
  readonly why: string;
}

/** In the order of the device's counters. Stable and public: V ids are those of the violation catalogue. */
export const OUTCOME_IDS = [
  "served",
  "refused",
  "kept-served",
  "kept-refused",
  "old-answer",
  "new-answer",
  "old-after-new",
  "both-sizes",
  "declared-window",
  "unjudged",
  "V01",
  "V01b",
  "V02",
  "V03",
  "V04",
  "V05",
  "V06",
  "V07",
  "V08",
] as const;
export type OutcomeId = (typeof OUTCOME_IDS)[number];

const acceptable = (id: OutcomeId, why: string): OutcomeSpec => ({ id, grade: "ACCEPTABLE", why });
const interesting = (id: OutcomeId, why: string): OutcomeSpec => ({ id, grade: "INTERESTING", why });
const forbidden = (id: OutcomeId, why: string): OutcomeSpec => ({ id, grade: "FORBIDDEN", why });

/** Every outcome an access can have, in the order of OUTCOME_IDS. */
export const OUTCOMES: readonly OutcomeSpec[] = [
  acceptable("served", "No change under way: the access reached the frame that the map names."),
  acceptable("refused", "No change under way: the map grants this access to nobody, and it faulted."),
  acceptable(
    "kept-served",
    "During a change, on a page that both maps translate alike: it was served as ever.",
  ),
  acceptable("kept-refused", "During a change, where both maps refuse the access: it faulted."),
  acceptable("old-answer", "During a change: the device still saw the old map's answer."),
  acceptable("new-answer", "During a change: the device already saw the new map's answer."),
  interesting(
    "old-after-new",
    "During one change a device saw the new answer and then the old one again: caches allow it until the invalidation completes.",
  ),
  interesting(
    "both-sizes",
    "During one change a device used leaves of two sizes for a kept page: a split or merge it did not notice.",
  ),
  interesting(
    "declared-window",
    "The access faulted inside a break window that the caller had allowed and the kernel declared.",
  ),
  interesting("unjudged", "The access outlived the maps that would judge it; nothing is known about it."),
  forbidden(
    "V01",
    "Transient fault: a page that both maps translate alike faulted, or lost rights, during the change.",
  ),
  forbidden("V01b", "Gap: a page that both maps translate, but differently, faulted in between."),
  forbidden("V02", "Phantom translation: the access reached a frame that neither map names for this page."),
  forbidden("V03", "Escalation: the page had a right that no map naming this frame grants."),
  forbidden("V04", "Stale translation: the answer of a map that was no longer in force."),
  forbidden(
    "V05",
    "Missing translation: after the call had returned, a page that the map translates faulted or lacked rights.",
  ),
  forbidden("V06", "Use after unpin: the access was performed on a frame that had no pins any more."),
  forbidden("V07", "Use after free: the walk went through a table page that had been freed."),
  forbidden("V08", "Torn entry: the walk used an entry made of halves of two legal ones."),
];
