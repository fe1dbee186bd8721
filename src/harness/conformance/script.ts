import type { MemoryKind } from "../../kernel/index.ts";
import { InputError } from "../../vmm/input-error.ts";
import { ExpressionError, parseExpression } from "./expression.ts";
import { OPERATIONS, type OperationSyntax, type ValueKind, type WordKind } from "./syntax.ts";

/** One line of a script. Values are kept as text: what a symbol means is known when the line runs. */
export interface Operation {
  /** Counts from 1; comment and empty lines count. */
  readonly line: number;
  /** The line without its comment. */
  readonly text: string;
  readonly name: string;
  readonly words: readonly string[];
  readonly keys: ReadonlyMap<string, string>;
}

export interface Script {
  /** File name without `.txt`. */
  readonly name: string;
  readonly file: string;
  readonly operations: readonly Operation[];
}

export const MEMORY_KINDS: readonly MemoryKind[] = [
  "anon",
  "pop",
  "huge2m",
  "ro",
  "none",
  "memfd",
  "memfdro",
  "unmapped",
  "bar",
];
export const PROTECTIONS = { r: 1, rw: 3, none: 0 } as const;
export const MAP_FLAGS: FlagNames = { R: 1, W: 2, RW: 3, VADDR: 4 };
export const UNMAP_FLAGS: FlagNames = { GET_DIRTY: 1, ALL: 2, VADDR: 4 };
export const DIRTY_FLAGS: FlagNames = { START: 1, STOP: 2, GET: 4 };
export type FlagNames = Readonly<Record<string, number>>;

/** Parses a script. Throws InputError naming file, line and what was expected. */
export function parseScript(name: string, file: string, text: string): Script {
  const operations = text.split("\n").flatMap((raw, i) => {
    const line = raw.replace(/#.*$/, "").trim();
    return line === "" ? [] : [parseLine(file, i + 1, line)];
  });
  if (operations.length === 0) throw new InputError(file, 0, "at least one operation", null);
  return { name, file, operations };
}

function parseLine(file: string, line: number, text: string): Operation {
  const [name, ...rest] = text.split(/\s+/) as [string, ...string[]];
  const syntax = OPERATIONS.get(name);
  if (syntax === undefined) throw new InputError(file, line, "the name of an operation", name);
  const words: string[] = [];
  const keys = new Map<string, string>();
  for (const token of rest) {
    const key = /^([a-z-]+)=(.*)$/s.exec(token);
    if (key === null) words.push(token);
    else keys.set(key[1]!, key[2]!);
  }
  checkWords(syntax, name, words, (expected, got) => new InputError(file, line, expected, got));
  checkKeys(syntax, name, keys, (expected, got) => new InputError(file, line, expected, got));
  return { line, text, name, words, keys };
}

type Complaint = (expected: string, got: string | null) => InputError;

function checkWords(
  syntax: OperationSyntax,
  name: string,
  words: readonly string[],
  complain: Complaint,
): void {
  const least = syntax.words.filter((kind) => !kind.endsWith("?")).length;
  if (words.length < least || words.length > syntax.words.length)
    throw complain(
      `${name} to be followed by ${syntax.words.length === 0 ? "key=value only" : syntax.words.join(", ")}`,
      words.join(" "),
    );
  words.forEach((word, i) => {
    const expected = wordFault(syntax.words[i]!, word);
    if (expected !== null) throw complain(expected, word);
  });
}

function checkKeys(
  syntax: OperationSyntax,
  name: string,
  keys: ReadonlyMap<string, string>,
  complain: Complaint,
): void {
  for (const [key, value] of keys) {
    const kind = syntax.keys[key];
    if (kind === undefined) {
      const known = Object.keys(syntax.keys);
      throw complain(`${name} to take ${known.length === 0 ? "no key" : known.join("=, ") + "="}`, `${key}=`);
    }
    const expected = valueFault(kind, value);
    if (expected !== null) throw complain(`${key}= to be ${expected}`, value);
  }
  for (const key of syntax.required ?? []) if (!keys.has(key)) throw complain(`${name} ${key}=`, null);
}

const isName = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);

const oneOf = (known: readonly string[], text: string): string | null =>
  known.includes(text) ? null : `one of ${known.join(", ")}`;

/** What was expected instead, or null. */
function wordFault(kind: WordKind, word: string): string | null {
  switch (kind) {
    case "name":
    case "name?":
      return isName(word) ? null : "a name";
    case "file":
      return isName(word) || /^-?\d+$/.test(word) ? null : "a name or the number of a file";
    case "path":
      return word.startsWith("/") ? null : "an absolute path";
    case "number":
      return numberFault(word);
    case "memory-kind":
      return oneOf(MEMORY_KINDS, word);
    case "protection":
      return oneOf(Object.keys(PROTECTIONS), word);
    case "on-off":
      return oneOf(["on", "off"], word);
    case "limit":
      return oneOf(["memlock"], word);
    case "parameter":
      return /^\w+$/.test(word) ? null : "the name of a module parameter";
    case "text":
      return null;
  }
}

function valueFault(kind: ValueKind, value: string): string | null {
  switch (kind) {
    case "number":
      return numberFault(value);
    case "container":
      return isName(value) ? null : "the name of a container";
    case "file":
      return wordFault("file", value);
    case "place":
      return /^(null|bad|kernel|ro|misaligned|end:\d+)$/.test(value)
        ? null
        : "null, bad, kernel, ro, misaligned or end:N";
    case "bitmap-place":
      return /^(buf|null|bad|kernel|ro)$/.test(value) ? null : numberFault(value);
    case "iommu-type":
      return value === "V" ? null : numberFault(value);
    case "map-flags":
      return flagsFault(MAP_FLAGS, value);
    case "unmap-flags":
      return flagsFault(UNMAP_FLAGS, value);
    case "dirty-flags":
      return flagsFault(DIRTY_FLAGS, value);
    case "text":
      return value === "" ? "a text" : null;
  }
}

function numberFault(text: string): string | null {
  try {
    parseExpression(text);
    return null;
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}

function flagsFault(names: FlagNames, text: string): string | null {
  if (text.split("|").every((flag) => Object.hasOwn(names, flag))) return null;
  return /^[-\d]/.test(text) && numberFault(text) === null
    ? null
    : `a number or ${Object.keys(names).join(", ")} joined by |`;
}

/** Value of a flags text that passed the parser. */
export function flagsOf(names: FlagNames, text: string, number: (text: string) => bigint): number {
  const parts = text.split("|");
  if (parts.every((flag) => Object.hasOwn(names, flag)))
    return parts.reduce((flags, flag) => flags | names[flag]!, 0);
  return Number(BigInt.asUintN(32, number(text)));
}
