import { accessSync, constants, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { printScript, type ScriptFile } from "../edit-script/index.ts";
import {
  type CheckCase,
  checkedFinding,
  type DecidedChange,
  printCounterexample,
  scriptFileOf,
} from "../harness/index.ts";
import type { CheckedFinding } from "../report/index.ts";
import { UsageError } from "./usage-error.ts";

/** What concerns whole calls: no script alone shows it. */
const CALL_CLASSES: ReadonlySet<string> = new Set(["V14", "V17"]);

/** Writes the first finding of each class of each strategy to a folder. */
export class CounterexampleFolder {
  readonly #folder: string;
  readonly #saved = new Map<string, string>();

  /**
   * Finds out before anything is decided whether the folder can be made and written to, and leaves no trace of that.
   * Errors: UsageError.
   */
  constructor(folder: string) {
    this.#folder = folder;
    const first = this.#make();
    if (first === undefined) return;
    let made = resolve(folder);
    for (; made !== resolve(first); made = dirname(made)) rmdirSync(made);
    rmdirSync(made);
  }

  /** Makes the folder, if nothing was saved yet: a result with nothing to save is one as well. Errors: UsageError. */
  make(): void {
    this.#make();
  }

  /** Returns the outermost folder that had to be made. */
  #make(): string | undefined {
    try {
      const first = mkdirSync(resolve(this.#folder), { recursive: true });
      accessSync(this.#folder, constants.W_OK | constants.X_OK);
      return first;
    } catch (error) {
      throw new UsageError(
        `option '--save ${this.#folder}': no folder can be made (${(error as Error).message})`,
      );
    }
  }

  /** Paths written, in order. */
  get files(): readonly string[] {
    return [...this.#saved.values()];
  }

  /**
   * Saves what a change shows for the first time, twice: as the maps, which run the kernel again, and as the edit script
   * in its text form, which is judged as it stands.
   */
  save(how: CheckCase, modes: readonly ("strong" | "weak")[], strategy: string, change: DecidedChange): void {
    for (const found of change.findings) {
      const key = `${strategy}-${found.class}`;
      if (this.#saved.has(key)) continue;
      const stem = join(this.#folder, `${key}-change-${change.step}`);
      this.#saved.set(key, `${stem}.json`);
      const finding = checkedFinding(
        found,
        { step: change.step, label: change.to.label },
        `hitless replay ${stem}.json`,
      );
      const { sequence } = how;
      this.#write(
        `${stem}.json`,
        printCounterexample(how, { strategy, modes: [...modes], step: change.step, sequence, finding }),
      );
      if (CALL_CLASSES.has(found.class)) continue;
      this.#saved.set(`${key}.script`, `${stem}.script`);
      this.#write(
        `${stem}.script`,
        `# ${found.class} in ${strategy}, change ${change.step}: ${found.met}\n${printScript(scriptFileOf(change))}`,
      );
    }
  }

  /** Saves the script of a call that shows a finding, unless one of its class is saved already. */
  saveScript(found: CheckedFinding, source: string, script: ScriptFile): void {
    const key = `script-${found.class}`;
    if (this.#saved.has(key)) return;
    const { step, label, line } = found.changes[0]!;
    const path = join(this.#folder, `${key}-call-${step}.script`);
    this.#saved.set(key, path);
    const call =
      line === undefined ? "" : `, call ${step}${label === "" ? "" : ` '${label}'`} in line ${line}`;
    this.#write(path, `# ${found.class} in ${source}${call}: ${found.met}\n${printScript(script)}`);
  }

  /** Saves a smaller script beside the one of the call. */
  saveShrunkScript(found: CheckedFinding, source: string, script: ScriptFile): void {
    const key = `script-${found.class}`;
    const path = this.#saved.get(key)!.replace(/\.script$/, ".shrunk.script");
    this.#saved.set(`${key}.shrunk`, path);
    this.#write(path, `# ${found.class}, made of ${source}: ${found.met}\n${printScript(script)}`);
  }

  /** Puts a smaller counterexample in the place of one that was saved. */
  replace(strategy: string, violation: string, text: string): string | null {
    const path = this.#saved.get(`${strategy}-${violation}`);
    if (path === undefined) return null;
    const shrunk = path.replace(/\.json$/, ".shrunk.json");
    this.#write(shrunk, text);
    this.#saved.set(`${strategy}-${violation}.shrunk`, shrunk);
    return shrunk;
  }

  #write(path: string, text: string): void {
    this.#make();
    try {
      writeFileSync(path, text);
    } catch (error) {
      throw new UsageError(`option '--save ${this.#folder}': ${(error as Error).message}`);
    }
  }
}
