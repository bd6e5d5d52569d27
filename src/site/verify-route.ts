import { Failure } from "../failure.ts";
import { isPreflight } from "../http/cross-origin.ts";
import { firstOf } from "../http/forwarded-header.ts";
import { isFramed, isPageRequest } from "../http/page-or-script.ts";
import { queryParameter } from "../http/query.ts";
import type { AppContext } from "../http/request-context.ts";
import { fittedReturnUrl, safeReturnUrl } from "../http/return-url.ts";
import { currentSession } from "../session/current-session.ts";
import { loginUrl } from "../session/session-required.ts";
import type { Settings } from "../settings.ts";
import { identityHeaders } from "./identity-headers.ts";

/**
 * `GET /auth/verify`: whether a request that a proxy holds has a session, for nginx `auth_request`, Caddy
 * `forward_auth` and Traefik `ForwardAuth`. 204 with the identity headers, or 401 with the address of the login
 * in `Location`. A proxy that can only pass the answer on asks for `?login=redirect`: pages then get a 302.
 * One whose application answers preflights (CORS), and nothing else to `OPTIONS`, asks for `?preflight=allow`:
 * preflights, which carry no cookies, then get a 204 that says nobody.
 *
 * Which paths need a session is for the proxy to know. The address that the visitor asked for is only read from
 * its headers to find the way back after a login, never to decide: whoever can reach this route can send them.
 * @throws {Failure} `session_required`, always answered as JSON: a program reads it.
 */
export async function verifySession(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  const answer = new Headers({ "cache-control": "no-store" });
  const method = headers.get("x-forwarded-method") ?? c.req.method;
  if (queryParameter(c.req.raw, "preflight") === "allow" && isPreflight(method, headers))
    return new Response(null, { status: 204, headers: answer });

  const { session, setCookie } = await currentSession(settings, { method, headers }, (work) =>
    c.executionCtx.waitUntil(work),
  );
  if (setCookie !== undefined) answer.append("set-cookie", setCookie);
  if (session !== undefined) {
    for (const [name, value] of await identityHeaders(settings, session)) answer.set(name, value);
    return new Response(null, { status: 204, headers: answer });
  }

  const location = loginUrl(settings, askedFor(settings, headers));
  if (queryParameter(c.req.raw, "login") === "redirect" && isPageRequest({ method, headers })) {
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
    loginUrl: loginUrl(settings),
    location,
    jsonOnly: true,
    setCookie,
  });
}

/** What the visitor asked the proxy for, as a safe return URL: nginx, Caddy and Traefik each have their header. */
function askedFor(settings: Settings, headers: Headers): string {
  const path = headers.get("x-forwarded-uri") ?? headers.get("x-original-uri") ?? "/";
  const host = firstOf(headers.get("x-forwarded-host"));
  if (host === undefined) return safeReturnUrl(settings, fittedReturnUrl(path));
  const origin = `${firstOf(headers.get("x-forwarded-proto")) ?? "https"}://${host}`;
  return safeReturnUrl(settings, origin === settings.site.origin ? fittedReturnUrl(path) : origin + path);
}
