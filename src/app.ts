import { cors } from "hono/cors";
import { HonoBase } from "hono/hono-base";
import { METHOD_NAME_ALL, type Params, type Result, type Router } from "hono/router";
import { announceEvents } from "./events/notice.ts";
import { Failure, type Stage } from "./failure.ts";
import { answerFailure } from "./failure-answer.ts";
import { showHealth } from "./health-route.ts";
import { answerInTime, limitPerNetwork, ownAnswers, showStepTimes } from "./http/around.ts";
import { isPageRequest, refuseLookAhead, refuseSubresource } from "./http/request.ts";
import type { AppContext, AppEnv, Around, Behind, Handler } from "./http/request-context.ts";
import { isPathTooLong, readAddress } from "./http/request-path.ts";
import { onFirstUse } from "./isolate-state.ts";
import { finishAppLogin, startAppLogin } from "./login/app-login.ts";
import { continueLogin, finishProof } from "./login/continue-login.ts";
import { finishLogin } from "./login/finish-login.ts";
import { recordFailedLogin } from "./login/login-end.ts";
import { startLogin } from "./login/start-login.ts";
import { changeConsents } from "./my-page/change-consents-route.ts";
import { downloadMyData } from "./my-page/download-route.ts";
import { eraseMyAccount } from "./my-page/erase-route.ts";
import { showMyPage } from "./my-page/my-page-route.ts";
import {
  endFromPage,
  endOneSession,
  endOtherSessions,
  logout,
  offerLogout,
  showLoggedOut,
  showPublicKeys,
  showSession,
  showSessions,
} from "./session/session-routes.ts";
import { outboxOf, settingsOfHost } from "./settings.ts";
import { serveElement } from "./site/serve-element.ts";
import { serveSite } from "./site/serve-site.ts";
import { showRequired, verifySession } from "./site/verify-route.ts";
import { showAccount } from "./support/account-route.ts";
import { showConsole } from "./support/console-route.ts";
import { correctAccount } from "./support/correct-route.ts";
import { endSessions } from "./support/end-sessions-route.ts";
import { askToErase, eraseForGood } from "./support/erase-route.ts";
import { exportConsents } from "./support/export-consents-route.ts";
import { changeGroups } from "./support/groups-route.ts";
import { findRequest, linkPerson, showRequest } from "./support/link-route.ts";
import { showLog } from "./support/log-route.ts";
import { exportMembers, showMembers } from "./support/members-route.ts";
import { searchPeople } from "./support/search-route.ts";
import { forStaff } from "./support/staff.ts";
import { unlinkIdentity } from "./support/unlink-route.ts";
import { consentRevoked } from "./webhooks/consent-revoked-route.ts";

type StaffHandler = Parameters<typeof forStaff>[0];
/** What answers which method. HEAD is answered as GET. */
type Methods<Handles> = Readonly<Partial<Record<"GET" | "POST" | "DELETE" | "OPTIONS", Handles>>>;

/** One route: all that is true of it stands here, and nowhere else. */
type Route = RouteTraits &
  (
    | { readonly guard?: undefined; readonly methods: Methods<Handler> }
    /** Only there for staff: to everybody else not even its methods are told. */
    | { readonly guard: "staff"; readonly methods: Methods<StaffHandler> }
  );

interface RouteTraits {
  /** Below AUTH_PATH, in the router's spelling. */
  readonly path: string;
  /** Which limiter counts its requests, by network, and the step that a refusal belongs to. */
  readonly limiter?: readonly [step: "start" | "finish", stage: Stage, what?: string];
  /** Whether failures are JSON whatever the client says it reads, because no person reads them. */
  readonly isJson?: true;
  /** Whether scripts of RETURN_TO_ORIGINS may read its answers (CORS). */
  readonly isShared?: true;
  /** Waits for one call to storage at most, which has a time limit of its own: no timer is set for it. */
  readonly isQuick?: true;
  /** Only reads: who looks ahead may see it. Every other route does nothing for who only looks ahead. */
  readonly isReading?: true;
  /** A step of a login: nobody takes it for a picture or a script. */
  readonly isStep?: true;
  /** What a person gets who came by a link to what only takes a form. */
  readonly byLink?: Handler;
  /** What it changes is told: events are delivered behind its answer. */
  readonly tells?: true;
  /** Whether a developer's browser is shown what its steps took. */
  readonly showsSteps?: true;
}

