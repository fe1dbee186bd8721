import { type Command, InvalidArgumentError } from "commander";
import {
  cHeader,
  cHeaderUpstream,
  errnoTable,
  formatErrnoTable,
  formatFindings,
  LINT_RULES,
  layout,
  lint,
  NEW_ABI,
  PERSONALITIES,
  type Personality,
  SET_MAP_STRUCTS,
  UPSTREAM_ABI,
  UPSTREAM_STRUCTS,
} from "../uapi/index.ts";

const UPSTREAM_OPTION = [
  "--upstream",
  "the part of <linux/vfio.h> that is emulated, instead of what is new",
] as const;

function parsePersonality(value: string): Personality {
  const found = PERSONALITIES.find((p) => p === value);
  if (found === undefined) throw new InvalidArgumentError(`--kernel is one of ${PERSONALITIES.join(", ")}.`);
  return found;
}

const print = (command: Command, text: string): void => command.configureOutput().writeOut?.(text);

/** Ends a command over bad input: exit code 2. */
const usage = (command: Command, message: string): never =>
  command.error(`error: ${message}`, { exitCode: 2, code: "hitless.usage" });

/**
 * Adds `hitless uapi header|layout|lint|errno`: the ABI as a reviewer wants to read it, on standard output.
 *
 * Sets the exit code to 1 on lint findings, 2 on an unknown struct or ioctl.
 */
export function registerUapi(program: Command): void {
  const uapi = program
    .command("uapi")
    .description("show the ABI: C header, struct layout, lint, errno table");

  uapi
    .command("header")
    .description("C header with kernel-doc; compiles alone or after <linux/vfio.h>")
    .option(...UPSTREAM_OPTION)
    .action((options: { upstream?: true }, command: Command) => {
      print(command, options.upstream ? cHeaderUpstream() : cHeader());
    });

  uapi
    .command("layout")
    .description("offsets, sizes, holes and cachelines of structs, 64-bit and i386 side by side")
    .argument("[struct...]", "structs to show (default: all new ones)")
    .option(...UPSTREAM_OPTION)
    .action((names: string[], options: { upstream?: true }, command: Command) => {
      const known = [...SET_MAP_STRUCTS, ...UPSTREAM_STRUCTS];
      const chosen = names.map(
        (name) => known.find((s) => s.name === name) ?? usage(command, `there is no struct '${name}'`),
      );
      const all = options.upstream ? UPSTREAM_STRUCTS : SET_MAP_STRUCTS;
      print(command, layout(chosen.length > 0 ? chosen : all));
    });

  uapi
    .command("lint")
    .description("check the ABI against the kernel's rules; exit 1 if one is broken")
    .option(...UPSTREAM_OPTION)
    .action((options: { upstream?: true }, command: Command) => {
      const abi = options.upstream ? UPSTREAM_ABI : NEW_ABI;
      const findings = lint(abi);
      print(
        command,
        formatFindings(findings) +
          `uapi lint: ${abi.structs.length} structs, ${abi.ioctls.length} ioctls, ${LINT_RULES.length} rules, ` +
          `${findings.length} findings\n`,
      );
      if (findings.length > 0) process.exitCode = 1;
    });

  uapi
    .command("errno")
    .description("why each ioctl fails, in check order; what older kernels answer in brackets")
    .argument("[ioctl...]", "ioctls to show, e.g. VFIO_IOMMU_SET_MAP (default: all)")
    .option("--kernel <version>", `what one kernel answers: ${PERSONALITIES.join(", ")}`, parsePersonality)
    .action((names: string[], options: { kernel?: Personality }, command: Command) => {
      const rows = errnoTable(options.kernel);
      for (const name of names)
        if (!rows.some((r) => r.ioctl === name)) usage(command, `there is no ioctl '${name}'`);
      print(command, formatErrnoTable(names.length > 0 ? rows.filter((r) => names.includes(r.ioctl)) : rows));
    });
}
