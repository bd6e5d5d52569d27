import type { Next } from "hono";
import { Failure } from "../failure.ts";
import { withinTime } from "../time-limit.ts";
import type { AppContext } from "./request-context.ts";

/** Milliseconds after which a visitor has an answer, whatever is slow: the provider, storage, or all of it. */
const TIME_LIMIT = 9_500;

/**
 * The last line behind the time limits of each single call, which could add up to more than anybody waits.
 * @throws {Failure} `too_slow`. What was begun goes on where it must not be left half done (`waitUntil`).
 */
export async function answerInTime(_c: AppContext, next: Next): Promise<void> {
  await withinTime(TIME_LIMIT, next(), () => {
    throw new Failure("too_slow", { stage: "site" });
  });
}

/** Whether the visitor has been told by now that it took too long: what is made from here on, nobody gets. */
export function isTooLate(c: AppContext): boolean {
  return Date.now() - c.env.receivedAt >= TIME_LIMIT;
}
