import type { Context } from "hono";
import type { Settings } from "../settings.ts";
import type { ProviderAccess } from "../vipps/provider.ts";
import type { VippsSession } from "../vipps-session.ts";
import type { StepTimes } from "../waiting.ts";
import type { SitePath } from "./request-path.ts";

/** What every handler gets: the settings of the site the request came to, and when the request came. */
export interface AppEnv {
  readonly Bindings: {
    readonly settings: Settings;
    /** The path that was asked for, read once for all; `undefined` where it can be read in several ways. */
    readonly path: SitePath | undefined;
    /** Milliseconds since the epoch. */
    readonly receivedAt: number;
    /** Filled on the way. */
    readonly stepTimes: StepTimes;
    /** What the request was answered with: the environment, for what staff of the deployment ask of all its sites. */
    readonly deployment: Cloudflare.Env;
    /** Answers what is not ours in place of assets and origin, where the project says so itself. */
    readonly behind?: Behind | undefined;
  };
}

/**
 * What a project has behind the login.
 * @param request for the canonical path, as the visitor sent it.
 * @param session who is logged in; `undefined` for nobody, who only gets here where no login is needed.
 */
export type Behind = (request: Request, session: VippsSession | undefined) => Response | Promise<Response>;

export type AppContext = Context<AppEnv>;

/** Answers a request. */
export type Handler = (c: AppContext) => Response | Promise<Response>;

/** Makes of a handler one that does something before or behind it. */
export type Around = (handle: Handler) => Handler;

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
