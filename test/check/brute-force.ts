import { CACHE_ATC, CACHE_IOTLB, CACHE_WALK, type Step } from "../../src/edit-script/index.ts";
import { joined, Numbered, remembered } from "./small-states.ts";

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
  /** By number; what there is to know of one is worked out once, as far as it depends on the token and the step alone. */
  readonly tokens: readonly number[];
}

type Order = Step & { readonly op: "invalidate" };

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

  const every = new Numbered<Token | null>();
  const none = every.of(null);
  const anyRoot = every.of(root);

  const note = remembered((number, step) => {
    const token = every.at(number);
    if (token === null) return true;
    const afterReturn = step === steps.length;
    const name = `leaf ${token.level} ${token.frame} ${token.rights}`;
    if (token.kind === "leaf" || token.kind === "atc") {
      result.met.add(name);
      if (afterReturn) result.metAfterReturn.add(name);
    }
    if (token.kind === "leaf" || token.kind === "atc" || token.kind === "access")
      result.frames.set(token.frame, Math.max(result.frames.get(token.frame) ?? 0, step));
    if (token.kind === "walk" && freedAt(token.table, step)) result.freedTables.add(token.table);
    else if (afterReturn && (token.kind === "walk" || token.kind === "leaf" || token.kind === "atc"))
      result.isStale ||= !isCurrent(token);
    if (token.kind === "fault") {
      result.met.add("fault");
      if (afterReturn) result.metAfterReturn.add("fault");
    }
    return true;
  });
  const notePair = remembered((one, other) => {
    const [a, b] = [every.at(one), every.at(other)];
    const isCached = (t: Token): boolean => t.kind === "leaf" || t.kind === "atc";
    if (a && b && isCached(a) && isCached(b))
      result.together.add(`${a.level} ${a.frame} ${a.rights} | ${b.level} ${b.frame} ${b.rights}`);
    return true;
  });

  /** What an order does to a token. */
  const run = (token: Token | null, order: Order): Token | null => {
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
  /** The same for the order that the step before `submitted` gives. */
  const afterOrder = remembered((number, submitted) => {
    const order = steps[submitted - 1] as Order;
    return every.of(run(every.at(number), order));
  });
  const afterDrain = (number: number): number => (every.at(number)?.isDoomed ? none : number);

  /** The next step is a plain store to the entry that the walk loads next, and changes it. */
  const isTorn = remembered((number, now) => {
    const [token, step] = [every.at(number), steps[now]!];
    if (token?.kind !== "walk" || step.op !== "fill" || step.table !== token.table) return false;
    if (freedAt(token.table, now)) return false;
    const index = Math.floor(page / spanOf(token.level)) % size;
    if (index < step.index || index >= step.index + step.count) return false;
    const value = step.first + BigInt(index - step.index) * step.stride;
    return readable(token.table, index, now).at(-1) !== value;
  });

  /** What the device may make of a token when `now` steps are done. */
  const becomes = remembered((number, now): readonly number[] => {
    const token = every.at(number);
    if (token === null) return [anyRoot];
    if (token.kind === "leaf" || token.kind === "atc") {
      const access = every.of({ ...token, kind: "access", viaAtc: token.kind === "atc" });
      return token.kind === "leaf" ? [every.of({ ...token, kind: "atc" }), access] : [access];
    }
    if (token.kind !== "walk" || freedAt(token.table, now)) return [];
    const index = Math.floor(page / spanOf(token.level)) % size;
    return readable(token.table, index, now).flatMap((entry) => {
      const met = child(token, entry);
      if (met !== "fault") return [every.of(met)];
      result.met.add("fault");
      if (now === steps.length) result.metAfterReturn.add("fault");
      return machine.cachesNotPresent ? [every.of({ ...token, kind: "fault" })] : [];
    });
  });

  const seen = new Set<number>();
  const pending: State[] = [];
  const push = (step: number, ran: readonly number[], held: readonly number[]): void => {
    const key = joined([step, ...ran, ...held]);
    if (seen.has(key)) return;
    seen.add(key);
    pending.push({ step, ran, tokens: held });
  };
  push(
    0,
    units.map(() => 0),
    Array.from({ length: tokens }, () => none),
  );
  const submittedAt = Array.from({ length: steps.length + 1 }, (_, now) =>
    queues.map((queue) => queue.filter((order) => order.submitted <= now).length),
  );

  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    result.states++;
    const { step, ran } = state;
    for (const token of state.tokens) note(token, step);
    if (tokens === 2) notePair(state.tokens[0]!, state.tokens[1]!);
    const next = steps[step];
    const submitted = submittedAt[step]!;
    const isFor = (unit: number): boolean =>
      next?.op === "wait" && (next.iommu === undefined || next.iommu === unit);
    if (next !== undefined && units.every((unit, q) => !isFor(unit) || ran[q] === submitted[q])) {
      const drains = next.op === "wait" && next.drain && isFor(iommuOf(machine.tag));
      push(step + 1, ran, drains ? state.tokens.map(afterDrain) : state.tokens);
      result.isTearing ||= state.tokens.some((token) => isTorn(token, step));
    }
    for (const [q, queue] of queues.entries()) {
      const order = queue[ran[q]!];
      if (order === undefined || ran[q]! >= submitted[q]!) continue;
      const more = ran.map((count, i) => (i === q ? count + 1 : count));
      push(
        step,
        more,
        state.tokens.map((token) => afterOrder(token, order.submitted)),
      );
    }
    for (const [at, token] of state.tokens.entries())
      for (const met of becomes(token, step)) push(step, ran, state.tokens.with(at, met));
  }
  return result;
}
