import { vi } from "vitest";

/** Stops the clock, for the worker and its Durable Objects alike. Timers run on. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  // A whole second, so that a test can count in seconds.
  vi.setSystemTime(Math.ceil(Date.now() / 1000) * 1000);
}

/** Turns a stopped clock on. */
export function wait(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

/** Seconds since the epoch. */
export const seconds = (): number => Math.floor(Date.now() / 1000);
