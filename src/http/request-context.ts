import type { Context } from "hono";
import type { Settings } from "../settings.ts";
import type { ProviderAccess } from "../vipps/metadata.ts";

/** What every handler gets: the settings of the site the request came to. */
export interface AppEnv {
  readonly Bindings: { readonly settings: Settings };
}

export type AppContext = Context<AppEnv>;

export function providerAccess(c: AppContext): ProviderAccess {
  const { relyingParty, storage } = c.env.settings;
  return {
    relyingParty,
    store: storage.metadata,
    background: (work) => c.executionCtx.waitUntil(work),
  };
}

/** Whether the client reads JSON rather than pages: it asks for JSON and not for HTML. */
export function prefersJson(headers: Headers): boolean {
  const accept = headers.get("accept") ?? "";
  return /\bapplication\/(problem\+)?json\b/i.test(accept) && !/\btext\/html\b/i.test(accept);
}
