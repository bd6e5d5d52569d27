import type { Context } from "hono";
import type { Settings } from "../settings.ts";
import type { StepTimes } from "../step-times.ts";
import type { ProviderAccess } from "../vipps/metadata.ts";

/** What every handler gets: the settings of the site the request came to, and when the request came. */
export interface AppEnv {
  readonly Bindings: {
    readonly settings: Settings;
    /** Milliseconds since the epoch. */
    readonly receivedAt: number;
    /** Filled on the way. */
    readonly stepTimes: StepTimes;
  };
}

export type AppContext = Context<AppEnv>;

/**
 * How long everything the provider has to do with one request may take together, in milliseconds: enough for a
 * slow provider, and it leaves time for our own storage before a visitor gives up.
 */
export const PROVIDER_TIME = 7_000;

export function providerAccess(c: AppContext): ProviderAccess {
  const { settings, receivedAt, stepTimes } = c.env;
  return {
    relyingParty: settings.relyingParty,
    store: settings.storage.metadata,
    answerBy: receivedAt + PROVIDER_TIME,
    stepTimes,
    background: (work) => c.executionCtx.waitUntil(work),
  };
}
