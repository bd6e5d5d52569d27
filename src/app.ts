import type { Next } from "hono";
import { cors } from "hono/cors";
import { HonoBase } from "hono/hono-base";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { Failure } from "./failure.ts";
import { answerFailure } from "./failure-answer.ts";
import { showHealth } from "./health-route.ts";
import { ownAnswers } from "./http/answer-headers.ts";
import { answerInTime } from "./http/answer-in-time.ts";
import { limitPerNetwork } from "./http/rate-limit.ts";
import type { AppContext, AppEnv } from "./http/request-context.ts";
import { isPathTooLong, plainPathname, readPath } from "./http/request-path.ts";
import { showStepTimes } from "./http/server-timing.ts";
import { finishAppLogin, startAppLogin } from "./login/app-login.ts";
import { continueLogin, finishProof } from "./login/continue-login.ts";
import { finishLogin } from "./login/finish-login.ts";
import { recordFailedLogin } from "./login/record-login.ts";
import { startLogin } from "./login/start-login.ts";
import { changeConsents } from "./my-page/change-consents-route.ts";
import { downloadMyData } from "./my-page/download-route.ts";
import { eraseMyAccount } from "./my-page/erase-route.ts";
import { showMyPage } from "./my-page/my-page-route.ts";
import { showPublicKeys } from "./session/jwks-route.ts";
import { showLoggedOut } from "./session/logged-out-route.ts";
import { logout } from "./session/logout-route.ts";
import { showSession } from "./session/session-route.ts";
import { endFromPage, endOneSession, endOtherSessions, showSessions } from "./session/sessions-route.ts";
import { settingsOfHost } from "./settings.ts";
import { serveElement } from "./site/serve-element.ts";
import { serveSite } from "./site/serve-site.ts";
import { verifySession } from "./site/verify-route.ts";
import { showAccount } from "./support/account-route.ts";
import { showConsole } from "./support/console-route.ts";
import { correctAccount } from "./support/correct-route.ts";
import { endSessions } from "./support/end-sessions-route.ts";
import { askToErase, eraseForGood } from "./support/erase-route.ts";
import { exportConsents } from "./support/export-consents-route.ts";
import { findRequest, linkPerson, showRequest } from "./support/link-route.ts";
import { showLog } from "./support/log-route.ts";
import { searchPeople } from "./support/search-route.ts";
import { forStaff } from "./support/staff.ts";
import { unlinkIdentity } from "./support/unlink-route.ts";
import { consentRevoked } from "./webhooks/consent-revoked-route.ts";

/** Every route, and the order of middleware. One router, told by name, in place of three to choose from. */
function createApp() {
  const app = new HonoBase<AppEnv>({ router: new RegExpRouter(), getPath: routePath });

  app.use("/auth/*", ownAnswers);

  // These wait for one call to storage at most, which has a time limit of its own: no timer is set for them.
  app.use("/auth/session", allowedOrigins()).get(showSession);
  app.on(["GET", "OPTIONS"], "/auth/verify", verifySession);
  app.get("/auth/.well-known/jwks.json", showPublicKeys);
  app.get("/auth/vipps-login.js", serveElement);

  app.use("/auth/*", answerInTime);

  app.get("/auth/login", showStepTimes, limitPerNetwork("start", "start"), startLogin);
  app.get("/auth/callback", showStepTimes, limitPerNetwork("finish", "callback"), finishLogin);
  app.post("/auth/continue", limitPerNetwork("finish", "continue"), continueLogin);
  app.get("/auth/proof", limitPerNetwork("finish", "continue"), finishProof);
  app.post("/auth/app/start", limitPerNetwork("start", "start"), startAppLogin);
  app.post("/auth/app/finish", limitPerNetwork("finish", "callback"), finishAppLogin);
  app.use("/auth/logout", allowedOrigins()).post(logout);
  app.get("/auth/logged-out", showLoggedOut);
  app.get("/auth/sessions", showSessions).delete(endOtherSessions);
  app.delete("/auth/sessions/:id", endOneSession);
  app.post("/auth/sessions/end", endFromPage);
  app.get("/auth/me", showMyPage);
  app.get("/auth/me/download", downloadMyData);
  app.post("/auth/me/consents", changeConsents);
  app.post("/auth/me/erase", eraseMyAccount);
  app.post("/auth/webhooks/consent/:secret", consentRevoked);
  // No route of the console says which methods it takes: to all but staff, none of them is there.
  app.get("/auth/support", forStaff(showConsole));
  app.post("/auth/support/search", forStaff(searchPeople));
  app.post("/auth/support/consents", forStaff(exportConsents));
  app.get("/auth/support/log", forStaff(showLog));
  app.get("/auth/support/accounts/:id", forStaff(showAccount));
  app.post("/auth/support/accounts/:id/sessions", forStaff(endSessions));
  app.post("/auth/support/accounts/:id/unlink", forStaff(unlinkIdentity));
  app.post("/auth/support/accounts/:id/correct", forStaff(correctAccount));
  app.post("/auth/support/accounts/:id/link", forStaff(findRequest));
  app.get("/auth/support/accounts/:id/erase", forStaff(askToErase));
  app.post("/auth/support/accounts/:id/erase", forStaff(eraseForGood));
  app.get("/auth/support/requests/:reference", forStaff(showRequest));
  app.post("/auth/support/requests/:reference/link", forStaff(linkPerson));
  app.get("/auth/health", showHealth);

  app.all("/auth/*", refuseOther);
  app.all("*", serveSite);

  app.onError((error, c: AppContext) =>
    answerFailure(error, c.req.raw, c.env.settings, {
      jsonOnly: c.req.path === "/auth/session" || c.req.path.startsWith("/auth/app/"),
      onAnswered: (failed) => recordFailedLogin(c, failed),
    }),
  );
  return app;
}

