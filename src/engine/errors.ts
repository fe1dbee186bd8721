import { hex } from "../units/index.ts";
import {
  ERR_CONTEXT,
  ERR_DEVICE,
  ERR_EXCHANGE,
  ERR_INDEX,
  ERR_NOT_PINNED,
  ERR_NOT_RAM,
  ERR_OP,
  ERR_TABLE,
  ERR_TABLE_DEAD,
  ERR_TRUNCATED,
  ERR_WINDOWS,
} from "./layout.ts";

const SENTENCES: ReadonlyMap<number, string> = new Map([
  [ERR_TABLE, "names a frame outside the table window"],
  [ERR_INDEX, "names entries beyond the 512th"],
  [ERR_OP, "has an unknown op"],
  [ERR_TRUNCATED, "is cut short"],
  [ERR_NOT_PINNED, "unpins a frame that has no pin"],
  [ERR_NOT_RAM, "unpins a frame that is no RAM"],
  [ERR_TABLE_DEAD, "frees a table page that is not live"],
  [ERR_EXCHANGE, "expects another entry than the one in place"],
  [ERR_WINDOWS, "opens one window too many or closes one that is not open"],
  [ERR_DEVICE, "waits for a device that does not answer"],
  [ERR_CONTEXT, "names an impossible context"],
]);

/** Sentence for an error code of the engine. */
export const errorSentence = (code: number): string => SENTENCES.get(code) ?? `fails with code ${code}`;

/** One record of a script as text, for messages. */
export const recordText = (words: Uint32Array, at: number): string =>
  [...words.subarray(at, at + 8)].map((w) => hex(w)).join(" ");