/** Every route below AUTH_PATH. What is none of them is not there; what is none of its methods is answered 405. */
export const routeTable = onFirstUse((): readonly Route[] => [
  {
    path: "/session",
    methods: { GET: showSession },
    isReading: true,
    isJson: true,
    isShared: true,
    isQuick: true,
  },
  {
    path: "/verify",
    methods: { GET: verifySession, OPTIONS: verifySession },
    isReading: true,
    isQuick: true,
  },
  { path: "/required", methods: { GET: showRequired }, isReading: true },
  { path: "/.well-known/jwks.json", methods: { GET: showPublicKeys }, isReading: true, isQuick: true },
  { path: "/vipps-login.js", methods: { GET: serveElement }, isReading: true, isQuick: true },

  {
    path: "/login",
    methods: { GET: startLogin },
    isStep: true,
    limiter: ["start", "start"],
    showsSteps: true,
  },
  {
    path: "/callback",
    methods: { GET: finishLogin },
    isStep: true,
    tells: true,
    limiter: ["finish", "callback"],
    showsSteps: true,
  },
  { path: "/continue", methods: { POST: continueLogin }, limiter: ["finish", "continue"], tells: true },
  {
    path: "/proof",
    methods: { GET: finishProof },
    isStep: true,
    limiter: ["finish", "continue"],
    tells: true,
  },
  { path: "/app/start", methods: { POST: startAppLogin }, limiter: ["start", "start"], isJson: true },
  {
    path: "/app/finish",
    methods: { POST: finishAppLogin },
    limiter: ["finish", "callback"],
    isJson: true,
    tells: true,
  },
  { path: "/logout", methods: { POST: logout }, byLink: offerLogout, isShared: true },
  { path: "/logged-out", methods: { GET: showLoggedOut }, isReading: true },
  { path: "/sessions", methods: { GET: showSessions, DELETE: endOtherSessions } },
  { path: "/sessions/end", methods: { POST: endFromPage } },
  { path: "/sessions/:id", methods: { DELETE: endOneSession } },
  { path: "/me", methods: { GET: showMyPage } },
  { path: "/me/download", methods: { GET: downloadMyData } },
  { path: "/me/consents", methods: { POST: changeConsents }, tells: true },
  { path: "/me/erase", methods: { POST: eraseMyAccount }, tells: true },
  { path: "/webhooks/consent/:secret", methods: { POST: consentRevoked }, tells: true },
  {
    path: "/health",
    methods: { GET: showHealth },
    isReading: true,
    limiter: ["start", "site", "health"],
    isJson: true,
  },

  { path: "/support", methods: { GET: showConsole }, guard: "staff" },
  { path: "/support/search", methods: { POST: searchPeople }, guard: "staff" },
  { path: "/support/consents", methods: { POST: exportConsents }, guard: "staff" },
  { path: "/support/members", methods: { GET: showMembers, POST: exportMembers }, guard: "staff" },
  { path: "/support/log", methods: { GET: showLog }, guard: "staff" },
  { path: "/support/accounts/:id", methods: { GET: showAccount }, guard: "staff" },
  { path: "/support/accounts/:id/sessions", methods: { POST: endSessions }, guard: "staff" },
  { path: "/support/accounts/:id/unlink", methods: { POST: unlinkIdentity }, guard: "staff", tells: true },
  { path: "/support/accounts/:id/correct", methods: { POST: correctAccount }, guard: "staff", tells: true },
  { path: "/support/accounts/:id/groups", methods: { POST: changeGroups }, guard: "staff", tells: true },
  { path: "/support/accounts/:id/link", methods: { POST: findRequest }, guard: "staff" },
  {
    path: "/support/accounts/:id/erase",
    methods: { GET: askToErase, POST: eraseForGood },
    guard: "staff",
    tells: true,
  },
  { path: "/support/requests/:reference", methods: { GET: showRequest }, guard: "staff" },
  { path: "/support/requests/:reference/link", methods: { POST: linkPerson }, guard: "staff", tells: true },
]);

/** The router with every route. */
function createApp() {
  const app = new HonoBase<AppEnv>({ router: createExactRouter(), getPath: routePath });
  for (const route of routeTable()) addRoute(app, route);
  app.notFound((c) => {
    const route = publicRouteAt(c.req.path.slice("/auth".length));
    return within(around(route ?? {}), () => refuseOther(c, route))(c);
  });
  app.all("/site/*", serveSite);
  app.onError(answerError());
  return app;
}

/** What is around every answer at an address, whatever the method. From the outside in. */
const around = ({ isJson, isQuick, isShared, showsSteps }: Partial<RouteTraits>) => [
  ownAnswers,
  isShared && allowedOrigins(),
  showsSteps && showStepTimes,
  answerFailures(isJson),
  !isQuick && answerInTime,
];

/**
 * Adds a route as one handler that does all its row says of it: where the router finds one, Hono has nothing to put
 * together for each request.
 */
