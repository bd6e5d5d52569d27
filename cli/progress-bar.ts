// How far a long task has come, on the terminal; without one, a line now and then.

const WIDTH = 30;
/** Milliseconds between two lines where there is no terminal. */
const LINE_EVERY = 10_000;
/** Milliseconds between two pictures on a terminal. */
const DRAW_EVERY = 100;

export interface ProgressBar {
  /** @param part of the task that is done, from 0 to 1 */
  update(part: number, text: string): void;
  /** Takes the bar off the terminal. */
  done(): void;
}

/** @param label what is being done */
export function startProgress(label: string, stream: NodeJS.WriteStream = process.stderr): ProgressBar {
  const interval = stream.isTTY ? DRAW_EVERY : LINE_EVERY;
  let drawn = stream.isTTY ? 0 : Date.now();
  return {
    update(part, text) {
      const now = Date.now();
      if (now - drawn < interval) return;
      drawn = now;
      const done = Math.min(1, Math.max(0, part));
      const percent = `${Math.floor(done * 100)} %`.padStart(5);
      if (!stream.isTTY) {
        stream.write(`${label} ${percent.trim()}, ${text}\n`);
        return;
      }
      const full = Math.round(done * WIDTH);
      const bar = "█".repeat(full) + "░".repeat(WIDTH - full);
      const line = `${label.padEnd(9)} ${bar} ${percent}  ${text}`;
      stream.write(`\r\u001b[2K${line.slice(0, Math.max(20, (stream.columns ?? 80) - 1))}`);
    },
    done() {
      if (stream.isTTY) stream.write("\r\u001b[2K");
    },
  };
}
