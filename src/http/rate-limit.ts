import type { MiddlewareHandler } from "hono";
import { Failure, type Stage } from "../failure.ts";
import { logEvent } from "../log.ts";
import { clientNetwork } from "./client-network.ts";
import type { AppEnv } from "./request-context.ts";

/** The longest period a rate limiter of Cloudflare's counts over, in seconds: after it, one may try again. */
const PERIOD = 60;

/**
 * Middleware that lets one network start or finish only so many logins a minute, as wrangler.toml says. Without
 * the binding, and for visitors on this machine, there is no limit; neither when the limiter itself fails.
 * @param step which of the two limiters counts.
 * @throws {Failure} `rate_limited`, with `Retry-After`.
 */
export function limitPerNetwork(step: "start" | "finish", stage: Stage): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const { limiters, site } = c.env.settings;
    const limiter = limiters[step];
    const network = clientNetwork(c.req.raw.headers);
    if (
      limiter !== undefined &&
      network !== undefined &&
      !(await admits(limiter, `${site.origin} ${network}`))
    )
      throw new Failure("rate_limited", { stage, retryAfter: PERIOD });
    await next();
  };
}

async function admits(limiter: RateLimit, key: string): Promise<boolean> {
  try {
    return (await limiter.limit({ key })).success;
  } catch {
    logEvent("warn", "rate_limiter_failed");
    return true;
  }
}
