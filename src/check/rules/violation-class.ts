/**
 * What can go wrong, by public and stable id. `V01b` is a gap on a range that changes; `V04b` is a stale cached path that
 * shows nothing yet. V14 and V17 concern whole calls: the rules in `calls/whole-calls.ts` find them, and no script alone shows them.
 */
export type ViolationClass =
  | "V01"
  | "V01b"
  | "V02"
  | "V03"
  | "V04"
  | "V04b"
  | "V05"
  | "V06"
  | "V07"
  | "V08"
  | "V09"
  | "V10"
  | "V11"
  | "V12"
  | "V13"
  | "V14"
  | "V15"
  | "V16"
  | "V17";

/** The one repair that heals a violation. */
export type Cause =
  | "missing-inv"
  | "under-range"
  | "wrong-scope"
  | "wrong-tag"
  | "no-wait"
  | "no-drain"
  | "no-ATC"
  | "early-free"
  | "early-unpin"
  | "no-barrier"
  | "no-clean"
  | "split-store"
  | "order"
  | "leak"
  | "double"
  | "copy"
  | "plan";

/** The rule each class breaks, in one sentence. */
export const RULES: Readonly<Record<ViolationClass, string>> = {
  V01: "A page that both maps translate alike must never fault or lose rights.",
  V01b: "A page that changes must show the old or the new answer, never a fault that neither map gives.",
  V02: "An access must reach a frame, with attributes, that the old or the new map names for its page.",
  V03: "An access must not succeed where neither map grants it.",
  V04: "Once the call has returned, no translation of the old map may be usable.",
  V04b: "Once the call has returned, caches must hold nothing that the tables do not say.",
  V05: "Once the call has returned, every page of the new map must translate.",
  V06: "A frame must stay pinned while a device can reach it or an access to it is under way.",
  V07: "A table must not be freed while a walk or a cache can hold a pointer to it.",
  V08: "While one logical update is under way a walker must read the old entry or the new one.",
  V09: "Two leaves of different size may be usable for one page only if they translate it alike.",
  V10: "A page that was written must be known to be when the call has returned: by a dirty bit, or by what was collected.",
  V11: "In epoch mode a device that has seen the new map must not see the old one any more.",
  V12: "After the call pins and table pages must be exactly what the new map needs.",
  V13: "An entry must be well formed for its level.",
  V14: "A call that fails must leave everything as it was.",
  V15: "What a store exposes must be visible before the store, and a store before its invalidation.",
  V16: "Root, depth and domain tag must change as one.",
  V17: "Calls that run at the same time must leave what some order of them leaves.",
};

/** What each cause says about the script. */
export const CAUSES: Readonly<Record<Cause, string>> = {
  "missing-inv": "no invalidation reaches it after the store",
  "under-range": "the invalidation does not cover the whole old entry",
  "wrong-scope": "the invalidation leaves this cache out: by leaf scope, or by naming others",
  "wrong-tag": "an invalidation names another tag, or a root switch keeps one that is in use",
  "no-wait": "nothing waits for the invalidation",
  "no-drain": "the wait does not drain accesses under way, or what it completes asks for none",
  "no-ATC": "device caches are not invalidated, or before the IOTLB",
  "early-free": "the table is freed too early",
  "early-unpin": "the frame is unpinned too early",
  "no-barrier": "a barrier is missing",
  "no-clean": "cache lines are not cleaned for a walker that does not snoop",
  "split-store":
    "one update is written in several stores, in one that may tear, or in one that overwrites what walkers set",
  order: "the steps stand in the wrong order",
  leak: "something is never given back",
  double: "something is given back twice, or while it stays in use",
  copy: "a bit is not carried over",
  plan: "the script writes the wrong thing, or not at all",
};
