import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Language = "c" | "c++";
export type Width = "-m64" | "-m32";

/** Set to 1 where there is no compiler: the header is then not checked, and the run says so. */
export const SKIP_VARIABLE = "HITLESS_SKIP_COMPILER";

const commands: Record<Language, string> = { c: "gcc", "c++": "g++" };

const typesShim = `#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef signed int __s32;
typedef unsigned int __u32;
typedef unsigned long long __u64;
#define __aligned_u64 __u64 __attribute__((aligned(8)))
#endif
`;

const ioctlShim = `#ifndef SHIM_LINUX_IOCTL_H
#define SHIM_LINUX_IOCTL_H
#define _IO(type, nr) (((type) << 8) | (nr))
#endif
`;

export interface Compilation {
  readonly ok: boolean;
  /** What the compiler said. */
  readonly output: string;
}

/**
 * gcc and g++ in syntax-only mode. Where the installed kernel headers do not serve -m32 (Debian keeps <asm/types.h> per
 * architecture), a shim of the two headers we include stands in; everything else still comes from the machine.
 */
export class Compiler {
  readonly #directory = mkdtempSync(join(tmpdir(), "hitless-uapi-"));
  readonly #shimmed = new Map<string, boolean>();

  constructor() {
    mkdirSync(join(this.#directory, "shim/linux"), { recursive: true });
    writeFileSync(join(this.#directory, "shim/linux/types.h"), typesShim);
    writeFileSync(join(this.#directory, "shim/linux/ioctl.h"), ioctlShim);
  }

  /** What is missing on this machine, or null. */
  missing(): string | null {
    const absent = Object.values(commands).filter((c) => spawnSync(c, ["--version"]).status !== 0);
    return absent.length === 0
      ? null
      : `${absent.join(" and ")} not found: the C header was NOT checked. Install it, or set ${SKIP_VARIABLE}=1 to go without.`;
  }

  header(name: string, text: string): void {
    writeFileSync(join(this.#directory, name), text);
  }

  /** True iff a compilation for `width` uses the shim instead of the machine's <linux/types.h>. */
  usesShim(language: Language, width: Width): boolean {
    const key = `${language} ${width}`;
    let shimmed = this.#shimmed.get(key);
    if (shimmed === undefined) {
      const probe = "#include <linux/types.h>\n#include <linux/ioctl.h>\n__u64 probe;\n";
      shimmed = !this.#run(language, [width], probe).ok;
      this.#shimmed.set(key, shimmed);
    }
    return shimmed;
  }

  compile(language: Language, width: Width, source: string, warnings: readonly string[] = []): Compilation {
    const shim = this.usesShim(language, width) ? ["-I", join(this.#directory, "shim")] : [];
    return this.#run(
      language,
      [width, "-Wall", "-Wextra", "-Werror", ...warnings, "-I", this.#directory, ...shim],
      source,
    );
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #run(language: Language, options: readonly string[], source: string): Compilation {
    const run = spawnSync(commands[language], [...options, "-x", language, "-fsyntax-only", "-"], {
      input: source,
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" },
    });
    return { ok: run.status === 0, output: run.stderr };
  }
}
