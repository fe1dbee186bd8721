import { CACHE_ATC, CACHE_IOTLB, CACHE_WALK, type Step } from "../../src/edit-script/index.ts";
import { joined, Numbered, remembered, SeenPairs } from "./small-states.ts";

/**
 * A naive machine that sets dirty bits: it plays every schedule of a small script, one action at a time, and looks whether a
 * page can have been written without anybody knowing when all calls have returned.
 *
 * It knows memory with A and D left out and one D bit for each value an entry ever had; a device that walks, keeps a copy of a
 * leaf with its own D bit, writes through it (by a locked update where D is 0), and may hold the write back; and a user who is
 * told at the end of a call what the call took. It shares no code with the checker, and no idea: no fates, no lifetimes.
 */
export interface DirtyMachine {
  readonly indexLg2: number;
  readonly root: number;
  readonly tables: readonly number[];
  readonly steps: readonly Step[];
  /** Steps, counted from 1, after which a call returns; the last one returns at the end. */
  readonly returns: readonly number[];
  /**
   * Steps after which one recorded call is over and the next begins: with memory as it is, D bits included, caches empty,
   * and every D bit in force taken for a write that nobody was told of.
   */
  readonly ends?: readonly number[];
  readonly mode: "strong" | "weak";
  readonly hasAtc: boolean;
  /** The frame that the page has in both maps. */
  readonly frame: number;
  before(table: number, index: number): bigint;
}

type Action = Step | { readonly op: "return" | "next" };

/** A value that an entry holds from one action on until another. */
interface Value {
  readonly id: number;
  readonly bits: bigint;
  readonly isWrittenDirty: boolean;
  readonly from: number;
  until: number;
}

interface Token {
  readonly kind: "walk" | "leaf" | "atc" | "access";
  readonly table: number;
  readonly level: number;
  readonly rights: number;
  /** Of a copy: the entry, its own D bit, what it leads to and what it spans. */
  readonly bits: string;
  readonly isDirty: boolean;
  readonly frame: number;
  readonly start: number;
  readonly pages: number;
  readonly viaAtc: boolean;
  readonly isDoomed: boolean;
}

interface State {
  readonly at: number;
  readonly ran: number;
  /** By number; what there is to know of one is worked out once, as far as it depends on the token and on `at` alone. */
  readonly token: number;
  /** D of each value that any entry of the page ever has, by id. */
  readonly dirty: number;
  /** The page was written since the user was told. */
  readonly isUnknown: boolean;
  /** The call in hand has found a D bit of the page. */
  readonly isTaken: boolean;
}

const AD = 0x300n;
const D = 0x200n;
const NEVER = 1e9;
const isPresent = (bits: bigint): boolean => (bits & 3n) !== 0n;
const frameOf = (bits: bigint): number => Number((bits & 0x000f_ffff_ffff_f000n) >> 12n);

/** True iff some schedule has the page written and leaves neither a D bit nor a report of it. */
export const losesWrites = (machine: DirtyMachine, page: number): boolean =>
  callsThatLose(machine, page).includes(true);

