/** File and Node options of a worker thread, for a `Piscina` or a `Worker`. */
export interface WorkerEntry {
  readonly filename: string;
  readonly execArgv?: string[];
}

/**
 * Where the worker `name` lives: the TypeScript source, loaded through tsx, when this module itself is a source; the
 * built file otherwise. The layout below the root is the same in both, so one relative path serves.
 */
export function workerEntry(name: string): WorkerEntry {
  const fromSource = import.meta.url.endsWith(".ts");
  const filename = new URL(`../../workers/${name}.${fromSource ? "ts" : "js"}`, import.meta.url).href;
  return fromSource ? { filename, execArgv: ["--import", "tsx"] } : { filename };
}