function addRoute(app: HonoBase<AppEnv>, route: Route): void {
  const { path, limiter, isReading, isStep, tells } = route;
  const address = `/auth${path}`;
  const whatever = around(route);
  const ofMethods = [
    tells && announceBehind,
    limiter !== undefined && limitPerNetwork(...limiter),
    // Staff are told by their own guard, everybody else by nobody.
    !isReading && route.guard !== "staff" && refuseLookAhead,
    isStep && refuseSubresource,
  ];
  const handlers =
    route.guard === "staff"
      ? Object.entries(route.methods).map(([method, handle]) => [method, forStaff(handle)] as const)
      : Object.entries(route.methods);
  for (const [method, handler] of handlers)
    app.on([method], [address], within([...whatever, ...ofMethods], handler));
  if (route.guard === "staff") {
    const inPlace = forStaff(async ({ c }) => withoutSlash(c));
    app.get(`${address}/`, within(whatever, inPlace));
  }
}

/** A handler with layers around it, the first one outermost. */
const within = (layers: readonly (Around | false | undefined)[], handle: Handler): Handler =>
  layers.reduceRight<Handler>((inner, layer) => (layer ? layer(inner) : inner), handle);

/** Answers what is thrown within. @param isJson whatever the client says it reads. */
const answerFailures = (isJson?: boolean): Around => {
  const answer = answerError(isJson);
  return (handle) => async (c) => {
    try {
      return await handle(c);
    } catch (error) {
      return answer(error, c);
    }
  };
};

const answerError = (isJson?: boolean) => (error: unknown, c: AppContext) =>
  answerFailure(error, c.req.raw, c.env.settings, {
    jsonOnly: isJson === true,
    onAnswered: (failed) => recordFailedLogin(c, failed),
  });

/**
 * What is none of the routes, or none of their methods. An address with a slash at its end, as some proxies and people
 * write them, is sent on to the one without.
 * @throws {Failure} `method_not_allowed` for a route that takes other methods, else `not_found`.
 */
async function refuseOther(c: AppContext, route: Route | undefined): Promise<Response> {
  const address = c.req.path.slice("/auth".length);
  if (route === undefined && address.endsWith("/") && publicRouteAt(address.slice(0, -1)) !== undefined)
    return withoutSlash(c);
  if (route === undefined) throw new Failure("not_found", { stage: "site" });
  const methods = Object.keys(route.methods).flatMap((method) =>
    method === "GET" ? ["GET", "HEAD"] : [method],
  );
  if (route.byLink !== undefined && isPageRequest(c.req.raw)) {
    const page = await route.byLink(c);
    page.headers.set("allow", methods.join(", "));
    return page;
  }
  throw new Failure("method_not_allowed", { stage: "site", allow: methods.join(", ") });
}

/** The route that anybody may know of. */
function publicRouteAt(address: string): Route | undefined {
  const asked = address.split("/");
  return routeTable().find(({ path, guard }) => guard === undefined && isRouteOf(path.split("/"), asked));
}

/** The same address without the slash at its end. 308, so that a form stays a form. */
function withoutSlash(c: AppContext): Response {
  const path = c.env.settings.site.authPath + c.req.path.slice("/auth".length, -1);
  const location = path + new URL(c.req.url).search;
  return new Response(null, { status: 308, headers: { location, "cache-control": "no-store" } });
}

/** Has the events delivered that a request has written, whatever it was answered. */
const announceBehind: Around = (handle) => async (c) => {
  try {
    return await handle(c);
  } finally {
    const { settings } = c.env;
    if (outboxOf(settings) !== undefined) c.executionCtx.waitUntil(announceEvents(settings));
  }
};

function isRouteOf(path: readonly string[], asked: readonly string[]): boolean {
  const isSame = (part: string, at: number) =>
    part === asked[at] || (part.startsWith(":") && asked[at] !== "");
  return path.length === asked.length && path.every(isSame);
}

/**
 * Made for the first request: an isolate that only runs Durable Objects does without. Kept here, so that no request
 * runs through a file for it alone.
 */
let app: ReturnType<typeof createApp> | undefined;

/** Static sites on RETURN_TO_ORIGINS may read the session and log out with credentials; nobody else. */
function allowedOrigins(): Around {
  const share = cors({
    origin: (origin, c: AppContext) => (c.env.settings.login.returnToOrigins.has(origin) ? origin : null),
    allowMethods: ["GET", "POST"],
    allowHeaders: ["content-type"],
    credentials: true,
    maxAge: 600,
  });
  // Without an origin there is nothing to say, and headers put on an answer afterwards have it made twice.
  return (handle) => (c) => (c.req.raw.headers.has("origin") ? shared(c, handle) : handle(c));

  async function shared(c: AppContext, handle: Handler): Promise<Response> {
    const preflight = await share(c, async () => {
      c.res = await handle(c);
    });
    return preflight ?? c.res;
  }
}

