import { type AuthenticSession, importedKeys, now, SESSION_ALGORITHM } from "../session/session.ts";
import type { Settings } from "../settings.ts";

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

/** Tells an assertion from a session token, which is signed with the same keys (RFC 8725 section 3.11). */
const ASSERTION_TYPE = "session-assertion+jwt";

/** Seconds for which one assertion serves all requests of a session: signing is the dearest part of a request. */
const REUSE = 20;

/** Seconds by which an origin's clock may differ from ours. */
const CLOCK_DIFFERENCE = 60;

/** Seconds on the way to the origin, a queue before it included. */
const ON_THE_WAY = 10;

/**
 * When an assertion begins and ends, in seconds since the epoch. Many JOSE libraries refuse an `iat` or `nbf` that
 * their clock has not reached, some without any tolerance to set, so both lie before the moment of signing by the
 * clock difference that is borne; `exp` bears the same on the other side.
 */
function validity(signedAt: number): { readonly from: number; readonly until: number } {
  return { from: signedAt - CLOCK_DIFFERENCE, until: signedAt + REUSE + ON_THE_WAY + CLOCK_DIFFERENCE };
}

interface KeptAssertion {
  readonly audience: string;
  readonly signedAt: number;
  readonly assertion: string;
}

/** The last assertion of each session token that is remembered as verified, and gone when that is. */
const kept = new WeakMap<AuthenticSession, KeptAssertion>();

/**
 * Who an assertion is for: the origin behind the worker, else whoever asks `/auth/verify`. Never the audience of a
 * session token, because software that can't check `typ` tells the two apart by it.
 */
function assertionAudience({ site }: Settings): string {
  if (site.originUrl !== undefined && site.originUrl !== site.origin) return site.originUrl;
  return `${site.origin}${site.authPath}/verify`;
}

/**
 * Says to the origin, in a way it can check with the public keys, whose request this is. It is a JWT of its own
 * type and audience, so that nobody who gets hold of one can use it as a session.
 */
async function sessionAssertion(settings: Settings, session: AuthenticSession): Promise<string> {
  const audience = assertionAudience(settings);
  const signedAt = now();
  const known = kept.get(session);
  if (known?.audience === audience && signedAt - known.signedAt < REUSE) return known.assertion;
  const { signing } = await importedKeys(settings.session);
  const { sub, sid, authTime, profile } = session;
  const { from, until } = validity(signedAt);
  const { default: jose } = await import("../jose.ts");
  const assertion = await new jose.SignJWT({ ...profile, sid, auth_time: authTime })
    .setProtectedHeader({ alg: SESSION_ALGORITHM, kid: signing.kid, typ: ASSERTION_TYPE })
    .setIssuer(settings.session.issuer)
    .setAudience(audience)
    .setSubject(sub)
    .setIssuedAt(from)
    .setNotBefore(from)
    .setExpirationTime(until)
    .sign(signing.key);
  kept.set(session, { audience, signedAt, assertion });
  return assertion;
}
