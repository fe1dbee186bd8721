import cliProgress from "cli-progress";

/** What a long run tells whoever waits for it. */
export interface ProgressView {
  /** Share of the work done, 0 to 1, and what is going on. */
  update(share: number, text: string): void;
  stop(): void;
}

const STEPS = 1000;

/** A bar on a terminal; nothing at all in a log. `stream` is standard error: results own standard output. */
export function progressView(stream: NodeJS.WriteStream, wanted: boolean): ProgressView {
  if (!wanted || !stream.isTTY) return { update: () => {}, stop: () => {} };
  const bar = new cliProgress.SingleBar({
    format: "{bar} {percentage}% {text}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 30,
    stream,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
  });
  bar.start(STEPS, 0, { text: "" });
  return {
    update: (share, text) => bar.update(Math.round(share * STEPS), { text }),
    stop: () => bar.stop(),
  };
}
