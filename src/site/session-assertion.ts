import { SignJWT } from "jose";
import type { AuthenticSession } from "../session/session.ts";
import { importedKeys, SESSION_ALGORITHM } from "../session/session-keys.ts";
import { now } from "../session/session-lifetime.ts";
import type { Settings } from "../settings.ts";

/** Tells an assertion from a session token, which is signed with the same keys (RFC 8725 section 3.11). */
const ASSERTION_TYPE = "session-assertion+jwt";

/** Seconds an origin may believe an assertion: long enough for a queue and a clock that is off. */
const LIFE = 60;

/** Seconds for which one assertion serves all requests of a session: signing is the dearest part of a request. */
const REUSE = 20;

interface KeptAssertion {
  readonly audience: string;
  readonly signedAt: number;
  readonly assertion: string;
}

/** The last assertion of each session token that is remembered as verified, and gone when that is. */
const kept = new WeakMap<AuthenticSession, KeptAssertion>();

/** Who an assertion is for: the origin behind the worker. */
export function assertionAudience({ site }: Settings): string {
  return site.originUrl ?? site.origin;
}

/**
 * Says to the origin, in a way it can check with the public keys, whose request this is. It is a JWT of its own
 * type and audience, so that nobody who gets hold of one can use it as a session.
 */
export async function sessionAssertion(settings: Settings, session: AuthenticSession): Promise<string> {
  const audience = assertionAudience(settings);
  const signedAt = now();
  const known = kept.get(session);
  if (known?.audience === audience && signedAt - known.signedAt < REUSE) return known.assertion;
  const { signing } = await importedKeys(settings.session);
  const { sub, sid, authTime, profile } = session;
  const assertion = await new SignJWT({ ...profile, sid, auth_time: authTime })
    .setProtectedHeader({ alg: SESSION_ALGORITHM, kid: signing.kid, typ: ASSERTION_TYPE })
    .setIssuer(settings.session.issuer)
    .setAudience(audience)
    .setSubject(sub)
    .setIssuedAt(signedAt)
    .setExpirationTime(signedAt + LIFE)
    .sign(signing.key);
  kept.set(session, { audience, signedAt, assertion });
  return assertion;
}
