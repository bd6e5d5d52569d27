import { Hono, type MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { handleRequest } from "./app.ts";
import type { VippsLoginEnv } from "./environment.ts";
import { Failure } from "./failure.ts";
import { answerFailure } from "./failure-answer.ts";
import { asOwnAnswer } from "./http/around.ts";
import { preflightAnswer } from "./http/cross-origin.ts";
import { fittedReturnUrl } from "./http/return-url.ts";
import { readRequired } from "./rules/requirement.ts";
import { type CurrentSession, currentSession } from "./session/current-session.ts";
import { askForLogin, requireOf } from "./session/session-required.ts";
import { type Settings, settingsOfHost } from "./settings.ts";
import { forThisVisitorAlone } from "./site/serve-site.ts";
import { type VippsSession, vippsSession } from "./vipps-session.ts";

export type { VippsLoginEnv } from "./environment.ts";
export type { VippsSession } from "./vipps-session.ts";

/** Any Hono app whose environment has what the login needs; the rest of it is the app's own. */
interface AnyEnv {
  Bindings: VippsLoginEnv;
}

/** What is needed of the context of such an app. */
interface AnyContext {
  readonly env: VippsLoginEnv;
  readonly req: { readonly raw: Request; readonly url: string };
  readonly executionCtx: { waitUntil(work: Promise<unknown>): void };
  header(name: string, value: string, options: { readonly append: boolean }): void;
}

/**
 * The login's routes, all below AUTH_PATH, for a Hono app of one's own. Every other request goes on to the app.
 * @returns an app to mount at the root, before the app's own routes.
 * @example
 * import { Hono } from "hono";
 * import { requireSession, vippsLoginRoutes } from "vipps-login-worker/hono";
 * export { LoginAttempts, UserSessions } from "vipps-login-worker";
 *
 * const app = new Hono<{ Bindings: Env }>();
 * app.route("/", vippsLoginRoutes());
 * app.get("/members/*", requireSession(), (c) => c.text("Welcome"));
 * export default app;
 */
export function vippsLoginRoutes(): Hono<AnyEnv> {
  return new Hono<AnyEnv>().use(async (c, next) => {
    const resolved = await settingsOf(c);
    // What is wrong with the settings is told where the login is, wherever that would be.
    const authPath = "site" in resolved ? resolved.site.authPath : "/auth";
    const { pathname } = new URL(c.req.url);
    if (pathname !== authPath && !pathname.startsWith(`${authPath}/`)) return next();
    return handleRequest(c.req.raw, c.env, c.executionCtx as ExecutionContext);
  });
}

/**
 * Lets nobody pass who is not logged in: a page goes to the login and comes back, a script gets 401 as
 * `application/problem+json`. What the app answers is kept from shared caches.
 * @param rule what the session has to meet besides, as after a pattern of PROTECTED_PATHS: `group:board`, `age:18`,
 *   `fresh:600`, `acr`, several with blanks between. Who lacks something reads what, and how to get it (403).
 *   SESSION_CLAIMS has to name what they are judged by; a rule that cannot be judged lets nobody pass.
 * @returns middleware; behind it {@link getSession} costs nothing.
 * @example
 * app.use("/members/*", requireSession());
 * app.use("/board/*", requireSession("group:board fresh:600"));
 */
export function requireSession(rule?: string): MiddlewareHandler<AnyEnv> {
  return createMiddleware<AnyEnv>(async (c, next) => {
    const settings = await settingsOf(c);
    const request = c.req.raw;
    if (!("site" in settings)) return answerFailure(settings, request, undefined);
    try {
      const preflight = preflightAnswer(settings, request);
      if (preflight !== undefined) return preflight;
      const required = rule === undefined ? [] : readRequired(settings, [rule]);
      const { session, setCookie } = await sessionOf(c, settings);
      const asked = () => {
        const { pathname, search } = new URL(request.url);
        return pathname + search;
      };
      if (session === undefined)
        return asOwnAnswer(askForLogin(settings, request, asked(), setCookie, required));
      const returnTo = () => fittedReturnUrl(settings.site, asked());
      requireOf(settings, request, session, { required, returnTo, isNamed: true, setCookie });
      await next();
      const answer = forThisVisitorAlone(c.res, setCookie);
      // Hono would put the headers of an answer that is still there on the next one.
      c.res = undefined;
      c.res = answer;
    } catch (error) {
      // What the app itself throws is the app's to answer.
      if (!(error instanceof Failure)) throw error;
      return answerFailure(error, request, settings);
    }
    return undefined;
  });
}

/**
 * Who is logged in. Costs no I/O while the token is fresh, and one call to the session store when it is not.
 * @returns `undefined` for nobody, and where the settings are wrong.
 * @throws Error where the session store does not answer, which only a stale token asks.
 * @example
 * const session = await getSession(c);
 * return c.html(session ? `Hello ${session.claims.name}` : `<a href="/auth/login">Log in</a>`);
 */
export async function getSession(c: AnyContext): Promise<VippsSession | undefined> {
  const settings = await settingsOf(c);
  if (!("site" in settings)) return undefined;
  const { session, setCookie } = await sessionOf(c, settings);
  if (setCookie !== undefined) c.header("set-cookie", setCookie, { append: true });
  return session && vippsSession(session);
}

async function settingsOf(c: AnyContext): Promise<Settings | Failure> {
  try {
    const resolved = await settingsOfHost(c.env, c.req.url, background(c));
    // At another address of a site nobody is anybody: its routes lead to the site.
    if (resolved === "unknownHost" || "movedTo" in resolved)
      return new Failure("host_unknown", { stage: "settings" });
    return "faults" in resolved
      ? new Failure("settings_invalid", { stage: "settings", details: resolved.faults })
      : resolved.settings;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** The sessions of requests that are being answered; each is looked at once. */
const sessions = new WeakMap<Request, Promise<CurrentSession>>();

function sessionOf(c: AnyContext, settings: Settings): Promise<CurrentSession> {
  const known = sessions.get(c.req.raw);
  if (known !== undefined) return known.then((current) => ({ ...current, setCookie: undefined }));
  const looked = currentSession(settings, c.req.raw, background(c));
  sessions.set(c.req.raw, looked);
  return looked;
}

const background = (c: AnyContext) => (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
