import {
  CACHE_ATC,
  CACHE_CONTEXT,
  CACHE_IOTLB,
  CACHE_WALK,
  CACHES_ALL,
  type Step,
} from "../../src/edit-script/index.ts";

/**
 * A naive judge of small scripts that switch roots: it plays every schedule of one device, one action at a time.
 *
 * Unlike the enumerator for single accesses it has the device's context in its state: loaded when an access needs one, kept
 * until it is dropped or invalidated by its tag, and never older than one that was loaded before. What the device holds for
 * a page is one token; an access begins when its context has the token's tag, and ends when the token says what it meets.
 */
export interface SwitchingMachine {
  readonly levels: number;
  readonly indexLg2: number;
  readonly root: number;
  readonly tag: number;
  /** The IOMMU that the device is behind. */
  readonly iommu: number;
  readonly steps: readonly Step[];
  readonly mode: "strong" | "weak";
  readonly cachesContext: boolean;
  readonly hasAtc: boolean;
  /** Walkers snoop CPU caches; where they do not, an entry stays readable until it is cleaned. */
  readonly isCoherent: boolean;
  before(table: number, index: number): bigint;
}

export interface SwitchOutcomes {
  /** `LEVEL FRAME RIGHTS` or `fault`, at any time, and by accesses that begin after the return. */
  readonly met: Set<string>;
  readonly metAfterReturn: Set<string>;
  readonly freedTables: Set<number>;
}

interface Token {
  readonly kind: "walk" | "leaf" | "atc";
  readonly tag: number;
  readonly table: number;
  readonly level: number;
  readonly rights: number;
  readonly frame: number;
  readonly start: number;
  readonly pages: number;
  /** An access that begins late enough uses it: after the return, or after the new map was seen. */
  readonly isBegun: boolean;
}

interface State {
  readonly step: number;
  /** Orders carried out: those of the context cache, and all others. Hardware may do either kind first. */
  readonly ranContext: number;
  readonly ran: number;
  /** Position of the device's context among those stored, -1 for none, and the newest it has had. */
  readonly context: number;
  readonly newest: number;
  readonly tokens: readonly (Token | null)[];
  readonly hasSeenNew: boolean;
  /** By entry that changes: the step that stored what the device has read of it; it never reads anything older again. */
  readonly floors: Readonly<Record<string, number>>;
}

/** The steps with each run taken apart into its stores. */
const oneByOne = (steps: readonly Step[]): Step[] =>
  steps.flatMap((step): Step[] => {
    if (step.op !== "storeRun") return [step];
    const { update, table, index, count, first, stride } = step;
    return Array.from({ length: count }, (_, i) => {
      return { op: "store", update, table, index: index + i, entry: first + BigInt(i) * stride };
    });
  });

const frameOf = (entry: bigint): number => Number((entry & 0x000f_ffff_ffff_f000n) >> 12n);
const name = ({ level, frame, rights }: Token): string => `${level} ${frame} ${rights}`;

/** What accesses to one page can meet. */
export function bruteSwitch(machine: SwitchingMachine, page: number): SwitchOutcomes {
  const result: SwitchOutcomes = { met: new Set(), metAfterReturn: new Set(), freedTables: new Set() };
  const steps = oneByOne(machine.steps);
  explore({ ...machine, steps }, [page], {
    isLate: (state) => state.step === steps.length,
    meets(_, met, isBegun) {
      result.met.add(met);
      if (isBegun) result.metAfterReturn.add(met);
      return false;
    },
    frees: (table) => void result.freedTables.add(table),
  });
  return result;
}

/** Whether a result is what one of the two maps says; `isOwn`: it is from the device's own cache. */
export type Recognizer = (met: string, isOwn: boolean) => boolean;

