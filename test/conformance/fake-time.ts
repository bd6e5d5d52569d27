import { vi } from "vitest";

/** The real clock, for the work that storage and crypto do between two ticks of the false one. */
const realTimeout = globalThis.setTimeout.bind(globalThis);

/** Milliseconds of false time per step, and the real ones given to storage and crypto meanwhile. */
const STEP = 100;
const PAUSE = 4;

/** From now on timers and the date stand still, until {@link inFakeTime} moves them. */
export function stopTime(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
}

/**
 * Lets false time pass until the work is done.
 * @returns what the work gave, and the false milliseconds it took.
 * @throws when two minutes were not enough
 */
export async function inFakeTime<Value>(work: Promise<Value>): Promise<{ value: Value; elapsed: number }> {
  const begun = Date.now();
  let done = false;
  const watched = work.finally(() => {
    done = true;
  });
  watched.catch(() => undefined);
  while (!done) {
    if (Date.now() - begun > 120_000) throw new Error("still waiting after two minutes of false time");
    await new Promise((resolve) => realTimeout(resolve, PAUSE));
    if (!done) await vi.advanceTimersByTimeAsync(STEP);
  }
  return { value: await watched, elapsed: Date.now() - begun };
}
