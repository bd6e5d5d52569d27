import type { AuthenticSession } from "../session/session.ts";
import type { Settings } from "../settings.ts";
import { sessionAssertion } from "./session-assertion.ts";

/**
 * The headers that tell an origin or a proxy who is asking. `Session-Assertion` is signed; the others are for
 * origins that only this worker can reach.
 */
export async function identityHeaders(
  settings: Settings,
  session: AuthenticSession,
): Promise<ReadonlyMap<string, string>> {
  const { name, email, email_verified: emailVerified, groups } = session.profile;
  const headers = new Map([["Remote-User", headerText(session.sub)]]);
  if (typeof name === "string") headers.set("Remote-Name", headerText(name));
  if (Array.isArray(groups) && groups.length > 0)
    headers.set("Remote-Groups", groups.map((group) => headerText(String(group))).join(","));
  // Whoever trusts an address takes it for its owner's.
  if (typeof email === "string" && emailVerified !== false) headers.set("Remote-Email", headerText(email));
  headers.set("Session-Assertion", await sessionAssertion(settings, session));
  return headers;
}

/**
 * A text as a header carries it safely: printable ASCII as it is, everything else and `%` percent-encoded as
 * UTF-8, so that decoding percent signs always gives back the text (RFC 9110 section 5.5 leaves non-ASCII
 * characters undefined).
 */
export function headerText(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\x20-\x7e]|%/gu, encodeURIComponent)
    .trim();
}

/**
 * Header names by which one origin or another learns who is asking, in the form {@link headerKey} gives them:
 * ours, and those of the proxies that an origin may have stood behind before.
 */
const IDENTITY =
  /^(?:(?:x-)?remote-.*|session-assertion|x-auth-request-.*|x-forwarded-(?:user|name|email|groups|preferred-username|access-token))$/;

/** Whether an origin could take a header for word of who is asking. */
export function isIdentityHeader(name: string): boolean {
  return IDENTITY.test(headerKey(name));
}

/**
 * A request without what its visitor claims to be; such a one is passed on as it came where it claims nothing.
 * @example
 * withoutIdentity(new Request("https://club.example/", { headers: { Remote_User: "acc_1" } }))
 */
export function withoutIdentity(request: Request): Request {
  const claimed = [...request.headers.keys()].filter(isIdentityHeader);
  if (claimed.length === 0) return request;
  const headers = new Headers(request.headers);
  for (const name of claimed) headers.delete(name);
  return new Request(request, { headers });
}

/**
 * The name by which a CGI-like origin finds a header (RFC 3875 section 4.1.18): to WSGI, PHP and Rack, case and
 * the difference between `-`, `_` and other signs is lost.
 */
export function headerKey(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "-");
}
