import type { Format } from "../format.ts";
import { vtdSecondStage } from "./vtd-ss.ts";

/** Formats by the key that capability records name. */
export const FORMATS: ReadonlyMap<string, Format> = new Map([[vtdSecondStage.name, vtdSecondStage]]);
