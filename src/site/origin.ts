import { Failure } from "../failure.ts";
import { isOwnCookie, withoutOwnCookies } from "../http/cookie.ts";
import type { CurrentSession } from "../session/current-session.ts";
import { carriedTokens, sessionCookieName } from "../session/session.ts";
import type { Settings } from "../settings.ts";
import { headerKey, identityHeaders, isIdentityHeader } from "./identity-headers.ts";

/**
 * Headers of a visitor that end here, by {@link headerKey}.
 *
 * Hop by hop (RFC 9110 section 7.6.1): these are about the connection to us. What `Connection` names is not
 * removed with it, as a visitor could otherwise remove what the network in front of us has added. `Proxy` is none of
 * them, but to a CGI program it is the proxy to use (CVE-2016-5385).
 *
 * Addresses: which host, scheme and path were asked for is ours to say. Some frameworks prefer `X-Original-URL`
 * and its like to the path of the request, and some servers (gunicorn) take `Script-Name` off it, which would be a way
 * around the path rules.
 */
const ENDS_HERE =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|proxy(?:-.*)?|forwarded|x-forwarded-(?!for$).*|x-original-.*|x-rewrite-url|(?:x-)?script-name|(?:x-url-|x-)scheme|front-end-https|x-host)$/;

const endsHere = (key: string): boolean => ENDS_HERE.test(key);

/**
 * The request as the origin gets it: the canonical path, the visitor's headers without what is not a visitor's
 * to say, and who is asking if a session says so. Method and body are passed on as they come.
 * @param url of the request, with the canonical path.
 */
async function originRequest(
  settings: Settings,
  request: Request,
  url: URL,
  { session, token }: CurrentSession,
): Promise<Request> {
  const { site } = settings;
  const headers = new Headers();
  for (const [name, value] of request.headers) {
    if (!endsHere(headerKey(name)) && !isIdentityHeader(name)) headers.append(name, value);
  }
  if (isWebSocket(request)) headers.set("upgrade", "websocket");
  headers.set("x-forwarded-host", url.host);
  headers.set("x-forwarded-proto", url.protocol.slice(0, -1));

  const cookies = [withoutOwnCookies(request.headers.get("cookie"))];
  const { bearer } = await carriedTokens(settings.session, request.headers);
  if (bearer !== undefined) headers.delete("authorization");
  if (token !== undefined && site.forwardSessionCookie) {
    if (bearer === undefined) cookies.push(`${sessionCookieName(settings.session)}=${token}`);
    else headers.set("authorization", `Bearer ${token}`);
  }
  const cookie = cookies.filter((pair) => pair !== null).join("; ");
  if (cookie === "") headers.delete("cookie");
  else headers.set("cookie", cookie);

  if (session !== undefined) {
    for (const [name, value] of await identityHeaders(settings, session)) headers.set(name, value);
  }
  return new Request(new URL(url.pathname + url.search, site.originUrl ?? url), {
    method: request.method,
    headers,
    body: request.body,
    redirect: "manual",
    signal: request.signal,
    // Cloudflare's cache in front of the origin knows nothing of sessions.
    ...(session !== undefined && { cache: "no-store" }),
  });
}

export function isWebSocket({ headers }: Request): boolean {
  return headers.get("upgrade")?.toLowerCase() === "websocket";
}

/**
 * What the origin behind the worker answers, streamed, websockets included.
 * @param url of the request, with the canonical path.
 * @throws {Failure} `origin_unavailable` when there is no answer.
 */
export async function originResponse(
  settings: Settings,
  request: Request,
  url: URL,
  current: CurrentSession,
): Promise<Response> {
  const outgoing = await originRequest(settings, request, url, current);
  let answer: Response;
  try {
    answer = await fetch(outgoing);
  } catch {
    throw new Failure("origin_unavailable", { stage: "site", returnTo: url.pathname + url.search });
  }
  const response = new Response(answer.body, answer);
  const { originUrl } = settings.site;
  keepCookies(response.headers, originUrl, url.origin);
  if (originUrl !== undefined) keepOnSite(response.headers, originUrl, url.origin);
  return response;
}

