import {
  type CheckInput,
  type CheckResult,
  callsOf,
  check,
  type Finding,
  type MemoryMode,
  type ReaderInput,
} from "../../check/index.ts";
import { isCallMutant } from "../../check/mutants/index.ts";
import { CACHE_IOTLB, CACHE_WALK, CACHES_ALL, type ScriptIoctl } from "../../edit-script/index.ts";
import { EngineBug } from "../../engine/index.ts";
import { KernelBug } from "../../kernel/fault-injection.ts";
import type { Pfn } from "../../units/index.ts";
import { EMPTY_MAP, type MapRegion, type MapSequence, type MapStep, type Strategy } from "../../vmm/index.ts";
import { hasAts, StressMachine } from "../stress/machine.ts";
import { decideBrokenCalls } from "./broken-calls.ts";
import { FrameRunMaps } from "./frame-runs.ts";
import { GuestMaps } from "./guest-maps.ts";
import type { CheckCase } from "./options.ts";
import { ScriptRecorder } from "./script-recorder.ts";
import { united } from "./united.ts";

/** One map change, decided. */
export interface DecidedChange {
  /** Position in the sequence of the map the change leads to. */
  readonly step: number;
  /** Which time round, from 1. */
  readonly pass: number;
  readonly to: MapStep;
  readonly ioctls: number;
  readonly scripts: number;
  /** Valid until the next change. */
  readonly input: CheckInput | ReaderInput;
  readonly recorder: { tablesBefore(): readonly Pfn[]; ioctls(): readonly ScriptIoctl[] };
  /** One result a mode. */
  readonly results: readonly CheckResult[];
  /** Of all modes; what shows in both is given as strong. */
  readonly findings: readonly Finding[];
  /** What the broken kernel ran into while it executed the script, or null. The machine cannot go on then. */
  readonly crash: Error | null;
}

/** Which changes to decide, and how thoroughly. */
export interface DecidedSteps {
  /** The way from the last map back to the first as well. */
  readonly cyclic?: boolean;
  /**
   * Round and round until a pass ends with the extents it began with: what a strategy that works from extents does depends
   * on how they came about. At most four passes. Pre: `cyclic`.
   */
  readonly untilSettled?: boolean;
  /** Only the change into this map; the ones before it are made and not decided. */
  readonly only?: number;
  /**
   * With `only`: that change of this pass, from 1; the passes before it are made and not decided. Once a pass begins with the
   * extents that an earlier one began with, passes repeat themselves, and the first that is like the wanted one stands
   * for it. Pre: 1, or `cyclic`.
   */
  readonly pass?: number;
  /** Name the cause of what is found first; default true. */
  readonly causes?: boolean;
}

/** A strategy that has not come back to the same extents by then will not soon. */
const MOST_PASSES = 4;

/** Strategies that give the kernel the whole map in one call. */
const ONE_CALL: ReadonlySet<string> = new Set(["set-map", "epoch"]);

/**
 * Takes a kernel without threads through a sequence of maps and decides each change: every interleaving of all its edit
 * scripts with a device access. A sequence of one map is decided as the change from the empty map.
 *
 * `steps` are the positions to decide, by default all but the first. Errors: StressError when the kernel refuses a map.
 */
