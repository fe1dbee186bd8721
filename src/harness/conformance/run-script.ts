import type { KernelOptions } from "../../kernel/index.ts";
import * as containers from "./container-operations.ts";
import * as dma from "./dma-operations.ts";
import { extentFields } from "./extents.ts";
import * as memory from "./memory-operations.ts";
import { type Answer, errnoText, type Outcome, resultText } from "./row.ts";
import type { Operation, Script } from "./script.ts";
import { type ExtentsWindow, type IommuVersion, Session } from "./session.ts";

type Run = (session: Session, operation: Operation) => Outcome;

/** What each operation does; the names are those of the grammar. */
const RUNS: Readonly<Record<string, Run>> = {
  setup: containers.setup,
  container: (session, { words }) => ({ result: containers.openContainer(session, words[0]!) }),
  group: (session, operation) => ({
    result: containers.openGroup(session, operation.words[0]!, session.key(operation, "index", 0n)),
  }),
  file: (session, { words }) => ({ result: session.opened(words[0]!, session.process.open(words[1]!)) }),
  close: (session, { words }) => containers.close(session, words[0]!),
  attach: (session, { words, keys }) => ({
    result: containers.attach(session, words[0]!, session.fd(words[1]!), keys.get("place")),
  }),
  detach: (session, { words }) => containers.detach(session, words[0]!),
  "set-iommu": containers.setIommu,
  "api-version": containers.apiVersion,
  "check-ext": containers.checkExtension,
  "group-status": containers.groupStatus,
  "device-fd": containers.deviceFd,
  getinfo: containers.getInfo,
  raw: containers.raw,
  param: containers.writeParameter,
  mem: memory.mem,
  munmap: memory.changeMemory,
  mprotect: memory.changeMemory,
  remap: memory.changeMemory,
  touch: memory.changeMemory,
  rlimit: memory.rlimit,
  drop: memory.drop,
  map: dma.map,
  "map-many": dma.mapMany,
  unmap: dma.unmap,
  "unmap-all": dma.unmap,
  "unmap-dirty": dma.unmap,
  dirty: dma.dirty,
  "dirty-get": dma.dirtyGet,
  locked: (session) => ({ result: 0, fields: [dma.locked(session)] }),
  extents: (session, operation) => ({
    result: 0,
    fields: extentFields(session, windowOf(session, operation)),
  }),
  "auto-extents": (session, operation) => {
    session.autoExtents = windowOf(session, operation);
    return { result: 0 };
  },
  trace: () => ({ result: 0 }),
};

function windowOf(session: Session, operation: Operation): ExtentsWindow {
  const step = session.key(operation, "step", 4096n);
  if (step === 0n) throw session.complaint(operation, "step= of at least one byte", "0");
  return {
    low: session.number(operation, operation.words[0]!),
    high: session.number(operation, operation.words[1]!),
    step,
    container: session.container(operation),
  };
}

const CHANGES_MAPPINGS = new Set(["map", "map-many", "unmap", "unmap-all", "unmap-dirty"]);

/**
 * Runs a script in a fresh process on a freshly booted kernel. Lines in `skipped` are not executed; they have no answer.
 * Throws InputError for a symbol that no line made.
 */
export function runScript(
  script: Script,
  version: IommuVersion,
  options: KernelOptions,
  skipped: ReadonlySet<number> = new Set(),
): Answer[] {
  const session = new Session(script.file, version, options);
  const answers: Answer[] = [];
  for (const operation of script.operations) {
    if (skipped.has(operation.line)) continue;
    const lockedBefore = session.process.mm.lockedVm;
    const outcome = RUNS[operation.name]!(session, operation);
    const fields = [...(outcome.fields ?? [])];
    if (session.autoExtents !== null && CHANGES_MAPPINGS.has(operation.name))
      fields.push(...extentFields(session, session.autoExtents));
    answers.push({
      line: operation.line,
      operation: operation.text,
      result: resultText(outcome.result),
      errno: errnoText(outcome.result),
      fields: fields.join(" "),
      dirty: outcome.dirty ?? null,
      lockedBefore,
    });
  }
  session.end();
  return answers;
}
