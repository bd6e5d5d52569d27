import type { SessionSettings } from "../settings.ts";
import type { SessionClaims } from "./session.ts";
import { tokenSizeLimit } from "./session-cookie.ts";
import { now } from "./session-lifetime.ts";
import { tokenLength } from "./session-token.ts";

/** The profile a token can carry, and the names of the wanted claims for which there was no room. */
export interface FittedProfile {
  readonly profile: Readonly<Record<string, unknown>>;
  readonly leftOut: readonly string[];
}

/**
 * Picks what SESSION_CLAIMS names out of what is known of a person, in that order, as far as the cookie has
 * room. A claim that does not fit is left out whole: half a name is worse than none.
 * @param claims a session with a profile of any size.
 */
export function fittedProfile(settings: SessionSettings, claims: SessionClaims): FittedProfile {
  const limit = tokenSizeLimit(settings);
  const issuedAt = now();
  const leftOut: string[] = [];
  let profile: Readonly<Record<string, unknown>> = {};
  for (const name of settings.claims) {
    if (claims.profile[name] === undefined) continue;
    const larger = { ...profile, [name]: claims.profile[name] };
    const session = { ...claims, profile: larger, issuedAt, expiresAt: issuedAt };
    if (tokenLength(settings, session) <= limit) profile = larger;
    else leftOut.push(name);
  }
  return { profile, leftOut };
}
