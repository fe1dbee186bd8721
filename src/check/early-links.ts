import type { Group } from "./groups.ts";

/**
 * The groups without those plain stores that can be watched only because the table was linked before it was filled: where
 * pages fault for that, they say so, and with the link in its place nobody watches. Pre: causes are named.
 */
export const withoutEarlyLinks = (groups: readonly Group[]): readonly Group[] =>
  groups.filter((group) => group.class !== "V08" || !groups.some((other) => isLinkedEarly(other, group)));

/** True iff the first group are faults in the very entries that the second one's stores fill, and a store came too early. */
const isLinkedEarly = (faults: Group, stores: Group): boolean =>
  (faults.class === "V01" || faults.class === "V01b") &&
  faults.cause === "order" &&
  faults.domain === stores.domain &&
  faults.example.table === stores.example.table &&
  faults.example.until === stores.example.step;
