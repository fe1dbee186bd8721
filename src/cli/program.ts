import { readFileSync } from "node:fs";
import { Command } from "commander";
import { registerCheck } from "./check.ts";
import { registerConformance } from "./conformance.ts";
import { registerFuzz } from "./fuzz.ts";
import { registerMutants } from "./mutants.ts";
import { registerReplay } from "./replay.ts";
import { registerStress } from "./stress.ts";
import { registerUapi } from "./uapi.ts";

/** Version of the package this file belongs to; found by walking up, for sources and build alike. */
function packageVersion(): string {
  for (let folder = new URL(".", import.meta.url); folder.pathname !== "/"; folder = new URL("..", folder))
    try {
      const { name, version } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
      if (name === "hitless") return version;
    } catch {}
  return "unknown";
}

/** The command line: one sub-command a file. Parsing throws CommanderError instead of ending the process. */
export function createProgram(): Command {
  const program = new Command("hitless")
    .description(
      "Change a device's I/O memory map while it is doing DMA: an emulated VFIO kernel with a set-memory-map " +
        "ioctl, judged by concurrent devices.",
    )
    .version(packageVersion())
    .showHelpAfterError("(hitless --help lists commands; hitless COMMAND --help their options)")
    .addHelpText(
      "after",
      "\nExit codes: 0 clean, 1 violation, 2 wrong usage or input,\n3 the tool itself failed, 4 inconclusive.",
    )
    .exitOverride();
  registerStress(program);
  registerCheck(program);
  registerReplay(program);
  registerFuzz(program);
  registerMutants(program);
  registerConformance(program);
  registerUapi(program);
  return program;
}
