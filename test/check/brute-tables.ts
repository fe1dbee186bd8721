import { BEFORE, LivedMemory, type Start } from "./lived-memory.ts";
import { classesOf, type PageAnswer } from "./page-answers.ts";
import type { Entry, Life, LivedStep, Root, Write } from "./table-lives.ts";
import { ATC, IOTLB, indexOf, isLeafAt, pfnOf, rightsOf, spanOf, WALK } from "./tables-script.ts";

/**
 * Plays every schedule of a call and one access to one page, for one domain: the kernel's steps, invalidations carried out in any order
 * the contract allows, and a device that reads a context entry, walks, caches and goes on from what it has cached. What it holds is one
 * token; a cache entry is a token that waits. The states are a token and the invalidations that are posted and not carried out: after
 * each step of the kernel all that can be reached is in one set, and what each of them shows is noted.
 *
 * It decides V01, V01b, V02, V03, V04, V04b, V05, V06, V07, V08 of plain stores, V09 and V13, and, in weak mode, entries read as
 * they were before a table was filled (V15). It leaves out: updates of several stores (`u=`), windows, the epoch promise, dirty bits,
 * and what a descriptor of the queue drains.
 */
export interface BrutePage {
  /** By class, what was seen and when. */
  readonly seen: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface BruteQuestion {
  readonly root: Root;
  readonly page: number;
  readonly mode: "strong" | "weak";
  readonly isCoherent: boolean;
  readonly cachesAbsent: boolean;
  readonly hasAtc: boolean;
  readonly steps: readonly LivedStep[];
  readonly old: PageAnswer | null;
  readonly new: PageAnswer | null;
  /** Pins of a frame when the call begins. */
  readonly pinsOf: (frame: number) => number;
}

interface Token {
  readonly kind: "idle" | "context" | "walk" | "leaf" | "absent" | "access";
  readonly cache: number;
  readonly life: Life | null;
  readonly level: number;
  readonly frame: number;
  readonly rights: number;
  readonly tag: number;
  /** When the newest link on the way was stored: what the tables below said before they were filled is nobody's translation. */
  readonly linkedAt: number;
  readonly isDoomed: boolean;
  /** Something on the way was read that another store has overwritten. */
  readonly isOld: boolean;
}

interface State {
  readonly token: Token;
  /** Orders posted and not carried out, by bit. */
  readonly posted: number;
}

type Order = Extract<LivedStep, { readonly op: "invalidate" | "context" }> & { readonly bit: number };

const MOST_POSTED = 2 ** 20;

const keyOf = (t: Token): string =>
  `${t.kind} ${t.cache} ${t.life?.id} ${t.level} ${t.frame} ${t.rights} ${t.tag} ${t.linkedAt} ${t.isDoomed} ${t.isOld}`;

export function brutePage(question: BruteQuestion): BrutePage {
  const { root, page, mode, steps, hasAtc } = question;
  const seen = new Map<string, Set<string>>();
  const memory = new LivedMemory(page, mode === "weak", question.isCoherent);
  const unpinned = new Map<number, number>();
  const tags = new Set([root.tag]);
  let context: Token = contextToken(root.table, root.levels, root.tag, BEFORE);
  let oldContexts: Token[] = [];
  let orders: Order[] = [];
  const tokens = new Map<string, Token>();
  const numbers = new Map<Token, number>();
  /** Equal tokens are one. */
  const same = (token: Token): Token => {
    const key = keyOf(token);
    const known = tokens.get(key);
    if (known !== undefined) return known;
    tokens.set(key, token);
    numbers.set(token, numbers.size);
    return token;
  };
  const stateKey = (token: Token, posted: number): number => numbers.get(token)! * MOST_POSTED + posted;
  const idle: State = { token: same({ ...context, kind: "idle", life: null, tag: 0 }), posted: 0 };
  let states = new Map([[stateKey(idle.token, 0), idle]]);
  let now = 0;
  let isReturned = false;

  function contextToken(life: Life | null, level: number, tag: number, linkedAt: number): Token {
    return {
      kind: "context",
      cache: 0,
      life,
      level,
      frame: 0,
      rights: 3,
      tag,
      linkedAt,
      isDoomed: false,
      isOld: false,
    };
  }
  /** Whether the token that is looked at has read something overwritten. */
  let isOld = false;
  const note = (kind: string, what = ""): void => {
    let all = seen.get(kind);
    if (all === undefined) seen.set(kind, (all = new Set()));
    all.add(`${isOld ? "old " : ""}${what} at ${now}`);
  };
  const isUnpinned = (frame: number): boolean => {
    const gone = unpinned.get(frame);
    return gone !== undefined && question.pinsOf(frame) - gone <= 0;
  };

  const judge = (frame: number | null, rights: number): void => {
    const isGone = frame !== null && isUnpinned(frame);
    const { old, new: newAnswer } = question;
    const access = { frame, rights, old, new: newAnswer, isUnpinned: isGone, isReturned };
    for (const [kind, what] of classesOf(access)) note(kind, what);
  };

  /** Whether an order makes a cache forget the token. */
  const drops = (order: Order, token: Token): boolean => {
    if (order.op === "context") return token.kind === "context" && token.tag === order.tag;
    const end = order.pages === null ? Number.POSITIVE_INFINITY : order.start + order.pages;
    const isOfTag = order.tag === null || order.tag === token.tag;
    const holds = order.start <= page && page < end;
    switch (token.kind) {
      case "idle":
      case "context":
        return false;
      case "walk":
        return isOfTag && order.scope === "nonLeaf" && (order.caches & WALK) !== 0 && holds;
      case "absent":
        return isOfTag && (order.caches & IOTLB) !== 0 && holds;
      default: {
        const span = spanOf(token.level);
        const start = page - (page % span);
        const contains = order.start <= start && start + span <= end;
        const isReached = token.cache === ATC ? order.tag === null || tags.has(order.tag) : isOfTag;
        return isReached && contains && (order.caches & token.cache) !== 0;
      }
    }
  };
  /** A device cache is reached after what an IOTLB invalidation queued before has dropped. */
  const mayRun = (order: Order, posted: number): boolean =>
    order.op === "context" ||
    (order.caches & ATC) === 0 ||
    !orders.some(
      (o) =>
        o.bit < order.bit &&
        (posted & (1 << o.bit)) !== 0 &&
        o.op === "invalidate" &&
        (o.caches & IOTLB) !== 0 &&
        (order.caches & IOTLB) === 0,
    );

  const everyTag = new Set([root.tag]);
  for (const step of steps) if (step.op === "setRoot" && everyTag.has(step.tag)) everyTag.add(step.newTag);
  const concerns = (step: Extract<LivedStep, { readonly op: "invalidate" | "context" }>): boolean => {
    if (step.tag !== null && !everyTag.has(step.tag)) return false;
    return (
      step.op === "context" || step.pages === null || (step.start <= page && page < step.start + step.pages)
    );
  };

  /** What a device may make of its token now. */
  const next = (token: Token): Token[] => {
    isOld = token.isOld;
    switch (token.kind) {
      case "idle":
        return [context, ...oldContexts.map((old) => ({ ...old, isOld: true }))];
      case "context":
        return [{ ...token, kind: "walk", level: token.level - 1 }];
      case "walk":
        return loads(token);
      case "leaf": {
        if (isUnpinned(token.frame)) note("V06", `frame ${token.frame}`);
        judge(token.frame, token.rights);
        const access: Token = { ...token, kind: "access" };
        return token.cache === IOTLB && hasAtc ? [access, { ...token, cache: ATC, tag: 0 }] : [access];
      }
      case "absent":
        judge(null, 0);
        return [];
      case "access":
        if (isUnpinned(token.frame)) note("V06", `frame ${token.frame}`);
        return [];
    }
  };
  const loads = (token: Token): Token[] => {
    const { life, level } = token;
    if (life === null || level < 0) {
      note("V13", "no table");
      return [];
    }
    if (memory.isFreed(life)) {
      note(memory.freed.has(life) ? "V07" : "V13", `table ${life.id}`);
      return [];
    }
    const filled = memory.filledAt(life);
    return memory.readable(life, indexOf(page, level)).flatMap((value) => {
      if (value.overwrittenAt < filled && filled <= token.linkedAt) {
        isOld = true;
        note("V15", `${life.isKnown ? "known" : "new"} table ${life.id} before it was filled`);
        return [];
      }
      isOld = token.isOld || Number.isFinite(value.overwrittenAt);
      return child({ ...token, isOld }, value.entry, value.linkedAt);
    });
  };
  const child = (token: Token, { value, child: table }: Entry, since: number): Token[] => {
    const rights = token.rights & rightsOf(value);
    if (rights === 0) {
      judge(null, 0);
      return question.cachesAbsent ? [{ ...token, kind: "absent", life: null, level: 0, linkedAt: 0 }] : [];
    }
    if (!isLeafAt(value, token.level))
      return [
        { ...token, life: table, level: token.level - 1, rights, linkedAt: Math.max(token.linkedAt, since) },
      ];
    if (token.level > 2 || pfnOf(value) % spanOf(token.level) !== 0) {
      note("V13", "malformed leaf");
      return [];
    }
    const frame = pfnOf(value) + (page % spanOf(token.level));
    return [{ ...token, kind: "leaf", cache: IOTLB, life: null, frame, rights, linkedAt: 0 }];
  };

  const spread = (): void => {
    const work = [...states.values()];
    // What a device may do does not depend on what is posted.
    const made = new Map<Token, Token[]>();
    const reach = (token: Token, posted: number): void => {
      const key = stateKey(token, posted);
      if (states.has(key)) return;
      const state = { token, posted };
      states.set(key, state);
      work.push(state);
    };
    for (let state = work.pop(); state !== undefined; state = work.pop()) {
      const { token, posted } = state;
      for (const order of orders) {
        if ((posted & (1 << order.bit)) === 0 || !mayRun(order, posted)) continue;
        const left = posted & ~(1 << order.bit);
        if (!drops(order, token)) reach(token, left);
        else if (token.kind === "access") reach(same({ ...token, isDoomed: true }), left);
      }
      let tokens = made.get(token);
      if (tokens === undefined) made.set(token, (tokens = next(token).map(same)));
      for (const other of tokens) reach(other, posted);
    }
  };

  /** Two leaves of different size that do not translate alike can be cached at once where they can be cached in the same moment. */
  const compareLeaves = (): void => {
    const byMoment = new Map<number, Token[]>();
    for (const { token, posted } of states.values()) {
      if (token.kind !== "leaf") continue;
      const others = byMoment.get(posted);
      if (others === undefined) byMoment.set(posted, [token]);
      else {
        for (const other of others)
          if (
            other.level !== token.level &&
            (other.frame !== token.frame || other.rights !== token.rights) &&
            (other.cache === ATC || token.cache === ATC || other.tag === token.tag)
          ) {
            isOld = other.isOld || token.isOld;
            note("V09");
          }
        others.push(token);
      }
    }
  };

  /** A plain store to an entry that a walk may load next. */
  const noteTorn = (life: Life, write: Write): void => {
    if (!memory.isOnWay(write.index) || !memory.isChanged(life, write)) return;
    for (const { token } of states.values())
      if (token.kind === "walk" && token.life === life && indexOf(page, token.level) === write.index) {
        isOld = token.isOld;
        note("V08", `table ${life.id}`);
      }
  };

  const start = (): Start => ({ life: context.life, levels: context.level });
  const way = (): Set<Life> =>
    new Set(memory.path(start()).tables.flatMap(({ life }) => (life === null ? [] : [life])));

  /** Returns true iff devices may do something new after the step. */
  const play = (step: LivedStep): boolean => {
    switch (step.op) {
      case "store":
      case "fill":
        for (const write of step.writes) {
          if (step.op === "fill") noteTorn(step.table, write);
          memory.write(step.table, write, now);
        }
        return step.writes.some((write) => memory.isOnWay(write.index));
      case "barrier":
        memory.barrier();
        oldContexts = [];
        return false;
      case "clean":
        if (step.table !== null) memory.clean(step.table, step.index, step.count);
        return false;
      case "freeTable":
        memory.freed.add(step.table);
        return true;
      case "unpin":
        for (let frame = step.frame; frame < step.frame + step.pages; frame++)
          unpinned.set(frame, (unpinned.get(frame) ?? 0) + 1);
        return true;
      case "setRoot":
        if (step.tag !== context.tag) return false;
        if (mode === "weak") oldContexts.push(context);
        tags.add(step.newTag);
        context = contextToken(step.root, step.levels, step.newTag, now);
        return true;
      case "invalidate":
      case "context": {
        if (!concerns(step)) return false;
        const order: Order = { ...step, bit: orders.length };
        orders.push(order);
        const posted = [...states.values()].map((s) => ({ ...s, posted: s.posted | (1 << order.bit) }));
        states = new Map(posted.map((s) => [stateKey(s.token, s.posted), s]));
        return true;
      }
      case "wait": {
        if (step.iommu !== null && step.iommu !== root.iommu) return false;
        const left = [...states.values()].filter(
          ({ token, posted }) => posted === 0 && !(step.drain && token.isDoomed),
        );
        states = new Map(left.map((s) => [stateKey(s.token, s.posted), s]));
        orders = [];
        return true;
      }
    }
  };

  spread();
  for (const step of steps) {
    now++;
    const before = way();
    const isNew = play(step);
    const after = way();
    memory.join(before, after, now);
    if (step.op === "store" || step.op === "fill") {
      for (const { entry } of step.writes)
        if (entry.child !== null && !before.has(entry.child) && !after.has(entry.child))
          memory.linkAside(entry.child, now);
      memory.wrote(now);
    }
    if (!isNew) continue;
    spread();
    compareLeaves();
  }
  for (const { token } of states.values()) {
    isOld = token.isOld;
    if (isStale(token)) note("V04b", token.kind);
  }
  isReturned = true;
  const usable = usableTags();
  states = new Map([...states].filter(([, { token }]) => isUsable(token, usable)));
  spread();
  return { seen };

  /** An access that begins after the return meets what carries the tag of a context entry that it can read, and what carries none. */
  function isUsable(token: Token, tagsOfContexts: ReadonlySet<number>): boolean {
    return (
      token.kind === "idle" ||
      token.kind === "context" ||
      token.cache === ATC ||
      tagsOfContexts.has(token.tag)
    );
  }
  function usableTags(): ReadonlySet<number> {
    const contexts = [...states.values()].flatMap((s) => (s.token.kind === "context" ? [s.token] : []));
    return new Set([context, ...oldContexts, ...contexts].map((c) => c.tag));
  }
  /** Whether what is cached is not what the tables say in the end. */
  function isStale(token: Token): boolean {
    if (token.kind === "idle" || token.kind === "access") return false;
    if (token.kind === "context")
      return token.life !== context.life || token.level !== context.level || token.tag !== context.tag;
    const { tables, leaf } = memory.path(start());
    if (token.kind === "absent") return token.tag === context.tag && leaf !== null;
    if (token.cache !== ATC && token.tag !== context.tag) return true;
    if (token.kind === "walk")
      return !tables.some(
        (t) => t.life === token.life && t.level === token.level && t.rights === token.rights,
      );
    return token.level !== leaf?.level || token.frame !== leaf.frame || token.rights !== leaf.rights;
  }
}
