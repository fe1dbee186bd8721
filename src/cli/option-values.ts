import { InvalidArgumentError } from "commander";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `10s`, `500ms`, `1.5m`, `2h` as milliseconds; a bare number is seconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const milliseconds = match === null ? 0 : Number(match[1]) * UNIT_MS[match[2] ?? "s"]!;
  if (!(milliseconds > 0)) throw new InvalidArgumentError("Expected a time such as 10s, 5m or 1h.");
  return milliseconds;
}

/** A duration as `parseDuration` reads it, in the largest unit that is exact. */
export function formatDuration(milliseconds: number): string {
  for (const unit of ["h", "m", "s"])
    if (milliseconds % UNIT_MS[unit]! === 0) return `${milliseconds / UNIT_MS[unit]!}${unit}`;
  return `${milliseconds}ms`;
}

/** An unsigned 32-bit seed, decimal or 0x. */
export function parseSeed(text: string): number {
  const seed = /^(\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : -1;
  if (!(seed >= 0 && seed <= 0xffff_ffff))
    throw new InvalidArgumentError("Expected a whole number from 0 to 4294967295.");
  return seed;
}

/** A parser of whole numbers within [least, most]. */
export const parseCount =
  (least: number, most: number) =>
  (text: string): number => {
    const n = /^\d+$/.test(text) ? Number(text) : -1;
    if (!(n >= least && n <= most))
      throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
    return n;
  };

/** A parser of a comma-separated list of distinct names out of `known`. */
export const parseNames =
  (what: string, known: readonly string[]) =>
  (text: string): string[] => {
    const names = text.split(",").map((name) => name.trim());
    for (const name of names)
      if (!known.includes(name))
        throw new InvalidArgumentError(`There is no ${what} '${name}'; known: ${known.join(", ")}.`);
    if (new Set(names).size !== names.length)
      throw new InvalidArgumentError(`Each ${what} can be given once.`);
    return names;
  };

/** A parser of one name out of `known`. */
export const parseName =
  (what: string, known: readonly string[]) =>
  (text: string): string => {
    if (!known.includes(text))
      throw new InvalidArgumentError(`There is no ${what} '${text}'; known: ${known.join(", ")}.`);
    return text;
  };
