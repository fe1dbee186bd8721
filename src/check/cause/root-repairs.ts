import { CACHE_CONTEXT, type Splice, type Step } from "../../edit-script/index.ts";
import { allOf, firstOf } from "../script/script-steps.ts";
import { inserted, type Repair, type RepairContext, replaced } from "./repair.ts";

/** What drops context entries, under all tags, where one names another tag than the entry has that was replaced last. */
export function* contextTags({ steps, tags }: RepairContext): Generator<Repair> {
  const drops: number[] = [];
  let replacedTag: number | null = null;
  let mistaken = -1;
  for (let at = 0; at < steps.length; at++) {
    const op = steps.op(at);
    if (op !== "setRoot" && op !== "invalidate") continue;
    const step = steps.at(at);
    if (step.op === "setRoot") replacedTag = step.domain;
    if (step.op !== "invalidate" || step.caches !== CACHE_CONTEXT) continue;
    drops.push(at);
    if (mistaken < 0 && replacedTag !== null && step.domain !== replacedTag) mistaken = at;
  }
  if (mistaken < 0) return;
  const splices = (): Splice[] =>
    drops.map((at) =>
      inserted(
        at + 1,
        tags.map((domain) => ({ ...steps.at(at), domain }) as Step),
      ),
    );
  yield { cause: "wrong-tag", at: mistaken, isEverywhere: true, splices };
}

/** Every root switch to a tag that nothing has been cached under, and what names the tag after it too. */
export function freshTags({ steps, tags }: RepairContext): Repair {
  const splices = (): Splice[] => {
    const fresh = new Map<number, number>();
    let next = Math.max(...tags) + 1;
    return allOf(steps, (op) => op === "setRoot" || op === "invalidate").map((at) => {
      const step = steps.at(at);
      if (step.op !== "setRoot")
        return inserted(
          at + 1,
          [...fresh.values()].map((domain) => ({ ...step, domain }) as Step),
        );
      const domain = fresh.get(step.domain) ?? step.domain;
      fresh.set(step.tag, next);
      return replaced(at, [{ ...step, domain, tag: next++ }]);
    });
  };
  return { cause: "wrong-tag", at: firstOf(steps, "setRoot"), isEverywhere: true, splices };
}
