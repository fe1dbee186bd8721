import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { SAMPLE_MS, WrongOutcome } from "./row.ts";

/**
 * The C yardstick (bench/yardstick/*.c): compiled here, one warm process a build, asked over stdin and stdout.
 */
export class Yardstick {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  /** e.g. `cc -O2`. */
  readonly build: string;

  constructor(build: string, program: string) {
    this.build = build;
    this.#child = spawn(program, { stdio: ["pipe", "pipe", "pipe"] });
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#waiting.shift()?.resolve(line));
    this.#child.on("exit", (code, signal) => {
      for (const w of this.#waiting.splice(0))
        w.reject(new Error(`yardstick (${build}): ended with ${signal ?? code}`));
    });
  }

  /** Nanoseconds per operation: one or two numbers. Throws WrongOutcome when the C side's own check fails. */
  async ask(command: string): Promise<number[]> {
    const line = await new Promise<string>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${command} ${SAMPLE_MS}\n`);
    });
    if (!line.startsWith("ok ")) throw new WrongOutcome(`yardstick (${this.build}) '${command}': ${line}`);
    return line.slice(3).split(" ").map(Number);
  }

  close(): void {
    this.#child.stdin.end();
  }
}

export interface Yardsticks {
  readonly builds: readonly Yardstick[];
  /** First line of `cc --version`, or null when there is no C compiler. */
  readonly compiler: string | null;
  close(): void;
}

/** Compiles the yardstick with -O2 and -O3. Without a C compiler there are no builds and `compiler` is null. */
export function startYardsticks(): Yardsticks {
  const version = compilerVersion();
  if (version === null) return { builds: [], compiler: null, close: () => {} };
  const sources = sourceFolder();
  const files = readdirSync(sources)
    .filter((name) => name.endsWith(".c"))
    .map((name) => join(sources, name));
  const folder = mkdtempSync(join(tmpdir(), "hitless-yardstick-"));
  const builds = ["-O2", "-O3"].map((level) => {
    const program = join(folder, `yardstick${level}`);
    execFileSync("cc", [level, "-std=gnu11", "-Wall", "-Wextra", "-pthread", ...files, "-o", program], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    return new Yardstick(`cc ${level}`, program);
  });
  return {
    builds,
    compiler: version,
    close: () => {
      for (const build of builds) build.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function compilerVersion(): string | null {
  try {
    return execFileSync("cc", ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .split("\n")[0]!
      .trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** bench/yardstick, seen from bench/ as well as from dist/bench/. */
function sourceFolder(): string {
  for (let at = import.meta.dirname; ; at = dirname(at)) {
    if (existsSync(join(at, "bench/yardstick/main.c"))) return join(at, "bench/yardstick");
    if (at === dirname(at)) throw new Error(`no bench/yardstick above ${import.meta.dirname}`);
  }
}
