import {
  CACHE_ATC,
  CACHE_CONTEXT,
  CACHE_IOTLB,
  CACHE_WALK,
  CACHES_ALL,
  type Step,
} from "../../src/edit-script/index.ts";
import { joined, Numbered, remembered, SeenPairs } from "./small-states.ts";

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
  /** By number, as the floors are; what follows from a token and the step alone is worked out once. */
  readonly tokens: readonly number[];
  readonly hasSeenNew: boolean;
  readonly floors: number;
}

/** By entry that changes: the step that stored what the device has read of it; it never reads anything older again. */
type Floors = Readonly<Record<string, number>>;

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
    isOver: () => isFound,
  });
  return isFound;
}

function explore(
  machine: SwitchingMachine,
  pages: readonly number[],
  observer: {
    isLate(state: State): boolean;
    /** Returns true iff this is the new map; asked once for each way to meet it. */
    meets(which: number, met: string, isBegun: boolean, isOwn: boolean): boolean;
    frees(table: number): void;
    /** Nothing more can be found. */
    isOver?(): boolean;
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
  const freed = remembered((table, now): boolean =>
    steps.slice(0, now).some((s) => s.op === "freeTable" && s.table === table),
  );
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
  const entries = (table: number, index: number, now: number) => {
    const history = [{ value: machine.before(table, index), from: 0 }];
    steps.forEach((s, i) => {
      if (s.op === "store" && s.table === table && s.index === index)
        history.push({ value: s.entry, from: i + 1 });
      if (s.op === "fill" && s.table === table && s.index <= index && index < s.index + s.count)
        history.push({ value: s.first + BigInt(index - s.index) * s.stride, from: i + 1 });
    });
    const isPushed = machine.isCoherent
      ? hasBarrier
      : (overwritten: number, now: number) => isCleaned(table, index, overwritten, now);
    return readable(history, now, isPushed);
  };

  const every = new Numbered<Token | null>();
  const none = every.of(null);
  const allFloors = new Numbered<Floors>();
  /** What a walk for a page can load, unless the device has read something newer: a token, or null for a fault. */
  const loadsOf = pages.map((page) =>
    remembered((number, now) => {
      const token = every.at(number)!;
      const { level, table } = token;
      const start = Math.floor(page / spanOf(level)) * spanOf(level);
      const index = Math.floor(page / spanOf(level)) % size;
      return entries(table, index, now).map(({ value: entry, from }) => {
        const rights = token.rights & Number(entry & 3n);
        let loaded: Token | null = null;
        if (rights !== 0 && level > 0 && (entry & 0x80n) === 0n)
          loaded = { ...token, table: frameOf(entry), level: level - 1, rights };
        else if (rights !== 0) {
          const [frame, pages] = [frameOf(entry) + page - start, spanOf(level)];
          loaded = { ...token, kind: "leaf", rights, frame, start, pages };
        }
        return { name: `${table} ${index}`, from, loaded: loaded && every.of(loaded) };
      });
    }),
  );
  const afterOrder = pages.map((page) =>
    remembered((number, order) => every.of(invalidated(every.at(number), queue[order]!, page))),
  );
  const asAtc = remembered((number) => every.of({ ...every.at(number)!, kind: "atc" }));
  const asBegun = remembered((number) => every.of({ ...every.at(number)!, isBegun: true }));
  const beginning = remembered((version, isBegun) => {
    const { tag, root, levels } = contexts[version]!;
    const rest = { rights: 3, frame: 0, start: 0, pages: 0, isBegun: isBegun === 1 };
    return every.of({ kind: "walk", tag, table: root, level: levels - 1, ...rest });
  });
  /** Whether what a token says, or the fault that a walk meets, is the new map. */
  const meets = remembered((number, which) => {
    const token = every.at(number)!;
    if (token.kind === "walk") return observer.meets(which, "fault", token.isBegun, false);
    return observer.meets(which, name(token), token.isBegun, token.kind === "atc");
  });
  const times = Array.from({ length: steps.length + 1 }, (_, now) => ({
    submitted: queue.filter((order) => order.submitted <= now).length,
    submittedContext: contextQueue.filter((order) => order.submitted <= now).length,
    loadable: readable(contexts, now).map((loaded) => contexts.indexOf(loaded)),
  }));

  const seen = new SeenPairs();
  const pending: State[] = [];
  const push = (state: State): void => {
    const { step, ran, ranContext, context, newest, tokens, hasSeenNew, floors } = state;
    const when = joined([step, ran, ranContext, context + 1, 2 * newest + Number(hasSeenNew)]);
    if (seen.add(joined([floors, ...tokens]), when)) pending.push(state);
  };
  push({
    step: 0,
    ran: 0,
    ranContext: 0,
    context: -1,
    newest: 0,
    tokens: pages.map(() => none),
    hasSeenNew: false,
    floors: allFloors.of({}),
  });
  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    if (observer.isOver?.()) return;
    const { step, ran, ranContext, context, newest, tokens } = state;
    const own = contexts[context];
    const next = steps[step];
    const { submitted, submittedContext, loadable } = times[step]!;
    const isIdle = ran === submitted && ranContext === submittedContext;
    const isWait = next?.op === "wait" && (next.iommu ?? machine.iommu) === machine.iommu;
    if (next !== undefined && (!isWait || isIdle)) push({ ...state, step: step + 1 });
    if (ranContext < submittedContext) {
      const isMine = own?.tag === contextQueue[ranContext]!.domain;
      push({ ...state, ranContext: ranContext + 1, context: isMine ? -1 : context });
    }
    if (ran < submitted) {
      const left = tokens.map((token, which) => afterOrder[which]!(token, ran));
      push({ ...state, ran: ran + 1, tokens: left });
    }
    for (const version of loadable)
      if (context < 0 && version >= newest) push({ ...state, context: version, newest: version });
    // Without a context cache what was loaded serves the access that loaded it only.
    if (context >= 0) push({ ...state, context: -1 });

    const isLate = observer.isLate(state);
    const canBegin = own !== undefined && (machine.cachesContext || loadable.includes(context));
    for (const [which, number] of tokens.entries()) {
      const become = (token: number, isNew = false, floors = state!.floors): void => {
        const hasSeenNew = state!.hasSeenNew || isNew;
        push({ ...state!, floors, tokens: tokens.with(which, token), hasSeenNew });
      };
      const token = every.at(number);
      if (token === null) {
        if (canBegin) become(beginning(context, Number(isLate)));
        continue;
      }
      if (isLate && !token.isBegun && (token.kind === "atc" || (canBegin && own.tag === token.tag)))
        become(asBegun(number));
      if (token.kind !== "walk") {
        if (meets(number, which)) become(number, true);
        if (token.kind === "leaf" && machine.hasAtc) become(asAtc(number));
        continue;
      }
      if (freed(token.table, step)) {
        observer.frees(token.table);
        continue;
      }
      const read = allFloors.at(state.floors);
      for (const { name, from, loaded } of loadsOf[which]!(number, step)) {
        if (from < (read[name] ?? 0)) continue;
        const isSame = from === 0 || read[name] === from;
        const floors = isSame ? state.floors : allFloors.of({ ...read, [name]: from });
        if (loaded !== null) become(loaded, false, floors);
        else if (meets(number, which)) become(number, true, floors);
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
