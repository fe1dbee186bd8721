import { CACHE_ATC, CACHE_IOTLB, CACHE_WALK, type Step } from "../../src/edit-script/index.ts";

/**
 * A naive judge of small scripts: it plays every schedule, one action at a time.
 *
 * The kernel makes its next step, an invalidation queue runs its next order (at any moment between submission and wait), or
 * the device acts: starts a walk, loads an entry, fills its own cache, starts an access. It shares neither code nor idea with
 * the checker: no intervals, no generations, just states and a set of those seen. What a device holds is a token; a cache
 * entry is a token that waits, an evicted one a token that is dropped, so one token (two for overlaps) is enough.
 */
export interface TinyMachine {
  readonly levels: number;
  readonly indexLg2: number;
  readonly root: number;
  /** Tag of the device's translations. */
  readonly tag: number;
  /** IOMMUs by tag, each with a queue of its own; a tag that is in none is behind the first. */
  readonly iommus: ReadonlyMap<number, number>;
  readonly steps: readonly Step[];
  readonly mode: "strong" | "weak";
  readonly isCoherent: boolean;
  readonly cachesNotPresent: boolean;
  before(table: number, index: number): bigint;
}

export interface BruteOutcomes {
  /** `leaf LEVEL FRAME RIGHTS` or `fault`, at any time and after the return. */
  readonly met: Set<string>;
  readonly metAfterReturn: Set<string>;
  /** Tables that something could point to when they were already free. */
  readonly freedTables: Set<number>;
  /** Frames an access was under way to, or a translation usable for, with the step reached. */
  readonly frames: Map<number, number>;
  /** Something cached after the return that the final tables do not say. */
  isStale: boolean;
  /** A walk could hold the table when a plain store changed the entry it loads next. */
  isTearing: boolean;
  /** Pairs `LEVEL FRAME RIGHTS | LEVEL FRAME RIGHTS` that could be held at the same time. */
  readonly together: Set<string>;
  states: number;
}

interface Token {
  readonly kind: "walk" | "leaf" | "atc" | "fault" | "access";
  readonly table: number;
  readonly level: number;
  readonly rights: number;
  readonly frame: number;
  /** First page and pages of the leaf. */
  readonly start: number;
  readonly pages: number;
  /** Access: which cache it used, and whether that has dropped the translation since. */
  readonly viaAtc: boolean;
  readonly isDoomed: boolean;
}

interface State {
  readonly step: number;
  /** Orders carried out, by queue. */
  readonly ran: readonly number[];
  readonly tokens: readonly (Token | null)[];
}

const isPresent = (entry: bigint): boolean => (entry & 3n) !== 0n;
const frameOf = (entry: bigint): number => Number((entry & 0x000f_ffff_ffff_f000n) >> 12n);

