import { type MapSequence, printMapFile } from "../../vmm/index.ts";
import { TokenError, TokenReader, TokenWriter, textHash } from "./token-bytes.ts";

/** A token has the lowest version that can say what it says: what it holds besides is added to the first version. */
const VERSION = 1;
/** It chooses an address space. */
const WITH_ADDRESS_SPACE = 1;
/** It names a pass. */
const WITH_PASS = 2;
const NEWEST = VERSION + WITH_ADDRESS_SPACE + WITH_PASS;
const NO_MUTANT = "";

/** All it takes to decide one map change again. */
export interface ChangeToken {
  /** Who found it: the checker, or device threads, which are not deterministic. */
  readonly command: "check" | "stress";
  /** Inputs as given on the command line. */
  readonly inputs: readonly string[];
  /** The address space chosen from dumps that hold several; null: none was. */
  readonly addressSpace: string | null;
  /** `sequenceHash` of what they held. */
  readonly hash: number;
  readonly strategy: string;
  readonly format: string;
  readonly backing: string;
  readonly mode: string;
  readonly inject: string | null;
  readonly seed: number;
  /** Position of the map that the change leads to, 0 for the way back from the last map to the first; null: any. */
  readonly step: number | null;
  /** Which time round, from 1. */
  readonly pass: number;
  readonly class: string;
  readonly iovaPfn: number;
}

/** All it takes to run one fuzz case again. */
export interface FuzzToken {
  readonly command: "fuzz";
  readonly format: string;
  readonly seed: number;
  /** Where in the tree of shrunken cases, as fast-check writes it. */
  readonly path: string;
  readonly inject: string | null;
}

export type ReplayToken = ChangeToken | FuzzToken;

/** What a token says of the content of its inputs: labels and origins play no part. */
export const sequenceHash = (sequence: MapSequence): number =>
  textHash(
    printMapFile({ ...sequence, name: "", steps: sequence.steps.map((step) => ({ ...step, label: "" })) }),
  );

/** A token as one short word that needs no quotes in a shell. */
export function encodeToken(token: ReplayToken): string {
  if (token.command === "fuzz")
    return new TokenWriter()
      .number(VERSION)
      .word(token.command)
      .word(token.format)
      .number(token.seed)
      .word(token.path)
      .word(token.inject ?? NO_MUTANT)
      .text();
  const { addressSpace, pass } = token;
  const out = new TokenWriter();
  out
    .number(VERSION + (addressSpace === null ? 0 : WITH_ADDRESS_SPACE) + (pass === 1 ? 0 : WITH_PASS))
    .word(token.command);
  if (addressSpace !== null) out.word(addressSpace);
  out.number(token.inputs.length);
  for (const input of token.inputs) out.word(input);
  if (pass !== 1) out.number(pass);
  return out
    .number(token.hash)
    .word(token.strategy)
    .word(token.format)
    .word(token.backing)
    .word(token.mode)
    .word(token.inject ?? NO_MUTANT)
    .number(token.seed)
    .number(token.step === null ? 0 : token.step + 1)
    .word(token.class)
    .number(token.iovaPfn)
    .text();
}

/** The token that a word stands for. Errors: TokenError. */
export function decodeToken(text: string): ReplayToken {
  const input = new TokenReader(text);
  const version = input.number();
  if (version < VERSION || version > NEWEST)
    throw new TokenError(
      `the replay token has version ${version}; this program reads versions up to ${NEWEST}`,
    );
  const holds = (part: number): boolean => ((version - VERSION) & part) !== 0;
  const command = input.word();
  let token: ReplayToken;
  if (command === "fuzz" && version === VERSION) {
    const [format, seed, path] = [input.word(), input.number(), input.word()];
    token = { command, format, seed, path, inject: input.word() || null };
  } else if (command === "check" || command === "stress") {
    const addressSpace = holds(WITH_ADDRESS_SPACE) ? input.word() : null;
    const count = input.number();
    if (count > text.length) throw new TokenError("the replay token ends too early");
    const inputs = Array.from({ length: count }, () => input.word());
    const pass = holds(WITH_PASS) ? input.number() : 1;
    if (pass === 0) throw new TokenError("the replay token names pass 0; they count from 1");
    const [hash, strategy, format, backing] = [input.number(), input.word(), input.word(), input.word()];
    const [mode, inject, seed, step] = [input.word(), input.word(), input.number(), input.number()];
    token = {
      ...{ command, inputs, addressSpace, pass, hash, strategy, format, backing, mode, seed },
      inject: inject === NO_MUTANT ? null : inject,
      step: step === 0 ? null : step - 1,
      class: input.word(),
      iovaPfn: input.number(),
    };
  } else throw new TokenError(`the replay token names the command '${command}', which has no replay`);
  input.end();
  return token;
}
