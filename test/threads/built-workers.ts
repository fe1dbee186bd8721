import { vi } from "vitest";

/*
 * Loaded before every file of this folder. Each device is a thread that loads its own modules, and to do that through tsx costs a
 * pair of devices half a second of both CPUs: with a fresh build they load what was built, as they do where the program is installed.
 */
vi.mock("../../src/harness/worker-entry.ts", async (original) => {
  const { isBuilt } = await import("../helpers/fresh-build.ts");
  if (!isBuilt) return original();
  return {
    workerEntry: (name: string) => ({
      filename: new URL(`../../dist/workers/${name}.js`, import.meta.url).href,
      // Else it would inherit the loader of this process.
      execArgv: [],
    }),
  };
});
