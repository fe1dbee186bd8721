import { type Group, parted } from "./groups.ts";

/**
 * The groups without those plain stores that can be watched only because the table was linked before it was filled: where
 * pages fault for that, they say so, and with the link in its place nobody watches. Pre: causes are named.
 */
export function withoutEarlyLinks(groups: readonly Group[]): readonly Group[] {
  if (!groups.some((group) => group.class === "V08")) return groups;
  const ending = new Set(groups.filter(isLinkedEarly).flatMap((faults) => [...storesEnding(faults)]));
  const isTold = (domain: number, table: number, step: number): boolean =>
    ending.has(`${domain} ${table} ${step}`);
  return groups.flatMap((group) => {
    if (group.class !== "V08") return [group];
    if (group.crowd === null)
      return isTold(group.domain, group.example.table, group.example.step) ? [] : [group];
    const { violations } = group.crowd;
    const [left] = parted(
      group.crowd,
      (row) => !isTold(group.domain, violations.table(row), violations.step(row)),
    );
    return left === null ? [] : [{ ...left, cause: group.cause, causeStep: group.causeStep }];
  });
}

/** True iff these are faults because a store came too early. */
const isLinkedEarly = ({ class: kind, cause }: Group): boolean =>
  (kind === "V01" || kind === "V01b") && cause === "order";

/** The stores that end the faults: domain, table and step. */
function* storesEnding({ domain, example, crowd }: Group): Generator<string> {
  if (crowd === null) yield `${domain} ${example.table} ${example.until}`;
  else
    for (const row of crowd.rows)
      yield `${domain} ${crowd.violations.table(row)} ${crowd.violations.until(row)}`;
}
