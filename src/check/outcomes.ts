import { Decision } from "./decide.ts";
import type { CheckInput, CheckOptions, ReaderInput } from "./input.ts";
import { NEVER } from "./script/positions.ts";
import { aliveUntil, type FactSink, type Spans } from "./walks/facts.ts";

/** One thing an access to a page can meet while a script runs, or after it. */
export interface Outcome {
  /** Frame and rights of a leaf, or null for a fault. */
  readonly leaf: { readonly frame: number; readonly rights: number; readonly level: number } | null;
  /** It can still be met when the call has returned. */
  readonly afterReturn: boolean;
  /** Positions at which it can be met. */
  readonly spans: Spans;
}

/** Everything that any interleaving lets an access to one page meet: what observations must be a subset of. */
export function outcomesOf(
  input: CheckInput | ReaderInput,
  domain: number,
  page: number,
  options: Pick<CheckOptions, "mode" | "collapse"> = {},
): Outcome[] {
  const outcomes: Outcome[] = [];
  const nothing = (): void => {};
  const sink: FactSink = {
    leaf({ frame, rights, level, alive }) {
      outcomes.push({
        leaf: { frame, rights, level },
        afterReturn: aliveUntil(alive) === NEVER,
        spans: alive,
      });
    },
    fault({ alive }) {
      outcomes.push({ leaf: null, afterReturn: aliveUntil(alive) === NEVER, spans: alive });
    },
    subtree: nothing,
    pointer: nothing,
    badEntry: nothing,
    open: nothing,
    close: () => true,
  };
  const how = {
    mode: options.mode ?? "weak",
    collapse: options.collapse ?? true,
    skipUntouched: false,
    journalRules: false,
    only: { domain, start: page, end: page + 1 },
  } as const;
  new Decision(input).walk(domain, how, sink, nothing);
  return outcomes;
}
