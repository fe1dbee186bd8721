import type { Command } from "commander";
import type { FuzzToken } from "../harness/index.ts";
export function registerFuzz(_program: Command): void {}
export function replayFuzz(_token: FuzzToken): number {
  return 0;
}
