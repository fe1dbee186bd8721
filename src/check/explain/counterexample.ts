import type { Finding } from "../finding.ts";

/** How a finding is named so that it can be decided again; whoever holds the inputs fills it in. */
export interface Replay {
  /** One short line, to be pasted behind `hitless replay`. */
  token(finding: Finding): string;
}

/** How a counterexample is printed. */
export interface PrintOptions {
  /** Characters a line may take. Default 110. */
  readonly columns?: number;
  readonly replay?: Replay;
}

const WHO = ["kernel", "device", "caches"] as const;
const address = (page: number): string => "0x" + (BigInt(page) * 4096n).toString(16);

/** A finding as text: what, where, why, and the interleaving in one column for each of kernel, device and caches. */
export function printCounterexample(finding: Finding, options: PrintOptions = {}): string {
  const lines = [title(finding), `  rule   ${finding.rule}`, `  met    ${finding.met}`];
  if (finding.cause !== null) {
    const step = finding.causeStep > 0 ? ` (step ${finding.causeStep})` : "";
    lines.push(`  cause  ${finding.cause}: ${finding.causeText}${step}`);
  }
  if (finding.page !== null) {
    const others = finding.ranges.length > 1 ? ` in ${finding.ranges.length} ranges` : "";
    const access = finding.access === "any" ? "any access" : `a ${finding.access}`;
    lines.push(
      `  shown  ${access} to IOVA ${address(finding.page)} of domain ${finding.domain}; ` +
        `it stands for ${finding.pages} ${finding.pages === 1 ? "page" : "pages"}${others}`,
    );
  }
  if (finding.events.length > 0) lines.push("", ...table(finding, options.columns ?? 110));
  if (options.replay !== undefined)
    lines.push("", `  replay: hitless replay ${options.replay.token(finding)}`);
  return lines.join("\n") + "\n";
}

function title(finding: Finding): string {
  const range = finding.ranges[0];
  const where = range === undefined ? "" : ` at IOVA ${address(range.start)} to ${address(range.end)}`;
  const shows = finding.shows === finding.class ? "" : `as ${finding.shows} `;
  const weak = finding.mode === "weak" ? `, shows ${shows}on a weakly ordered host only` : "";
  return `${finding.class}${where}${weak}`;
}

function table(finding: Finding, columns: number): string[] {
  const width = Math.max(24, Math.floor((columns - 8 - 2 * 3) / 3));
  const row = (step: string, cells: readonly string[]): string =>
    `  ${step.padStart(4)}  ${cells.map((cell) => cell.padEnd(width)).join(" | ")}`.trimEnd();
  const rule = `  ${"-".repeat(4)}--${WHO.map(() => "-".repeat(width)).join("-+-")}`;
  const lines = [row("step", WHO), rule];
  let call = "";
  for (const event of finding.events) {
    if (event.call !== undefined && event.call !== call) lines.push(`        ${(call = event.call)}`);
    const column = WHO.indexOf(event.who);
    wrapped(event.text, width).forEach((text, i) => {
      const cells = WHO.map((_, c) => (c === column ? text : ""));
      lines.push(row(i === 0 && event.who === "kernel" ? String(event.step) : "", cells));
    });
  }
  return lines;
}

/** Breaks text at spaces so that no piece is longer than `width`, as far as words allow. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
