import type { Step } from "../../../src/edit-script/index.ts";
import { isChanged } from "./consequences.ts";
import { edited, type Fault, oneOf, type Planted } from "./planted.ts";
import type { RecordedCall } from "./recorded-call.ts";

/** Tables and frames of the old root can still be reached under one tag: what is freed shows as V07 wherever the old tables lead. */
function oldRootStays(call: RecordedCall, domain: number, steps: readonly Step[]): Planted {
  const may = [{ domain, start: 0, end: call.shape.pages }];
  const pages = [...call.before.keys()].filter((page) => isChanged(call, page));
  const places = pages.map((page) => ({ domain, start: page, end: page + 1 }));
  return { steps, must: [{ classes: ["V07"], places }], may, beside: ["V04", "V04b", "V05", "V06", "V11"] };
}

/** What the old tag holds is not invalidated before its tables are freed. */
export const oldTagForgotten: Fault = (call, random) => {
  const step = call.switched && oneOf(call.switched.all, random);
  if (!step) return null;
  return oldRootStays(call, step.domain, edited(call.steps, [step]));
};

/** Devices go on with the context entry they hold. */
export const contextForgotten: Fault = (call, random) => {
  const step = call.switched && oneOf(call.switched.contexts, random);
  if (!step) return null;
  return oldRootStays(call, step.domain, edited(call.steps, [step]));
};

/** What the old tag holds is invalidated while context entries that lead to it may be cached. */
export const tagBeforeContext: Fault = (call, random) => {
  const step = call.switched && oneOf(call.switched.all, random);
  if (!step) return null;
  const steps = edited(call.steps, [step], call.switched!.contexts[0], [step]);
  return oldRootStays(call, step.domain, steps);
};

/** The new tag is invalidated in place of the old one. */
export const newTagInstead: Fault = (call, random) => {
  const step = call.switched && oneOf(call.switched.all, random);
  if (!step) return null;
  const set = call.steps.find((s) => s.op === "setRoot" && s.domain === step.domain) as Extract<
    Step,
    { op: "setRoot" }
  >;
  const steps = call.steps.map((s) => (s === step ? { ...step, domain: set.tag } : s));
  return oldRootStays(call, step.domain, steps);
};
