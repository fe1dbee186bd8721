import { iovaPfn, pfn } from "../units/index.ts";
import { PLAIN, type PlainLine } from "./plain-line.ts";
import { UNNAMED } from "./plain-options.ts";
import { OP } from "./records.ts";
import { againstRange, asksToDrain, type StepContext, waited } from "./step-context.ts";
import type { CallText } from "./text-call.ts";
import type { MapText } from "./text-map.ts";
import { PinText } from "./text-pins.ts";
import type { TableText } from "./text-table.ts";

/** Where lines in plain form go. */
export interface ReadSoFar {
  readonly tables: TableText;
  readonly oldMap: MapText;
  /** The call that the lines belong to. */
  call: CallText;
  /** Pins that were given outside of calls; null where none were. */
  pins: PinText | null;
  readonly context: StepContext;
}

/** True iff the line was taken; nothing has changed where it may be refused, or where what it means has to be found out. */
type Take = (plain: PlainLine, to: ReadSoFar, line: number) => boolean;

/** By what a line says. One function each: what they have in common is not worth a look at the op of each of a million steps. */
export const TAKE: Readonly<Record<number, Take>> = {
  [OP.store]: ({ options, table, index, low, high }, { call }, line) => {
    call.steps.store(call.announce(line, options.update), pfn(table), index, low, high);
    return true;
  },
  [OP.unpin]: (plain, { call }, line) => {
    call.announce(line);
    call.steps.unpin(pfn(plain.pfn), plain.options.pages);
    return true;
  },
  [OP.clean]: ({ options, table, index }, { call }, line) => {
    call.announce(line);
    call.steps.clean(pfn(table), index, options.count);
    return true;
  },
  [OP.collect]: ({ options, table, index }, { call }, line) => {
    call.announce(line);
    call.steps.collect(pfn(table), index, options.count);
    return true;
  },
  [OP.barrier]: (_, { call }, line) => {
    call.announce(line);
    call.steps.barrier();
    return true;
  },
  [OP.exchange]: ({ options, table, index, low, high }, { call }, line) => {
    const { expectedLow, expectedHigh } = options;
    const update = call.announce(line, options.update);
    call.steps.exchange(update, pfn(table), index, expectedLow, expectedHigh, low, high);
    return true;
  },
  [OP.fill]: ({ options, table, index, low, high }, { call }, line) => {
    const { count, strideLow, strideHigh } = options;
    const update = call.announce(line, options.update);
    call.steps.fill(update, pfn(table), index, count, low, high, strideLow, strideHigh);
    return true;
  },
  [OP.storeRun]: ({ options, table, index, low, high }, { call }, line) => {
    const { count, strideLow, strideHigh } = options;
    const update = call.announce(line, options.update);
    call.steps.storeRun(update, pfn(table), index, count, low, high, strideLow, strideHigh);
    return true;
  },
  [OP.freeTable]: ({ table }, { call }, line) => {
    call.announce(line);
    call.steps.freeTable(pfn(table));
    return true;
  },
  [OP.wait]: ({ isDraining }, { call, context }, line) => {
    for (const step of waited(isDraining, undefined, context)) {
      call.announce(line);
      call.steps.push(step);
    }
    return true;
  },
  [OP.invalidate]: ({ options }, { call, context }, line) => {
    const [only, another] = context.domains;
    const named = options.domain !== UNNAMED;
    if (!named && (only === undefined || another !== undefined)) return false;
    if (againstRange(options.iovaPfn, options.pages, context) !== null) return false;
    const scope = options.isLeafOnly ? "leaf" : "nonLeaf";
    const tag = named ? options.domain : context.own.atCall(only!.id);
    asksToDrain(tag, options.caches, context);
    call.announce(line);
    call.steps.invalidate(tag, scope, options.caches, iovaPfn(options.iovaPfn), options.pages);
    return true;
  },
  [PLAIN.table]: (plain, { call, tables }) => call.line === 0 && tables.readPlain(plain),
  [PLAIN.mapOld]: ({ options }, { call, oldMap }, line) =>
    call.line === 0 && oldMap.regionPlain(options, line),
  [PLAIN.mapNew]: ({ options }, { call }, line) => call.map.regionPlain(options, line),
  [PLAIN.mapAdd]: ({ options }, { call }, line) => call.map.addPlain(options, line),
  [PLAIN.mapRemove]: ({ options }, { call }, line) => call.map.removePlain(options, line),
  [PLAIN.pins]: (plain, to) => pinsOf(to).readPlain(plain),
  [PLAIN.empty]: () => true,
};

/** Pins before the first call, or those that a call takes. */
export function pinsOf(to: ReadSoFar): PinText {
  return to.call.line === 0 ? (to.pins ??= new PinText()) : (to.call.pins ??= new PinText());
}
