import { Failure } from "../failure.ts";
import { isPreflight } from "../http/cross-origin.ts";
import { firstOf, isFramed, isPageRequest, type Query, queryOf } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { fittedReturnUrl, safeReturnUrl } from "../http/return-url.ts";
import { lacking, readRequired } from "../rules/requirement.ts";
import { currentSession } from "../session/current-session.ts";
import { now } from "../session/session.ts";
import { askForLogin, loginUrl, requiredUrl, requireOf } from "../session/session-required.ts";
import type { Settings } from "../settings.ts";
import { identityHeaders } from "./identity-headers.ts";

/**
 * `GET /auth/verify`: whether a request that a proxy holds has a session, for nginx `auth_request`, Caddy
 * `forward_auth` and Traefik `ForwardAuth`. 204 with the identity headers, or 401 with the address of the login
 * in `Location`. A proxy that can only pass the answer on asks for `?login=redirect`: pages then get a 302.
 * One whose application answers preflights (CORS), and nothing else to `OPTIONS`, asks for `?preflight=allow`:
 * preflights, which carry no cookies, then get a 204 that says nobody.
 *
 * A proxy that lets only some people through says whom: `?require=group:board`, `?require=age:18 fresh:600`; who has
 * a session that is not enough gets 403 with a code and, in `Location`, the page that says what is missing.
 *
 * Which paths need a session is for the proxy to know. The address that the visitor asked for is only read from
 * its headers to find the way back after a login, never to decide: whoever can reach this route can send them.
 * @throws {Failure} `session_required`, `rule_unknown` and those of `requireOf`, always answered as JSON: a program
 *   reads it.
 */
export async function verifySession(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  const answer = new Headers({ "cache-control": "no-store" });
  const method = headers.get("x-forwarded-method") ?? c.req.method;
  const query = queryOf(c.req.raw.url);
  if (query.get("preflight") === "allow" && isPreflight(method, headers))
    return new Response(null, { status: 204, headers: answer });

  refuseUnknown(query);
  const required = readRequired(settings, query.getAll("require"), true);
  const { session, setCookie } = await currentSession(settings, { method, headers }, (work) =>
    c.executionCtx.waitUntil(work),
  );
  if (setCookie !== undefined) answer.append("set-cookie", setCookie);
  const forPage = query.get("login") === "redirect" && isPageRequest({ method, headers });
  if (session !== undefined && lacking(required, session, now()).length > 0) {
    const returnTo = askedFor(settings, headers);
    const location = requiredUrl(settings, returnTo, required);
    if (forPage) {
      answer.set("location", location);
      return new Response(null, { status: 302, headers: answer });
    }
    const lacks = { required, returnTo: () => returnTo, isNamed: true, setCookie, location };
    requireOf(settings, c.req.raw, session, lacks);
  }
  if (session !== undefined) {
    for (const [name, value] of await identityHeaders(settings, session)) answer.set(name, value);
    return new Response(null, { status: 204, headers: answer });
  }

  const location = loginUrl(settings, askedFor(settings, headers), required);
  if (forPage) {
    if (isFramed(headers))
      throw new Failure("login_in_frame", {
        stage: "site",
        returnTo: askedFor(settings, headers),
        setCookie,
      });
    answer.set("location", location);
    return new Response(null, { status: 302, headers: answer });
  }
  throw new Failure("session_required", {
    stage: "site",
    loginUrl: loginUrl(settings, undefined, required),
    location,
    jsonOnly: true,
    setCookie,
  });
}

const PARAMETERS = new Set(["require", "login", "preflight"]);

/** Nobody is let through because `require` was called `Require`, `requires` or `group`. @throws {Failure} `rule_unknown` */
function refuseUnknown({ names }: Query): void {
  for (const name of names)
    if (!PARAMETERS.has(name))
      throw new Failure("rule_unknown", { stage: "site", reason: "unknown parameter", jsonOnly: true });
}

/**
 * `GET /auth/required`: the page that says what a session lacks in front of `return_to`, for proxies that can only
 * send people somewhere. Whoever lacks nothing goes on.
 * @throws {Failure} `rule_unknown` and those of `requireOf`.
 */
export async function showRequired(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const query = queryOf(c.req.raw.url);
  const required = readRequired(settings, query.getAll("require"));
  const returnTo = safeReturnUrl(settings, query.get("return_to"));
  const { session, setCookie } = await currentSession(settings, c.req.raw);
  if (session === undefined) return askForLogin(settings, c.req.raw, returnTo, setCookie, required);
  requireOf(settings, c.req.raw, session, { required, returnTo: () => returnTo, isNamed: true, setCookie });
  const headers = new Headers({ location: returnTo, "cache-control": "no-store", vary: "cookie" });
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return new Response(null, { status: 302, headers });
}

/** What the visitor asked the proxy for, as a safe return URL: nginx, Caddy and Traefik each have their header. */
function askedFor(settings: Settings, headers: Headers): string {
  const path = headers.get("x-forwarded-uri") ?? headers.get("x-original-uri") ?? "/";
  const host = firstOf(headers.get("x-forwarded-host"));
  if (host === undefined) return safeReturnUrl(settings, fittedReturnUrl(settings.site, path));
  const origin = `${firstOf(headers.get("x-forwarded-proto")) ?? "https"}://${host}`;
  return safeReturnUrl(
    settings,
    origin === settings.site.origin ? fittedReturnUrl(settings.site, path) : origin + path,
  );
}