export function bruteForce(machine: TinyMachine, page: number, tokens: 1 | 2): BruteOutcomes {
  const { steps } = machine;
  const size = 2 ** machine.indexLg2;
  const result: BruteOutcomes = {
    met: new Set(),
    metAfterReturn: new Set(),
    freedTables: new Set(),
    frames: new Map(),
    isStale: false,
    isTearing: false,
    together: new Set(),
    states: 0,
  };
  const freedAt = (table: number, now: number): boolean =>
    steps.slice(0, now).some((s) => s.op === "freeTable" && s.table === table);
  const spanOf = (level: number): number => size ** level;
  const iommuOf = (tag: number): number => machine.iommus.get(tag) ?? 0;
  const units = [...new Set([0, ...machine.iommus.values()])].sort();
  const queues = units.map((unit) =>
    steps.flatMap((s, i) =>
      s.op === "invalidate" && iommuOf(s.domain) === unit ? [{ ...s, submitted: i + 1 }] : [],
    ),
  );

  /** Values a walker may read when `now` steps are done. */
  const readable = (table: number, index: number, now: number): bigint[] => {
    const history: { value: bigint; from: number }[] = [{ value: machine.before(table, index), from: 0 }];
    steps.slice(0, now).forEach((s, i) => {
      if (!("table" in s) || s.table !== table || s.op === "freeTable" || s.op === "clean") return;
      if (s.op === "store" && s.index === index) history.push({ value: s.entry, from: i + 1 });
      if ((s.op === "fill" || s.op === "storeRun") && s.index <= index && index < s.index + s.count)
        history.push({ value: s.first + BigInt(index - s.index) * s.stride, from: i + 1 });
    });
    const values: bigint[] = [];
    history.forEach(({ value }, i) => {
      const overwritten = history[i + 1]?.from;
      if (overwritten === undefined) values.push(value);
      else if (machine.mode === "weak") {
        const pushed = steps
          .slice(overwritten, now)
          .some((s) =>
            machine.isCoherent
              ? s.op === "barrier"
              : s.op === "clean" && s.table === table && s.index <= index && index < s.index + s.count,
          );
        if (!pushed) values.push(value);
      }
    });
    return values;
  };

  const child = (token: Token, entry: bigint): Token | "fault" => {
    const rights = token.rights & Number(entry & 3n);
    const level = token.level;
    const start = Math.floor(page / spanOf(level)) * spanOf(level);
    if (!isPresent(entry)) return "fault";
    const isLeaf = level === 0 || (entry & 0x80n) !== 0n;
    if (rights === 0) return "fault";
    if (!isLeaf) return { ...token, table: frameOf(entry), level: level - 1, rights };
    const frame = frameOf(entry) + page - start;
    return { ...token, kind: "leaf", rights, frame, start, pages: spanOf(level) };
  };

  /** What the final tables say about the page, from the root down. */
  const finalPath: Token[] = [];
  const root: Token = {
    kind: "walk",
    table: machine.root,
    level: machine.levels - 1,
    rights: 3,
    frame: 0,
    start: 0,
    pages: 0,
    viaAtc: false,
    isDoomed: false,
  };
  for (let at: Token | "fault" = root; at !== "fault"; ) {
    finalPath.push(at);
    if (at.kind === "leaf") break;
    const values: bigint[] = readable(at.table, Math.floor(page / spanOf(at.level)) % size, steps.length);
    at = child(at, values[values.length - 1]!);
  }
  const isCurrent = (token: Token): boolean =>
    finalPath.some(
      (f) =>
        (token.kind === "walk") === (f.kind === "walk") &&
        f.level === token.level &&
        f.rights === token.rights &&
        (f.kind === "walk" ? f.table === token.table : f.frame === token.frame),
    );

  const note = (state: State): void => {
    const afterReturn = state.step === steps.length;
    for (const token of state.tokens) {
      if (token === null) continue;
      const name = `leaf ${token.level} ${token.frame} ${token.rights}`;
      if (token.kind === "leaf" || token.kind === "atc") {
        result.met.add(name);
        if (afterReturn) result.metAfterReturn.add(name);
      }
      if (token.kind === "leaf" || token.kind === "atc" || token.kind === "access")
        result.frames.set(token.frame, Math.max(result.frames.get(token.frame) ?? 0, state.step));
      if (token.kind === "walk" && freedAt(token.table, state.step)) result.freedTables.add(token.table);
      else if (afterReturn && (token.kind === "walk" || token.kind === "leaf" || token.kind === "atc"))
        result.isStale ||= !isCurrent(token);
      if (token.kind === "fault") {
        result.met.add("fault");
        if (afterReturn) result.metAfterReturn.add("fault");
      }
    }
    const [a, b] = state.tokens;
    const isCached = (t: Token): boolean => t.kind === "leaf" || t.kind === "atc";
    if (a && b && isCached(a) && isCached(b))
      result.together.add(`${a.level} ${a.frame} ${a.rights} | ${b.level} ${b.frame} ${b.rights}`);
  };

  /** What the next order of the queue does to a token. */
  const run = (token: Token | null, order: (typeof queues)[number][number]): Token | null => {
    if (token === null || order.domain !== machine.tag) return token;
    const holds = order.iovaPfn <= page && page < order.iovaPfn + order.pages;
    const contains = order.iovaPfn <= token.start && token.start + token.pages <= order.iovaPfn + order.pages;
    const iotlb = (order.caches & CACHE_IOTLB) !== 0 && contains;
    const atc = (order.caches & CACHE_ATC) !== 0 && contains;
    switch (token.kind) {
      case "walk":
        return order.scope === "nonLeaf" && order.caches & CACHE_WALK && holds ? null : token;
      case "leaf":
        return iotlb ? null : token;
      case "atc":
        return atc ? null : token;
      case "fault":
        return order.caches & CACHE_IOTLB && holds ? null : token;
      case "access":
        return (token.viaAtc ? atc : iotlb) ? { ...token, isDoomed: true } : token;
    }
  };

  /** The next step is a plain store to the entry that the walk loads next, and changes it. */
  const isTorn = (token: Token, now: number): boolean => {
    const step = steps[now]!;
    if (step.op !== "fill" || step.table !== token.table || freedAt(token.table, now)) return false;
    const index = Math.floor(page / spanOf(token.level)) % size;
    if (index < step.index || index >= step.index + step.count) return false;
    const value = step.first + BigInt(index - step.index) * step.stride;
    return readable(token.table, index, now).at(-1) !== value;
  };

  const seen = new Set<string>();
  const pending: State[] = [
    { step: 0, ran: units.map(() => 0), tokens: Array.from({ length: tokens }, () => null) },
  ];
  const push = (state: State): void => {
    const key = JSON.stringify(state);
    if (seen.has(key)) return;
    seen.add(key);
    pending.push(state);
  };
  const withToken = (state: State, at: number, token: Token | null): State => ({
    ...state,
    tokens: state.tokens.map((t, i) => (i === at ? token : t)),
  });

  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    result.states++;
    note(state);
    const next = steps[state.step];
    const { step, ran } = state;
    const submitted = queues.map((queue) => queue.filter((order) => order.submitted <= step).length);
    const isFor = (unit: number): boolean =>
      next?.op === "wait" && (next.iommu === undefined || next.iommu === unit);
    if (next !== undefined && units.every((unit, q) => !isFor(unit) || ran[q] === submitted[q])) {
      const drains = next.op === "wait" && next.drain && isFor(iommuOf(machine.tag));
      const drained = state.tokens.map((t) => (drains && t?.isDoomed ? null : t));
      push({ ...state, step: step + 1, tokens: drained });
      result.isTearing ||= state.tokens.some((t) => t?.kind === "walk" && isTorn(t, step));
    }
    for (const [q, queue] of queues.entries()) {
      const order = queue[ran[q]!];
      if (order === undefined || ran[q]! >= submitted[q]!) continue;
      const more = ran.map((count, i) => (i === q ? count + 1 : count));
      push({ ...state, ran: more, tokens: state.tokens.map((t) => run(t, order)) });
    }
    for (let at = 0; at < tokens; at++) {
      const token = state.tokens[at]!;
      if (token === null) push(withToken(state, at, root));
      else if (token.kind === "walk") {
        if (freedAt(token.table, state.step)) continue;
        const index = Math.floor(page / spanOf(token.level)) % size;
        for (const entry of readable(token.table, index, state.step)) {
          const met = child(token, entry);
          if (met !== "fault") push(withToken(state, at, met));
          else {
            result.met.add("fault");
            if (state.step === steps.length) result.metAfterReturn.add("fault");
            if (machine.cachesNotPresent) push(withToken(state, at, { ...token, kind: "fault" }));
          }
        }
      } else if (token.kind === "leaf" || token.kind === "atc") {
        if (token.kind === "leaf") push(withToken(state, at, { ...token, kind: "atc" }));
        push(withToken(state, at, { ...token, kind: "access", viaAtc: token.kind === "atc" }));
      }
    }
  }
  return result;
}
