import type { MiddlewareHandler } from "hono";
import { Failure, type Stage } from "../failure.ts";
import { logEvent } from "../log.ts";
import type { Settings } from "../settings.ts";
import { clientNetwork, widerNetwork } from "./client-network.ts";
import type { AppEnv } from "./request-context.ts";

/** The longest period a rate limiter of Cloudflare's counts over, in seconds: after it, one may try again. */
const PERIOD = 60;

/**
 * Middleware that lets one network start or finish only so many logins a minute, as wrangler.toml says, and an IPv6
 * network of many such networks only so many more. Without the bindings, and for visitors on this machine, there is
 * no limit; neither when the limiter itself fails.
 * @param step which of the two limiters counts.
 * @param what is counted apart from logins, if it is no login.
 * @throws {Failure} `rate_limited`, with `Retry-After`.
 */
export function limitPerNetwork(
  step: "start" | "finish",
  stage: Stage,
  what = "",
): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const { limiters, site } = c.env.settings;
    const { headers } = c.req.raw;
    const admitted = await Promise.all([
      admits(limiters[step], site.origin, clientNetwork(headers), what),
      admits(limiters.wide, site.origin, widerNetwork(headers), what || step),
    ]);
    if (admitted.includes(false)) throw tooMany(stage);
    await next();
  };
}

/**
 * Lets one of many sites finish only so many logins a minute, from whatever networks they come: the objects that
 * finish logins are all sites'. Ask once a login is known to have begun here, so that nobody uses a site's share up
 * with what costs them nothing.
 * @throws {Failure} `rate_limited`, with `Retry-After`; nothing of the login is used up.
 */
export async function limitPerSite({ limiters, site }: Settings, stage: Stage): Promise<void> {
  if (!(await admits(limiters.site, site.origin, "all networks", ""))) throw tooMany(stage);
}

const tooMany = (stage: Stage) => new Failure("rate_limited", { stage, retryAfter: PERIOD });

async function admits(
  limiter: RateLimit | undefined,
  origin: string,
  network: string | undefined,
  what: string,
): Promise<boolean> {
  if (limiter === undefined || network === undefined) return true;
  try {
    return (await limiter.limit({ key: `${origin} ${network} ${what}`.trim() })).success;
  } catch {
    logEvent("warn", "rate_limiter_failed", origin);
    return true;
  }
}
