import { withoutOwnCookies } from "../http/cookie.ts";
import type { CurrentSession } from "../session/current-session.ts";
import { carriedTokens, sessionCookieName } from "../session/session-cookie.ts";
import type { Settings } from "../settings.ts";
import { headerKey, identityHeaders, isIdentityHeader } from "./identity-headers.ts";

/**
 * Headers of a visitor that end here, by {@link headerKey}.
 *
 * Hop by hop (RFC 9110 section 7.6.1): these are about the connection to us. What `Connection` names is not
 * removed with it, as a visitor could otherwise remove what the network in front of us has added.
 *
 * Addresses: which host, scheme and path were asked for is ours to say. Some frameworks prefer `X-Original-URL`
 * and its like to the path of the request, which would be a way around the path rules.
 */
const ENDS_HERE =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|forwarded|x-forwarded-(?:host|proto|protocol|port|server|scheme|ssl|uri|url|path|prefix|method)|x-rewrite-url|x-host)$/;
const ALL_OF_THESE_END_HERE = /^(?:proxy|x-original)-/;

const endsHere = (key: string): boolean => ENDS_HERE.test(key) || ALL_OF_THESE_END_HERE.test(key);

/**
 * The request as the origin gets it: the canonical path, the visitor's headers without what is not a visitor's
 * to say, and who is asking if a session says so. Method and body are passed on as they come.
 * @param url of the request, with the canonical path.
 */
export async function originRequest(
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
