import pc from "picocolors";
import type { MemoryMode } from "../check/index.ts";
import { type CheckReport, checkToJson, checkToTerminal, hanging, PLAIN } from "../report/index.ts";
import { openJsonTarget } from "./json-target.ts";

const MODES: Readonly<Record<string, readonly MemoryMode[]>> = {
  strong: ["strong"],
  weak: ["weak"],
  both: ["strong", "weak"],
};
/** Values of `--mode`. */
export const MODE_NAMES: readonly string[] = Object.keys(MODES);

/** Memory orders that a value of `--mode` names. */
export const modesOf = (name: string): readonly MemoryMode[] => MODES[name]!;

/** Options that say where results go. */
export interface OutputFlags {
  readonly as: string;
  readonly json?: string;
  readonly quiet?: true;
}

/** Where text and JSON of a check go. */
export interface CheckOutput {
  readonly show: (text: string) => void;
  readonly finish: (result: CheckReport) => void;
}

/** Opens the targets of `--json` and `--as`. Errors: UsageError. */
export function openOutput(flags: OutputFlags): CheckOutput {
  const stdout = (text: string): void => void process.stdout.write(text);
  const json = openJsonTarget(flags.as === "json" ? (flags.json ?? "-") : flags.json, stdout);
  const also = flags.as === "json" && json?.isStdout !== true;
  const show = json?.isStdout || also ? () => {} : stdout;
  return {
    show,
    finish: (result) => {
      const text = checkToJson(result);
      json?.write(text);
      if (also) stdout(text);
      const paint = pc.isColorSupported && process.stdout.isTTY ? pc.createColors(true) : PLAIN;
      show(`\n${checkToTerminal(result, { paint, width: terminalWidth(), quiet: flags.quiet === true })}`);
    },
  };
}

/** A line of prose as it is printed, its end included. In a log it stays one line, which can be searched for. */
export const wrapped = (text: string): string =>
  `${process.stdout.isTTY ? hanging(text, terminalWidth()).join("\n") : text}\n`;

/** Columns to print in. */
export const terminalWidth = (): number =>
  process.stdout.isTTY ? Math.min(Math.max(process.stdout.columns || 110, 80), 120) : 110;