/** An address with a host: absolute, or with the scheme left out, in the spellings that browsers follow. */
const hasHost = (address: string): boolean => /^\s*(?:https?:|[\\/]{2})/i.test(address);

/**
 * Turns what an origin says of itself into what it is to visitors, in the headers by which browsers go somewhere or keep
 * something: an origin that knows itself by its own address names that, by its own scheme and port, and one that takes
 * the site's host from `X-Forwarded-Host` may still put its own scheme or port beside it. Visitors belong on the site.
 * @param headers of the origin's answer; changed in place.
 * @param origin ORIGIN_URL.
 * @param site the origin that the visitor asked for.
 */
function keepOnSite(headers: Headers, origin: string, site: string): void {
  const onSite = (address: string) => addressOnSite(address, new URL(origin), new URL(site));
  for (const name of ["location", "content-location"]) rewrite(headers, name, onSite);
  rewrite(headers, "refresh", (value) => refreshOnSite(value, onSite));
  rewrite(headers, "link", (value) =>
    value.replace(/<([^<>]*)>/g, (_link, address) => `<${onSite(address)}>`),
  );
}

/** A time, and where to go then (HTML standard, 'shared declarative refresh steps'). */
function refreshOnSite(value: string, onSite: (address: string) => string): string {
  const time = value.search(/[;,]/) + 1;
  if (time === 0) return value;
  const named = /^\s*url\s*=/i.exec(value.slice(time))?.[0].length ?? 0;
  const text = value.slice(time + named);
  const from = text.search(/[^\s"']/);
  if (from < 0) return value;
  const quote = text[from - 1];
  const end = quote === "'" || quote === '"' ? text.indexOf(quote, from) : -1;
  const until = end < 0 ? text.length : end;
  return (
    value.slice(0, time + named) + text.slice(0, from) + onSite(text.slice(from, until)) + text.slice(until)
  );
}

function rewrite(headers: Headers, name: string, change: (value: string) => string): void {
  const value = headers.get(name);
  if (value === null) return;
  const changed = change(value);
  if (changed !== value) headers.set(name, changed);
}

function addressOnSite(address: string, origin: URL, site: URL): string {
  if (!hasHost(address)) return address;
  const target = URL.parse(address, origin);
  if (target === null || !/^https?:$/.test(target.protocol) || target.origin === site.origin) return address;
  const hostname = target.hostname.replace(/\.$/, "");
  const isNamed = hostname === origin.hostname || hostname === site.hostname;
  // Another port of the same machine may be another server: on a developer's machine everything is `localhost`.
  const isSame = target.port === "" || target.port === origin.port || target.port === site.port;
  return isNamed && isSame ? site.origin + target.pathname + target.search + target.hash : address;
}

/**
 * The cookies of an origin as the site's visitors can keep them. A domain that is the origin's and not the site's makes
 * browsers drop a cookie, so it is left out: the cookie is the site's then. Cookies of the worker's own names end here,
 * because sessions are made and ended by the login routes alone: whoever gets hold of the origin must not plant one.
 */
function keepCookies(headers: Headers, origin: string | undefined, site: string): void {
  const cookies = headers.getSetCookie();
  const own = new URL(site).hostname;
  const kept = cookies
    .filter((cookie) => !isOwnCookie(cookie))
    .map((cookie) => (origin === undefined ? cookie : onHost(cookie, new URL(origin).hostname, own)));
  if (kept.length === cookies.length && kept.every((cookie, at) => cookie === cookies[at])) return;
  headers.delete("set-cookie");
  for (const cookie of kept) headers.append("set-cookie", cookie);
}

function onHost(cookie: string, origin: string, site: string): string {
  const belongsTo = (host: string, domain: string) => host === domain || host.endsWith(`.${domain}`);
  const kept = cookie.split(";").filter((attribute, at) => {
    const [name = "", value = ""] = attribute.split("=", 2).map((part) => part.trim().toLowerCase());
    const domain = value.replace(/^\./, "");
    return at === 0 || name !== "domain" || !belongsTo(origin, domain) || belongsTo(site, domain);
  });
  return kept.join(";");
}
