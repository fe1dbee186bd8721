import { defineConfig } from "vitest/config";

/*
 * Worker threads in these tests load TypeScript through tsx, so every worker inherits the loader. Files share the modules of the process
 * they run in: no module of this project keeps state of a machine, and loading them anew for each file costs a third of the run.
 */
export default defineConfig({
  test: {
    execArgv: ["--import", "tsx"],
    setupFiles: ["test/helpers/fast-check-seed.ts"],
    pool: "forks",
    isolate: false,
    maxWorkers: 2,
    testTimeout: 60_000,
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: {
          name: "single-thread",
          include: ["test/**/*.test.ts"],
          exclude: ["test/threads/**"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "threads",
          include: ["test/threads/**/*.test.ts"],
          setupFiles: ["test/threads/built-workers.ts"],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
        },
      },
    ],
  },
});
