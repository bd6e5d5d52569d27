import { putBounded } from "../bounded-map.ts";
import type { SessionSettings } from "../settings.ts";
import type { AuthenticSession } from "./session.ts";

/**
 * Tokens whose signature, `typ`, `iss` and `aud` were found right, by the exact text of the token and the
 * settings it was checked under: keys, issuer and audience are part of these, and a site never sees what
 * another site's settings made of a token. Verifying once saves an elliptic-curve operation on every later
 * request.
 *
 * Only that a token is authentic is remembered. Whether it is still fresh, and whether its session has ended,
 * is asked anew at every request. What did not verify is not remembered: anybody can make such tokens.
 */
const verified = new WeakMap<SessionSettings, Map<string, AuthenticSession>>();

/** Tokens per settings. A token is 400 to 4,000 characters, so this is a few megabytes. */
const LIMIT = 4_000;

/** What this very token said when it was verified under these very settings, if that was not long ago. */
export function verifiedToken(settings: SessionSettings, token: string): AuthenticSession | undefined {
  return verified.get(settings)?.get(token);
}

/** Remembers what a token says. Call it only with what was verified under these settings. */
export function rememberVerified(settings: SessionSettings, token: string, session: AuthenticSession): void {
  const tokens = verified.get(settings) ?? new Map<string, AuthenticSession>();
  putBounded(tokens, token, session, LIMIT);
  verified.set(settings, tokens);
}
