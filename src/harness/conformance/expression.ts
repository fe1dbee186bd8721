/** Why a text is no number expression; the message says what was expected. */
export class ExpressionError extends Error {
  override name = "ExpressionError";
}

const TERM = /^(?:(0x[0-9a-f]+|\d+)([KMGT]?)|([A-Za-z_]\w*))/i;
const SCALE: Readonly<Record<string, bigint>> = { "": 0n, K: 10n, M: 20n, G: 30n, T: 40n };

/** A sum of numbers and symbols, e.g. `a+0x1000`, `top-0xfff`, `-1`, `64K`. */
export interface Expression {
  readonly terms: readonly { readonly sign: 1n | -1n; readonly value: bigint | string }[];
}

/** Parses a sum. Throws ExpressionError. */
export function parseExpression(text: string): Expression {
  const terms: { sign: 1n | -1n; value: bigint | string }[] = [];
  let rest = text;
  let isWhole = false;
  while (!isWhole) {
    const sign = /^[+-]/.exec(rest)?.[0];
    if (sign === undefined && terms.length > 0) break;
    rest = rest.slice(sign?.length ?? 0);
    const match = TERM.exec(rest);
    if (match === null) break;
    const [whole, digits, suffix = "", symbol] = match;
    const value = symbol ?? BigInt(digits!) << SCALE[suffix.toUpperCase()]!;
    terms.push({ sign: sign === "-" ? -1n : 1n, value });
    rest = rest.slice(whole.length);
    isWhole = rest === "";
  }
  if (!isWhole)
    throw new ExpressionError("a number (decimal or 0x, with K, M, G or T), a name, or a sum of them");
  return { terms };
}

/** Value modulo 2^64. Throws ExpressionError for a symbol that `symbols` lacks. */
export function evaluate(expression: Expression, symbols: ReadonlyMap<string, bigint>): bigint {
  let sum = 0n;
  for (const { sign, value } of expression.terms) {
    const number = typeof value === "bigint" ? value : symbols.get(value);
    if (number === undefined) throw new ExpressionError(`'${String(value)}' to be made by mem before`);
    sum += sign * number;
  }
  return BigInt.asUintN(64, sum);
}
