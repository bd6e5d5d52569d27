import { runInDurableObject } from "cloudflare:test";
import { AsyncLocalStorage } from "node:async_hooks";
import { vi } from "vitest";

/** The real clock, for the work that storage and crypto do between two ticks of the false one. */
const realTimeout = globalThis.setTimeout.bind(globalThis);

/** Milliseconds of false time per step, and the real ones given to storage and crypto meanwhile. */
const STEP = 100;
const PAUSE = 4;

/** The Durable Object in which code runs: what waits in an object can only be woken in that object. */
export const runningObject = new AsyncLocalStorage<DurableObjectStub>();

interface Timer {
  readonly due: number;
  readonly ring: () => void;
  readonly object: DurableObjectStub | undefined;
}

let timers: Map<number, Timer> | undefined;
let lastTimer = 0;

/** Whether time stands still. */
export const isTimeStopped = (): boolean => timers !== undefined && vi.isFakeTimers();

/** From now on timers and the date stand still, until {@link inFakeTime} moves them. */
export function stopTime(): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  timers = new Map();
  vi.stubGlobal("setTimeout", (ring: (...args: unknown[]) => void, delay = 0, ...args: unknown[]) => {
    lastTimer += 1;
    const due = Date.now() + delay;
    timers?.set(lastTimer, { due, ring: () => ring(...args), object: runningObject.getStore() });
    return lastTimer;
  });
  vi.stubGlobal("clearTimeout", (timer: number) => timers?.delete(timer));
}

async function advance(milliseconds: number): Promise<void> {
  vi.setSystemTime(Date.now() + milliseconds);
  const due = [...(timers ?? [])]
    .filter(([, timer]) => timer.due <= Date.now())
    .sort(([, one], [, other]) => one.due - other.due);
  for (const [id, { ring, object }] of due) {
    if (timers?.delete(id) !== true) continue;
    if (object === undefined) ring();
    else await runInDurableObject(object, ring);
  }
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
    if (!done) await advance(STEP);
  }
  return { value: await watched, elapsed: Date.now() - begun };
}