/** True iff a device can meet at `first` what `isNew` says and then, with an access that begins later, at `second` what `isOld` says. */
export function bruteRelapse(
  machine: SwitchingMachine,
  first: number,
  second: number,
  isNew: Recognizer,
  isOld: Recognizer,
): boolean {
  let isFound = false;
  explore({ ...machine, steps: oneByOne(machine.steps) }, [first, second], {
    isLate: (state) => state.hasSeenNew,
    meets(which, met, isBegun, isOwn) {
      isFound ||= which === 1 && isBegun && isOld(met, isOwn);
      return which === 0 && isNew(met, isOwn);
    },
    frees: () => {},
  });
  return isFound;
}

function explore(
  machine: SwitchingMachine,
  pages: readonly number[],
  observer: {
    isLate(state: State): boolean;
    /** Returns true iff this is the new map. */
    meets(which: number, met: string, isBegun: boolean, isOwn: boolean): boolean;
    frees(table: number): void;
  },
): void {
  const { steps } = machine;
  const size = 2 ** machine.indexLg2;
  const spanOf = (level: number): number => size ** level;
  const contexts = [{ root: machine.root, levels: machine.levels, tag: machine.tag, from: 0 }];
  steps.forEach((s, i) => {
    if (s.op === "setRoot" && s.domain === contexts[contexts.length - 1]!.tag)
      contexts.push({ root: s.root, levels: s.levels, tag: s.tag, from: i + 1 });
  });
  const orders = steps.flatMap((s, i) => (s.op === "invalidate" ? [{ ...s, submitted: i + 1 }] : []));
  const queue = orders.filter((order) => order.caches & CACHES_ALL);
  const contextQueue = orders.filter((order) => order.caches & CACHE_CONTEXT);
  const freed = (table: number, now: number): boolean =>
    steps.slice(0, now).some((s) => s.op === "freeTable" && s.table === table);
  const hasBarrier = (overwritten: number, now: number): boolean =>
    steps.slice(overwritten, now).some((s) => s.op === "barrier");
  const isCleaned = (table: number, index: number, overwritten: number, now: number): boolean =>
    steps
      .slice(overwritten, now)
      .some((s) => s.op === "clean" && s.table === table && s.index <= index && index < s.index + s.count);
  /** Of values stored in turn, those a load can give when `now` steps are done. */
  const readable = <T extends { readonly from: number }>(
    history: readonly T[],
    now: number,
    isPushed = hasBarrier,
  ): T[] =>
    history.filter(({ from }, i) => {
      const next = history[i + 1]?.from;
      return (
        from <= now && (next === undefined || next > now || (machine.mode === "weak" && !isPushed(next, now)))
      );
    });
  const entries = (table: number, index: number, { step: now, floors }: State) => {
    const history = [{ value: machine.before(table, index), from: 0 }];
    steps.forEach((s, i) => {
      if (s.op === "store" && s.table === table && s.index === index)
        history.push({ value: s.entry, from: i + 1 });
      if (s.op === "fill" && s.table === table && s.index <= index && index < s.index + s.count)
        history.push({ value: s.first + BigInt(index - s.index) * s.stride, from: i + 1 });
    });
    const name = `${table} ${index}`;
    const isPushed = machine.isCoherent
      ? hasBarrier
      : (overwritten: number, now: number) => isCleaned(table, index, overwritten, now);
    return readable(history, now, isPushed)
      .filter(({ from }) => from >= (floors[name] ?? 0))
      .map(({ value, from }) => ({
        value,
        floors: from === 0 || floors[name] === from ? floors : { ...floors, [name]: from },
      }));
  };

  const seen = new Set<string>();
  const pending: State[] = [];
  const push = (state: State): void => {
    const key = JSON.stringify(state);
    if (!seen.has(key)) {
      seen.add(key);
      pending.push(state);
    }
  };
  push({
    step: 0,
    ran: 0,
    ranContext: 0,
    context: -1,
    newest: 0,
    tokens: pages.map(() => null),
    hasSeenNew: false,
    floors: {},
  });
  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    const { step, ran, ranContext, context, newest, tokens } = state;
    const own = contexts[context];
    const next = steps[step];
    const submitted = queue.filter((order) => order.submitted <= step).length;
    const submittedContext = contextQueue.filter((order) => order.submitted <= step).length;
    const isIdle = ran === submitted && ranContext === submittedContext;
    const isWait = next?.op === "wait" && (next.iommu ?? machine.iommu) === machine.iommu;
    if (next !== undefined && (!isWait || isIdle)) push({ ...state, step: step + 1 });
    if (ranContext < submittedContext) {
      const isMine = own?.tag === contextQueue[ranContext]!.domain;
      push({ ...state, ranContext: ranContext + 1, context: isMine ? -1 : context });
    }
    if (ran < submitted) {
      const order = queue[ran]!;
      push({
        ...state,
        ran: ran + 1,
        tokens: tokens.map((token, which) => invalidated(token, order, pages[which]!)),
      });
    }
    for (const loaded of readable(contexts, step)) {
      const version = contexts.indexOf(loaded);
      if (context < 0 && version >= newest) push({ ...state, context: version, newest: version });
    }
    // Without a context cache what was loaded serves the access that loaded it only.
    if (context >= 0) push({ ...state, context: -1 });

    for (const [which, token] of tokens.entries()) {
      const become = (token: Token | null, isNew = false, floors = state!.floors): void =>
        push({
          ...state!,
          floors,
          tokens: tokens.map((t, i) => (i === which ? token : t)),
          hasSeenNew: state!.hasSeenNew || isNew,
        });
      const page = pages[which]!;
      const isLate = observer.isLate(state);
      const canBegin =
        (machine.cachesContext || readable(contexts, step).includes(own!)) && own !== undefined;
      if (token === null) {
        if (canBegin)
          become({
            kind: "walk",
            tag: own.tag,
            table: own.root,
            level: own.levels - 1,
            rights: 3,
            frame: 0,
            start: 0,
            pages: 0,
            isBegun: isLate,
          });
        continue;
      }
      if (isLate && !token.isBegun && (token.kind === "atc" || (canBegin && own.tag === token.tag)))
        become({ ...token, isBegun: true });
      if (token.kind !== "walk") {
        if (observer.meets(which, name(token), token.isBegun, token.kind === "atc")) become(token, true);
        if (token.kind === "leaf" && machine.hasAtc) become({ ...token, kind: "atc" });
        continue;
      }
      if (freed(token.table, step)) {
        observer.frees(token.table);
        continue;
      }
      const { level } = token;
      const start = Math.floor(page / spanOf(level)) * spanOf(level);
      const index = Math.floor(page / spanOf(level)) % size;
      for (const { value: entry, floors } of entries(token.table, index, state)) {
        const rights = token.rights & Number(entry & 3n);
        if (rights === 0) {
          if (observer.meets(which, "fault", token.isBegun, false)) become(token, true, floors);
        } else if (level > 0 && (entry & 0x80n) === 0n)
          become({ ...token, table: frameOf(entry), level: level - 1, rights }, false, floors);
        else {
          const [frame, pages] = [frameOf(entry) + page - start, spanOf(level)];
          become({ ...token, kind: "leaf", rights, frame, start, pages }, false, floors);
        }
      }
    }
  }
}

/** What the next order of the queue leaves of a token. */
function invalidated(token: Token | null, order: Step & { op: "invalidate" }, page: number): Token | null {
  if (token === null || token.tag !== order.domain) return token;
  const end = order.iovaPfn + order.pages;
  const contains = order.iovaPfn <= token.start && token.start + token.pages <= end;
  const holds = order.iovaPfn <= page && page < end;
  const isGone = {
    walk: order.scope === "nonLeaf" && (order.caches & CACHE_WALK) !== 0 && holds,
    leaf: (order.caches & CACHE_IOTLB) !== 0 && contains,
    atc: (order.caches & CACHE_ATC) !== 0 && contains,
  }[token.kind];
  return isGone ? null : token;
}
