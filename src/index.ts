import type { MakeRegistry } from "./accounts/registry.ts";
import { useRegistry } from "./accounts/site-accounts.ts";
import { handleRequest } from "./app.ts";
import type { VippsLoginEnv } from "./environment.ts";
import { deliverEvents } from "./events/deliver-events.ts";
import type { VippsLoginEvent } from "./events/event.ts";
import { type OwnTexts, useTexts } from "./pages/own-texts.ts";
import { runScheduledWork } from "./scheduled-work.ts";
import { useEvents } from "./settings.ts";
import type { VippsSession } from "./vipps-session.ts";

export type { Account, AccountId, AccountRecord, LinkedBy } from "./accounts/account.ts";
export type {
  AccountDirectory,
  AccountSearch,
  Correction,
  CreateOptions,
  FoundPerson,
  KnownAccount,
  LoginRegistry,
  MakeRegistry,
  Proof,
  Registry,
} from "./accounts/registry.ts";
export type { VippsPerson } from "./accounts/vipps-person.ts";
export type { VippsLoginEnv } from "./environment.ts";
export type { EventData, EventType, SessionEnd, VippsLoginEvent } from "./events/event.ts";
export { LoginAttempts } from "./login/login-attempts.ts";
export type { LanguageTexts, OwnTexts } from "./pages/own-texts.ts";
export { UserSessions } from "./session/user-sessions.ts";
export type { SettingName, SettingVariable, SettingVariables } from "./settings/table.ts";
export type { VippsSession } from "./vipps-session.ts";

/** What a project can have its own way. */
export interface VippsLoginOptions<Env extends VippsLoginEnv = VippsLoginEnv> {
  /**
   * Words of the project's own, by language: any sentence of ours in other words, or a language more as one file.
   * What a language lacks is said in English.
   * @example
   * texts: { nb: { logIn: "Logg inn med Vipps" }, de: { logIn: "Anmelden", tryAgain: "Noch einmal" } }
   */
  readonly texts?: OwnTexts;
  /**
   * Answers what is not ours: everything outside AUTH_PATH, once PROTECTED_PATHS has let it through. Without it the
   * static assets (`ASSETS`) and the origin (`ORIGIN_URL`) answer.
   * @param request as the visitor sent it, for the canonical path, without `Remote-User` and the other headers by which
   *   an origin is told who is asking, in whatever spelling (R23): here `session` says it.
   * @param session who is logged in; `undefined` for nobody.
   * @example
   * behind: (request, env, ctx, session) => session ? Response.json(session.claims) : env.ASSETS.fetch(request)
   */
  readonly behind?: (
    request: Request<unknown, IncomingRequestCfProperties>,
    env: Env,
    ctx: ExecutionContext,
    session: VippsSession | undefined,
  ) => Response | Promise<Response>;
  /**
   * The site's people, kept by code of the project's own, where `ACCOUNTS` is `own`. It is asked in Durable Objects
   * too, where only `import { env } from "cloudflare:workers"` knows the bindings.
   * @example
   * registry: (site) => clubRegistry(env.CLUB_DB, site)
   */
  readonly registry?: MakeRegistry;
  /**
   * Takes what happens (`account.created`, `consent.withdrawn`, …) in place of EVENTS_URL: later than the answer to the
   * visitor, at least once, one person's events in their order. It has ten seconds; where it throws, the event comes
   * again later with the same id. Needs the queue `EVENTS_QUEUE` and `ACCOUNTS_DB` (docs/events.md).
   * @example
   * events: async ({ id, type, data }, env) => {
   *   if (type === "account.created") await env.WELCOMES.put(id, data.account);
   * }
   */
  readonly events?: (event: VippsLoginEvent, env: Env, ctx: ExecutionContext) => Promise<void> | void;
}

/** A Worker, as `export default` has it. */
export interface VippsLoginWorker<Env extends VippsLoginEnv = VippsLoginEnv> {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response>;
  scheduled(controller: ScheduledController, env: Env, ctx?: ExecutionContext): Promise<void>;
  /** Delivers events, of the queue that is bound as EVENTS_QUEUE. */
  queue(batch: MessageBatch, env: Env, ctx: ExecutionContext): Promise<void>;
}

/**
 * The Worker that stands in front of a site. Texts, registry and events are the whole Worker's: one call, where the module
 * begins.
 * @returns what to export as default; it never throws, whatever is asked of it.
 * @example
 * import { vippsLogin } from "vipps-login-worker";
 * export { LoginAttempts, UserSessions } from "vipps-login-worker";
 * export default vippsLogin({ behind: (request, env) => env.ASSETS.fetch(request) });
 */
export function vippsLogin<Env extends VippsLoginEnv = VippsLoginEnv>(
  options: VippsLoginOptions<Env> = {},
): VippsLoginWorker<Env> {
  const { texts, behind, registry, events } = options;
  if (texts !== undefined) useTexts(texts);
  if (registry !== undefined) useRegistry(registry);
  // The environment is that of this very Worker, whatever it calls it.
  if (events !== undefined) useEvents((event, env, ctx) => events(event, env as Env, ctx));
  return {
    fetch: (request, env, ctx) =>
      handleRequest(
        request,
        env,
        ctx,
        // The visitor's own request, `cf` included, or a copy of it.
        behind && ((asked, session) => behind(asked as Parameters<typeof behind>[0], env, ctx, session)),
      ),
    scheduled: runScheduledWork,
    queue: deliverEvents,
  };
}

export default vippsLogin();
