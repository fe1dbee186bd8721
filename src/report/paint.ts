/** How a printer stresses text; whoever owns the terminal decides what it does. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

const same = (text: string): string => text;

/** No colour at all: logs, pipes, files. */
export const PLAIN: Paint = { bold: same, dim: same, red: same, green: same, yellow: same };