/** Made for the first request: an isolate that only runs Durable Objects does without. */
let app: ReturnType<typeof createApp> | undefined;

/** Static sites on RETURN_TO_ORIGINS may read the session and log out with credentials; nobody else. */
function allowedOrigins() {
  const share = cors({
    origin: (origin, c: AppContext) => (c.env.settings.login.returnToOrigins.has(origin) ? origin : null),
    allowMethods: ["GET", "POST"],
    allowHeaders: ["content-type"],
    credentials: true,
    maxAge: 600,
  });
  // Without an origin there is nothing to say, and headers put on an answer afterwards have it made twice.
  return (c: AppContext, next: Next) => (c.req.raw.headers.has("origin") ? share(c, next) : next());
}

/** The methods of each route, for `Allow`. Those of the console are not told: to all but staff, it is not there. */
const METHODS: Readonly<Record<string, string>> = {
  login: "GET, HEAD",
  callback: "GET, HEAD",
  continue: "POST",
  proof: "GET, HEAD",
  "app/start": "POST",
  "app/finish": "POST",
  session: "GET, HEAD",
  logout: "POST",
  "logged-out": "GET, HEAD",
  sessions: "GET, HEAD, DELETE",
  "sessions/end": "POST",
  me: "GET, HEAD",
  "me/download": "GET, HEAD",
  "me/consents": "POST",
  "me/erase": "POST",
  verify: "GET, HEAD, OPTIONS",
  ".well-known/jwks.json": "GET, HEAD",
  health: "GET, HEAD",
  "vipps-login.js": "GET, HEAD",
};

/** @throws {Failure} `method_not_allowed` for a route that takes other methods, else `not_found`. */
function refuseOther(c: AppContext): never {
  const route = c.req.path.slice("/auth/".length);
  const isOneSession = /^sessions\/[^/]+$/.test(route);
  const allow = Object.hasOwn(METHODS, route) ? METHODS[route] : isOneSession ? "DELETE" : undefined;
  throw new Failure(allow === undefined ? "not_found" : "method_not_allowed", { stage: "site", allow });
}

/**
 * Resolves the settings of the site that a request came to, then lets the routes answer it.
 * @returns an answer, always; a setting that is missing or malformed is one clear page that names all of them, and
 *   a host that no site has learns nothing.
 */
export async function handleRequest(
  request: Request,
  env: Cloudflare.Env,
  ctx: ExecutionContext,
): Promise<Response> {
  try {
    const resolved = await settingsOfHost(env, request.url, (work) => ctx.waitUntil(work));
    if (resolved === "unknownHost") throw new Failure("host_unknown", { stage: "settings" });
    if ("faults" in resolved)
      throw new Failure("settings_invalid", { stage: "settings", details: resolved.faults });
    // Before anything reads it, the router included.
    if (isPathTooLong(request.url))
      return answerFailure(new Failure("path_too_long", { stage: "site" }), request, resolved.settings);
    app ??= createApp();
    return await app.fetch(
      request,
      { settings: resolved.settings, receivedAt: Date.now(), stepTimes: {} },
      ctx,
    );
  } catch (error) {
    return answerFailure(error, request, undefined);
  }
}

/** AUTH_PATH is a setting, the routes are not: login routes are matched below `/auth`, the site below `/site`. */
function routePath(request: Request, options?: { env?: AppEnv["Bindings"] }): string {
  const pathname = plainPathname(request.url) ?? canonicalPathname(request.url);
  const authPath = options?.env?.settings.site.authPath ?? "/auth";
  if (pathname === authPath || pathname.startsWith(`${authPath}/`))
    return `/auth${pathname.slice(authPath.length)}`;
  return `/site${pathname}`;
}

function canonicalPathname(url: string): string {
  const { pathname } = new URL(url);
  return readPath(pathname)?.path ?? pathname;
}