/** The same for each recorded call. */
export function callsThatLose(machine: DirtyMachine, page: number): boolean[] {
  const ends = machine.ends ?? [];
  const lost = [...ends, 0].map(() => false);
  const size = 2 ** machine.indexLg2;
  const actions: Action[] = [];
  machine.steps.forEach((step, i) => {
    actions.push(step);
    const isOver = ends.includes(i + 1);
    if ((isOver || machine.returns.includes(i + 1)) && i + 1 < machine.steps.length)
      actions.push({ op: "return" });
    if (isOver) actions.push({ op: "next" });
  });
  actions.push({ op: "return" });
  const indexIn = (table: number): number => (table === machine.root ? Math.floor(page / size) : page % size);
  const isLeaf = (table: number, bits: bigint): boolean =>
    isPresent(bits) && (table !== machine.root || (bits & 0x80n) !== 0n);
  const isTable = (table: number, bits: bigint): boolean => isPresent(bits) && !isLeaf(table, bits);

  // What every entry of the page holds when, A and D left aside: that does not depend on devices.
  let ids = 0;
  const values = new Map<number, Value[]>();
  const put = (table: number, bits: bigint, from: number): void => {
    const list = values.get(table) ?? [];
    if (list.length > 0) list.at(-1)!.until = from;
    list.push({ id: ids++, bits: bits & ~AD, isWrittenDirty: (bits & D) !== 0n, from, until: NEVER });
    values.set(table, list);
  };
  for (const table of [machine.root, ...machine.tables]) put(table, machine.before(table, indexIn(table)), 0);
  const newest = remembered(
    (table, at): Value => values.get(table)!.find((v) => v.from <= at && at < v.until)!,
  );
  /** What an action writes into the page's entry of a table, or null. */
  const written = (action: Action, at: number): { table: number; bits: bigint } | null => {
    if (!("table" in action) || !values.has(action.table)) return null;
    const index = indexIn(action.table);
    const { table } = action;
    const isHit = (count: number): boolean =>
      "index" in action && action.index <= index && index < action.index + count;
    switch (action.op) {
      case "store":
        return isHit(1) ? { table, bits: action.entry } : null;
      case "fill":
      case "storeRun":
        return isHit(action.count)
          ? { table, bits: action.first + BigInt(index - action.index) * action.stride }
          : null;
      case "exchange":
        if (!isHit(1) || ((newest(table, at).bits ^ action.expected) & ~AD) !== 0n) return null;
        return { table, bits: action.entry };
      case "collect": {
        const { bits } = newest(table, at);
        return isHit(action.count) && isLeaf(table, bits) ? { table, bits } : null;
      }
      default:
        return null;
    }
  };
  const writes = actions.map((action, i) => {
    const write = written(action, i);
    if (write !== null) put(write.table, write.bits, i + 1);
    return write;
  });
  const ownTables = new Set([machine.root]);
  for (const { bits } of values.get(machine.root)!)
    if (isTable(machine.root, bits)) ownTables.add(frameOf(bits));

  /** D bits, and what the kernel has in its hands, after an action. */
  const act = (state: State): State => {
    const { at } = state;
    const action = actions[at]!;
    if (action.op === "return")
      return { ...state, at: at + 1, isUnknown: state.isUnknown && !state.isTaken, isTaken: false };
    let { dirty, isTaken } = state;
    if (action.op === "freeTable") for (const { id } of values.get(action.table) ?? []) dirty &= ~(1 << id);
    const write = writes[at]!;
    if (write !== null) {
      const { table } = write;
      const old = newest(table, at);
      const next = newest(table, at + 1);
      const wasDirty = isLeaf(table, old.bits) && (dirty & (1 << old.id)) !== 0;
      if (action.op !== "collect" && next.isWrittenDirty) dirty |= 1 << next.id;
      else dirty &= ~(1 << next.id);
      if (action.op === "collect" && wasDirty && ownTables.has(table)) isTaken = true;
      if (action.op === "exchange" && wasDirty) {
        if (isLeaf(table, next.bits)) dirty |= 1 << next.id;
        else if (!isPresent(next.bits)) isTaken ||= ownTables.has(table);
        else {
          const child = frameOf(next.bits);
          const below = newest(child, at + 1);
          if (isLeaf(child, below.bits)) dirty |= 1 << below.id;
        }
      }
    }
    return { ...state, at: at + 1, dirty, isTaken };
  };

  const readable = (table: number, at: number): Value[] =>
    values.get(table)!.filter((value) => {
      if (value.from > at) return false;
      if (at < value.until) return true;
      return (
        machine.mode === "weak" &&
        !actions.slice(value.until, at).some((a) => a.op === "barrier" || a.op === "next")
      );
    });
  const isFreed = remembered((table, at): boolean =>
    actions.slice(0, at).some((a) => a.op === "freeTable" && a.table === table),
  );
  /** The leaf that translates the page after so many actions; null where there is none. */
  const leafAt = (at: number): { readonly value: Value; readonly frame: number } | null => {
    const top = newest(machine.root, at);
    if (!isTable(machine.root, top.bits))
      return isPresent(top.bits) ? { value: top, frame: frameOf(top.bits) + (page % size) } : null;
    const below = frameOf(top.bits);
    const value = newest(below, at);
    return isLeaf(below, value.bits) ? { value, frame: frameOf(value.bits) } : null;
  };
  const leaves = Array.from({ length: actions.length + 1 }, (_, at) => leafAt(at));
  const isDirtyAt = (at: number, dirty: number): boolean => {
    const leaf = leaves[at]!;
    return leaf !== null && (dirty & (1 << leaf.value.id)) !== 0;
  };
  const callAt = (at: number): number => actions.slice(0, at).filter((a) => a.op === "next").length;

  const queue = actions.flatMap((a, i) => (a.op === "invalidate" ? [{ ...a, submitted: i + 1 }] : []));
  const submittedAt = leaves.map((_, at) => queue.filter((order) => order.submitted <= at).length);
  const run = (token: Token | null, order: (typeof queue)[number]): Token | null => {
    if (token === null) return null;
    const { start, pages } = token;
    const holds = order.iovaPfn <= page && page < order.iovaPfn + order.pages;
    const contains = order.iovaPfn <= start && start + pages <= order.iovaPfn + order.pages;
    const iotlb = (order.caches & CACHE_IOTLB) !== 0 && contains;
    const atc = (order.caches & CACHE_ATC) !== 0 && contains;
    if (token.kind === "walk")
      return order.scope === "nonLeaf" && order.caches & CACHE_WALK && holds ? null : token;
    if (token.kind === "leaf") return iotlb ? null : token;
    if (token.kind === "atc") return atc ? null : token;
    return (token.viaAtc ? atc : iotlb) ? { ...token, isDoomed: true } : token;
  };

  const root: Token = {
    kind: "walk",
    table: machine.root,
    level: 1,
    rights: 3,
    bits: "",
    isDirty: false,
    frame: 0,
    start: 0,
    pages: 0,
    viaAtc: false,
    isDoomed: false,
  };
  const load = (token: Token, value: Value, isDirty: boolean): Token | null => {
    const rights = token.rights & Number(value.bits & 3n);
    if (rights === 0) return null;
    if (isTable(token.table, value.bits)) return { ...token, table: frameOf(value.bits), level: 0, rights };
    const pages = size ** token.level;
    const start = Math.floor(page / pages) * pages;
    const frame = frameOf(value.bits) + page - start;
    return { ...token, kind: "leaf", rights, bits: String(value.bits), isDirty, frame, start, pages };
  };

  const every = new Numbered<Token | null>();
  const none = every.of(null);
  const anyRoot = every.of(root);
  const afterOrder = remembered((number, order) => every.of(run(every.at(number), queue[order]!)));
  /** What a walk may load, by the D bit that it finds there. */
  const loads = remembered((number, at): readonly { bit: number; clean: number; dirty: number }[] => {
    const token = every.at(number)!;
    if (isFreed(token.table, at)) return [];
    return readable(token.table, at).map((value) => ({
      bit: 1 << value.id,
      clean: every.of(load(token, value, false)),
      dirty: every.of(load(token, value, true)),
    }));
  });
  /** A copy as the device's own cache keeps it, with its D bit set, and in an access that is under way. */
  const asAtc = remembered((number) => every.of({ ...every.at(number)!, kind: "atc" }));
  const asDirty = remembered((number) => every.of({ ...every.at(number)!, isDirty: true }));
  const asAccess = remembered((number) => {
    const token = every.at(number)!;
    return every.of({ ...token, isDirty: true, kind: "access", viaAtc: token.kind === "atc" });
  });
  /** The D bits that a locked update sets for a copy: null where the entry is another by then. */
  const update = remembered((number, at): { readonly bit: number | null } => {
    const token = every.at(number)!;
    const now = newest(token.table, at);
    if (String(now.bits) !== token.bits) return { bit: null };
    return { bit: isFreed(token.table, at) ? 0 : 1 << now.id };
  });

  let dirty = 0;
  for (const [first] of values.values()) if (first!.isWrittenDirty) dirty |= 1 << first!.id;
  const isUnknownAt = (at: number, bits: number): boolean =>
    isDirtyAt(at, bits) && leaves[at]!.frame === machine.frame;

  const seen = new SeenPairs();
  const pending: State[] = [];
  const push = (state: State): void => {
    const { at, ran, token, isUnknown, isTaken } = state;
    if (seen.add(state.dirty, joined([at, ran, token, Number(isUnknown), Number(isTaken)])))
      pending.push(state);
  };
  push({ at: 0, ran: 0, token: none, dirty, isUnknown: isUnknownAt(0, dirty), isTaken: false });
  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    const { at, ran } = state;
    const token = every.at(state.token);
    const next = actions[at];
    if (next === undefined || next.op === "next") {
      lost[callAt(at)] ||= state.isUnknown && !isDirtyAt(at, state.dirty);
      if (!lost.includes(false)) return lost;
    }
    const submitted = submittedAt[at]!;
    if (next?.op === "next") {
      const isUnknown = isUnknownAt(at + 1, state.dirty);
      push({ ...state, at: at + 1, ran: submitted, token: none, isUnknown, isTaken: false });
    } else if (next !== undefined && (next.op !== "wait" || ran === submitted)) {
      const isDrained = next.op === "wait" && next.drain && token?.isDoomed === true;
      const isWritten = isDrained && token.frame === machine.frame;
      push(act({ ...state, token: isDrained ? none : state.token, isUnknown: state.isUnknown || isWritten }));
    }
    if (ran < submitted) push({ ...state, ran: ran + 1, token: afterOrder(state.token, ran) });
    if (token === null) push({ ...state, token: anyRoot });
    else if (token.kind === "walk") {
      for (const { bit, clean, dirty } of loads(state.token, at))
        push({ ...state, token: (state.dirty & bit) !== 0 ? dirty : clean });
    } else if (token.kind === "access") {
      push({ ...state, token: none, isUnknown: state.isUnknown || token.frame === machine.frame });
    } else {
      push({ ...state, token: none });
      if (token.kind === "leaf" && machine.hasAtc) push({ ...state, token: asAtc(state.token) });
      if ((token.rights & 2) === 0) continue;
      const { bit } = token.isDirty ? { bit: 0 } : update(state.token, at);
      if (bit === null) continue;
      const set = state.dirty | bit;
      const isWritten = token.frame === machine.frame;
      const isUnknown = state.isUnknown || isWritten;
      push({ ...state, dirty: set, token: asDirty(state.token), isUnknown });
      push({ ...state, dirty: set, token: asAccess(state.token) });
    }
  }
  return lost;
}