export function* decideChanges(
  how: CheckCase,
  strategy: Strategy,
  modes: readonly MemoryMode[],
  steps: DecidedSteps = {},
): Generator<DecidedChange> {
  const sequence = withStart(how.sequence);
  const { mutant } = how;
  if (isCallMutant(mutant)) {
    yield* decideBrokenCalls({ ...how, mutant, sequence }, strategy, modes, steps, how.sequence);
    return;
  }
  const machine = new StressMachine(
    {
      ...how,
      mutant,
      sequence,
      input: sequence.name,
      strategies: [strategy],
      devices: 1,
      timeMs: 0,
      perturb: false,
      replay: () => "",
    },
    strategy,
  );
  const { kernel, vm, maps } = machine;
  const frames = new FrameRunMaps(vm.guest);
  const recorder = new ScriptRecorder(kernel);
  vm.container.observer = (call) => recorder.call(call);
  const explained = new Set<string>();
  const isExplained = steps.causes ?? true;
  const route = sequence.steps.map((to, step) => ({ to, step })).slice(1);
  if (steps.cyclic && sequence.steps.length > 1) route.push({ to: sequence.steps[0]!, step: 0 });
  const offset = how.sequence.steps.length - sequence.steps.length;
  /** Extents at the start of each pass. */
  const starts: string[] = [];
  let wantedPass = steps.pass ?? 1;
  const passes = steps.untilSettled ? MOST_PASSES : wantedPass;
  for (const { to, step: place, pass } of repeated(route, passes)) {
    if (place === route[0]!.step) {
      const now = extentsKey(vm.container.extents);
      if (steps.untilSettled && now === starts.at(-1)) break;
      const like = starts.lastIndexOf(now) + 1;
      if (like > 0 && pass < wantedPass) wantedPass = pass + ((wantedPass - pass) % (pass - like));
      starts.push(now);
    }
    const step = place + offset;
    const isWanted = steps.only === undefined || (steps.only === step && pass === wantedPass);
    const old = machine.current.map;
    const extentsBefore = vm.container.extents.slice();
    recorder.begin();
    let ioctls = 0;
    let crash: Error | null = null;
    try {
      ioctls = machine.apply(to);
    } catch (error) {
      if (mutant === null || !(error instanceof EngineBug || error instanceof KernelBug)) throw error;
      crash = error;
    }
    if (isWanted) {
      const guestMaps = new GuestMaps(frames, maps, {
        isOneCall: ONE_CALL.has(strategy.name),
        old,
        next: to.map,
        extentsBefore,
        extentsAfter: vm.container.extents,
      });
      const script = recorder.whole();
      const input: ReaderInput = {
        capability: kernel.capability,
        domains: recorder.domainsBefore(),
        deviceCaches: hasAts(strategy) ? CACHES_ALL : CACHE_IOTLB | CACHE_WALK,
        isEpoch: strategy.isEpoch ?? false,
        tables: recorder.before(),
        script,
        maps: guestMaps,
        pinsTaken: crash === null ? guestMaps.pinsTaken() : null,
        calls: callsOf(recorder.ioctls(), script.steps),
        isRepinned: !ONE_CALL.has(strategy.name),
      };
      const scripts = recorder.scripts.length;
      const results = modes.map((mode) => decide(input, mode, isExplained ? explained : null));
      yield { step, pass, to, ioctls, scripts, input, recorder, results, findings: united(results), crash };
      if (steps.only !== undefined) break;
    }
    if (crash !== null) break;
  }
  recorder.close();
}

/** The changes again and again, each with the number of the pass. */
function* repeated<Change extends object>(
  route: readonly Change[],
  passes: number,
): Generator<Change & { readonly pass: number }> {
  for (let pass = 1; pass <= passes; pass++) for (const change of route) yield { ...change, pass };
}

const extentsKey = (extents: readonly MapRegion[]): string =>
  extents.map((e) => [e.iovaPfn, e.pages, e.backing, e.offsetPages, e.rights].join(" ")).join("\n");

/**
 * Decides one change. What lies between two calls has its cause named at once. To name any other is to decide the script
 * again and again, so it is done for the first change that shows a class (not in `explained`, if given); the next hundred
 * such changes of a boot have the same cause.
 */
function decide(input: ReaderInput, mode: MemoryMode, explained: Set<string> | null): CheckResult {
  const result = check(input, { mode, causes: false });
  if (explained === null) return result;
  const news = result.findings.filter((f) => f.cause === null && !explained.has(`${mode} ${f.class}`));
  if (news.length === 0) return result;
  const named = check(input, { mode });
  for (const f of named.findings) explained.add(`${mode} ${f.class}`);
  return named;
}

/** A single map is the change to it from nothing. */
function withStart(sequence: MapSequence): MapSequence {
  if (sequence.steps.length !== 1) return sequence;
  const empty: MapStep = {
    label: "nothing mapped",
    map: EMPTY_MAP,
    origin: sequence.steps[0]!.origin,
    skipped: [],
  };
  return { ...sequence, steps: [empty, ...sequence.steps] };
}
