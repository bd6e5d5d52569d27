import type { Next } from "hono";
import type { AppContext } from "./request-context.ts";

/**
 * Middleware that shows a developer's browser how long the steps of a login took: `Server-Timing` (W3C Server
 * Timing, durations in milliseconds). Only ever on localhost; elsewhere the log has them, and a visitor learns
 * nothing of what is slow here.
 */
export function showStepTimes(c: AppContext, next: Next): Promise<void> {
  return c.env.settings.site.isLocal ? answerWithStepTimes(c, next) : next();
}

async function answerWithStepTimes(c: AppContext, next: Next): Promise<void> {
  await next();
  const { stepTimes, receivedAt } = c.env;
  const times = Object.entries({ ...stepTimes, total: Date.now() - receivedAt });
  c.res.headers.set("server-timing", times.map(([step, duration]) => `${step};dur=${duration}`).join(", "));
}
