import type { DecoderFactory } from "./entry-kind.ts";
import { VtdDecoder } from "./vtd-decoder.ts";

/** Decoders by the capability record's `format`; a further format is one more line. */
export const DECODERS: ReadonlyMap<string, DecoderFactory> = new Map([
  ["vtd-ss", (capability) => new VtdDecoder(capability)],
]);
