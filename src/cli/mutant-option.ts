import { InvalidArgumentError } from "commander";
import { CATALOGUE, type CatalogueEntry } from "../check/mutants/index.ts";

/** Why a command cannot take an entry of the catalogue, as a sentence; null where it can. */
export type Refusal = (entry: CatalogueEntry) => string | null;

/** What needs hardware that no profile has can be run by nobody. */
const notCarried: Refusal = ({ kind, mutant }) => (kind === "not-carried" ? `${mutant.reason}.` : null);

/** A change of maps asks for no report of dirty pages. */
const unreported: Refusal = ({ kind, mutant }) =>
  kind !== "not-carried" && mutant.reports
    ? `It breaks reports of dirty pages, which this command does not ask for; hitless mutants ${mutant.id} and hitless fuzz do.`
    : null;

/** Machines here have one IOMMU, but for those of the kill matrix. */
const behindSeveral: Refusal = ({ kind, mutant }) =>
  kind !== "not-carried" && mutant.iommus
    ? `It needs devices behind ${mutant.iommus} IOMMUs, which this command does not have; hitless mutants ${mutant.id} does.`
    : null;

/** Everything that a change of maps on some profile can have. */
export const decidable: Refusal = (entry) => notCarried(entry) ?? unreported(entry) ?? behindSeveral(entry);

/** A fault of whole calls is no rewriting of scripts, so no running kernel can be made to have it. */
export const onRunningKernel: Refusal = (entry) =>
  notCarried(entry) ??
  behindSeveral(entry) ??
  (entry.kind === "call"
    ? `It is a fault of whole calls, which no running kernel can be made to have; hitless check --inject ${entry.mutant.id} decides it.`
    : null);

/** Of the faults a running kernel can have, those that an access can show. */
export const seenByThreads: Refusal = (entry) =>
  onRunningKernel(entry) ??
  (entry.kind === "script" && !entry.mutant.seenByThreads
    ? `No device thread can see it; ${decidable(entry) === null ? "hitless check --inject" : "hitless mutants"} ${entry.mutant.id} decides it.`
    : null);

/** Ids of the catalogue that a command takes. */
export const idsOf = (refusal: Refusal): string[] =>
  CATALOGUE.filter((entry) => refusal(entry) === null).map(({ mutant }) => mutant.id);

/** A parser of one id; one that is known and cannot be had is told why. */
export const parseMutant =
  (refusal: Refusal) =>
  (id: string): string => {
    const entry = CATALOGUE.find(({ mutant }) => mutant.id === id);
    if (entry === undefined)
      throw new InvalidArgumentError(`There is no mutant '${id}'; known: ${idsOf(refusal).join(", ")}.`);
    const reason = refusal(entry);
    if (reason !== null) throw new InvalidArgumentError(`${id} cannot be injected here. ${reason}`);
    return id;
  };