/**
 * Resolves the settings of the site that a request came to, then lets the routes answer it.
 * @returns an answer, always; a setting that is missing or malformed is one clear page that names all of them, and
 *   a host that no site has learns nothing.
 * @param behind answers what is not ours, in place of the assets and the origin.
 */
export async function handleRequest(
  request: Request,
  env: Cloudflare.Env,
  ctx: ExecutionContext,
  behind?: Behind,
): Promise<Response> {
  try {
    const { url } = request;
    const resolved = await settingsOfHost(env, url, (work) => ctx.waitUntil(work));
    if (resolved === "unknownHost") throw new Failure("host_unknown", { stage: "settings" });
    if ("movedTo" in resolved) return movedTo(resolved.movedTo, request.url);
    if ("faults" in resolved)
      throw new Failure("settings_invalid", { stage: "settings", details: resolved.faults });
    // Before anything reads it, the router included.
    if (isPathTooLong(url))
      return answerFailure(new Failure("path_too_long", { stage: "site" }), request, resolved.settings);
    app ??= createApp();
    const { settings } = resolved;
    const path = readAddress(url);
    return await app.fetch(
      request,
      { settings, path, receivedAt: Date.now(), stepTimes: {}, deployment: env, behind },
      ctx,
    );
  } catch (error) {
    return answerFailure(error, request, undefined);
  }
}

/** Leads a visitor of another address to the same path of the site; whatever was posted is posted there (RFC 9110). */
function movedTo(origin: string, url: string): Response {
  const { pathname, search } = new URL(url);
  return new Response(null, {
    status: 308,
    headers: { location: `${origin}${pathname}${search}`, "cache-control": "public, max-age=300" },
  });
}

/** AUTH_PATH is a setting, the routes are not: login routes are matched below `/auth`, the site below `/site`. */
function routePath(request: Request, options?: { env?: AppEnv["Bindings"] }): string {
  const pathname = options?.env?.path?.path ?? new URL(request.url).pathname;
  const authPath = options?.env?.settings.site.authPath ?? "/auth";
  if (pathname === authPath || pathname.startsWith(`${authPath}/`))
    return `/auth${pathname.slice(authPath.length)}`;
  return `/site${pathname}`;
}

/** A path with `:names` in it, cut at its slashes. */
interface Pattern<Target> {
  readonly method: string;
  readonly parts: readonly string[];
  readonly handler: Target;
}

/** A folder and everything below it, whatever the method. */
interface Folder<Target> {
  readonly folder: string;
  readonly handler: Target;
}

/**
 * A router for paths that have one handler each: what is written out is looked up, the few paths with `:names` are
 * gone through. Hono's own lead a request past any number of handlers, and take milliseconds to be put together, which
 * the first request of every isolate would wait for.
 */
export function createExactRouter<Target>(): Router<Target> {
  const exact = new Map<string, Target>();
  const folders: Folder<Target>[] = [];
  const patterns: Pattern<Target>[] = [];
  return {
    name: "exact",
    add(method, path, handler) {
      if (path.endsWith("/*")) {
        if (method !== METHOD_NAME_ALL) throw new Error(`${path} takes every method or none`);
        folders.push({ folder: path.slice(0, -2), handler });
      } else if (path.includes("/:")) patterns.push({ method, parts: path.split("/"), handler });
      else exact.set(`${method} ${path}`, handler);
    },
    match(method, path): Result<Target> {
      const handler =
        exact.get(`${method} ${path}`) ?? folders.find(({ folder }) => isBelow(folder, path))?.handler;
      if (handler !== undefined) return [[[handler, {}]]];
      const asked = path.split("/");
      for (const pattern of patterns) {
        const params = pattern.method === method ? paramsOf(pattern.parts, asked) : undefined;
        if (params !== undefined) return [[[pattern.handler, params]]];
      }
      return [[]];
    },
  };
}

function isBelow(folder: string, path: string): boolean {
  return path.startsWith(folder) && (path.length === folder.length || path[folder.length] === "/");
}

/** What stands in the places of the names; `undefined` where the path is another one. */
function paramsOf(parts: readonly string[], asked: readonly string[]): Params | undefined {
  if (parts.length !== asked.length) return undefined;
  const params: Params = {};
  for (const [at, part] of parts.entries()) {
    const given = asked[at] ?? "";
    if (part.startsWith(":") && given !== "") params[part.slice(1)] = given;
    else if (part !== given) return undefined;
  }
  return params;
}
